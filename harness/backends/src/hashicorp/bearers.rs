//! Who bears which token: the server knows tokens, the journal knows names.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, header};
use rotaproof_base::{Fingerprint, Fingerprinter, SecretValue};
use serde_json::Value;

/// The names of tokens' bearers, by the tokens' fingerprints.
pub(super) struct Bearers {
    fingerprinter: Fingerprinter,
    names: Mutex<HashMap<Fingerprint, String>>,
}

impl Bearers {
    pub(super) fn new(fingerprinter: Fingerprinter) -> Self {
        Self {
            fingerprinter,
            names: Mutex::default(),
        }
    }

    /// Remembers whose token it is.
    pub(super) fn learn(&self, token: &SecretValue, name: &str) {
        let fingerprint = self.fingerprinter.of(token.expose());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(fingerprint, name.to_owned());
    }

    /// The bearer of a request's token, where the token was given out here.
    pub(super) fn of(&self, request: &Request<Bytes>) -> Option<String> {
        let fingerprint = self.fingerprinter.of(token(request)?);
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&fingerprint).cloned()
    }
}

/// `X-Vault-Token`, else `Authorization: Bearer`.
fn token(request: &Request<Bytes>) -> Option<&[u8]> {
    let own = request.headers().get("x-vault-token");
    let own = own
        .map(|token| token.as_bytes())
        .filter(|token| !token.is_empty());
    own.or_else(|| {
        let value = request.headers().get(header::AUTHORIZATION)?;
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token.as_bytes())
    })
}

/// What the bearer of a token will be called that this request asks for: `kubernetes/eso` after a login, the display
/// name after a creation.
pub(super) fn named_by(request: &Request<Bytes>, operation: &str) -> Option<String> {
    let asked = |member: &str| {
        let body: Value = serde_json::from_slice(request.body()).ok()?;
        Some(body[member].as_str()?.to_owned()).filter(|text| !text.is_empty())
    };
    if operation == "create-token" {
        return Some(match asked("display_name") {
            Some(name) => format!("token-{name}"),
            None => "token".to_owned(),
        });
    }
    if !operation.ends_with(" login") {
        return None;
    }
    let path = request.uri().path();
    let mount = path.strip_prefix("/v1/auth/")?.strip_suffix("/login")?;
    Some(format!("{mount}/{}", asked("role")?))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::login(
        "/v1/auth/k8s/login",
        "kubernetes login",
        r#"{"role":"eso","jwt":"x"}"#,
        Some("k8s/eso")
    )]
    #[case::creation(
        "/v1/auth/token/create",
        "create-token",
        r#"{"display_name":"ci"}"#,
        Some("token-ci")
    )]
    #[case::nameless_creation("/v1/auth/token/create", "create-token", "", Some("token"))]
    #[case::read("/v1/secret/data/a", "kv-v2 read", "", None)]
    fn a_new_tokens_bearer_is_named_as_the_built_in_vault_does(
        #[case] path: &str,
        #[case] operation: &str,
        #[case] body: &'static str,
        #[case] name: Option<&str>,
    ) {
        let request = Request::post(path).body(Bytes::from(body)).unwrap();
        assert_eq!(named_by(&request, operation).as_deref(), name);
    }

    #[test]
    fn a_token_is_known_by_either_header_and_forgotten_by_none() {
        let bearers = Bearers::new(Fingerprinter::from_key([1; 32]));
        bearers.learn(&SecretValue::new("hvs.one"), "reader");
        let with = |name: &str, value: &str| {
            let request = Request::get("/").header(name, value);
            bearers.of(&request.body(Bytes::new()).unwrap())
        };
        assert_eq!(with("x-vault-token", "hvs.one").as_deref(), Some("reader"));
        assert_eq!(
            with("authorization", "Bearer hvs.one").as_deref(),
            Some("reader")
        );
        assert_eq!(with("x-vault-token", "hvs.two"), None);
        assert_eq!(with("accept", "hvs.one"), None);
    }
}
