//! Access keys, as the session hands them to the signer.

use jiff::Timestamp;
use rotaproof_base::SecretValue;

/// What signs a request.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: SecretValue,
    pub(super) session_token: Option<SecretValue>,
    /// Unset for static keys.
    pub(super) expires: Option<Timestamp>,
}
