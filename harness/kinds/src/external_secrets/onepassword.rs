//! `spec.provider.onepassword`: 1Password Connect.

use super::SecretKeySelector;
use crate::record::record;

record! {
    /// A Connect server, and the vaults behind it.
    #[derive(Default)]
    OnePasswordProvider {
        required {
            /// How to authenticate.
            auth: OnePasswordAuth,
            /// The server's URL.
            connect_host: String,
        }
        maps {
            /// The vaults to search, by name or id; the lowest number first.
            vaults: i64,
        }
    }
}

record! {
    /// The only way to authenticate.
    #[derive(Default)]
    OnePasswordAuth { required {
        /// From a Secret.
        secret_ref: OnePasswordAuthSecretRef,
    } }
}

record! {
    /// The Secret that holds the access token.
    #[derive(Default)]
    OnePasswordAuthSecretRef { required {
        /// Its key.
        connect_token_secret_ref: SecretKeySelector,
    } }
}
