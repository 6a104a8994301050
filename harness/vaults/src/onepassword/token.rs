//! Access tokens: what each may do, and how long.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rotaproof_base::{Entropy, SecretValue};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::config::{Access, ConnectToken};

/// What a token is stored under: never its text.
type Id = [u8; 32];

fn id(token: &str) -> Id {
    Sha256::digest(token.as_bytes()).into()
}

/// A token of Connect's form: a JSON Web Token, whose signature only the server that was given it accepts.
pub fn draw(entropy: &Entropy) -> SecretValue {
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "ES256", "typ": "JWT"}));
    let claims = part(json!({
        "aud": ["com.1password.connect"], "iss": "com.1password.b5", "jti": entropy.uuid().to_string(),
    }));
    let mut signature = [0; 64];
    entropy.fill(&mut signature);
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    SecretValue::new(format!("{header}.{claims}.{signature}"))
}

/// Who bears a token, and what that allows.
pub(super) struct Bearer {
    pub(super) name: String,
    /// By the vault's name; `None` is everything.
    scope: Option<BTreeMap<String, Access>>,
    expires: Option<Timestamp>,
}

impl Bearer {
    /// What the bearer may do with a vault; `None` where it is out of scope.
    pub(super) fn access(&self, vault: &str) -> Option<Access> {
        match &self.scope {
            None => Some(Access {
                read: true,
                write: true,
            }),
            Some(scope) => scope
                .get(vault)
                .copied()
                .filter(|access| access.read || access.write),
        }
    }
}

/// Why a token is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    /// Absent, malformed or expired.
    Bearer,
    /// Well formed, and of another issuer.
    Signature,
}

/// All tokens of a server.
pub(super) struct Tokens(BTreeMap<Id, Bearer>);

impl Tokens {
    /// The tokens of a configuration, with one for the administrator that may do everything.
    pub(super) fn new(
        tokens: &[ConnectToken],
        administrator: &SecretValue,
        now: Timestamp,
    ) -> Self {
        let known = tokens.iter().map(|token| {
            let bearer = Bearer {
                name: token.name.clone(),
                scope: Some(token.vaults.iter().cloned().collect()),
                expires: token
                    .ttl
                    .map(|ttl| now.saturating_add(ttl).unwrap_or(Timestamp::MAX)),
            };
            (id(token.token.expose_str().unwrap_or_default()), bearer)
        });
        let first = Bearer {
            name: "administrator".to_owned(),
            scope: None,
            expires: None,
        };
        let first = (id(administrator.expose_str().unwrap_or_default()), first);
        Self(known.chain([first]).collect())
    }

    /// The bearer of the token in an `Authorization` header.
    pub(super) fn verify(&self, header: Option<&str>, now: Timestamp) -> Result<&Bearer, Invalid> {
        let token = header
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Invalid::Bearer)?;
        let bearer = self.0.get(&id(token));
        match bearer {
            Some(bearer) if bearer.expires.is_none_or(|at| now < at) => Ok(bearer),
            Some(_) => Err(Invalid::Bearer),
            None if is_well_formed(token) => Err(Invalid::Signature),
            None => Err(Invalid::Bearer),
        }
    }
}

/// Three parts of base64url, the first two of them JSON objects.
fn is_well_formed(token: &str) -> bool {
    let parts: Vec<Option<Vec<u8>>> = token
        .split('.')
        .map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok())
        .collect();
    match parts.as_slice() {
        [Some(header), Some(claims), Some(signature)] => {
            let object =
                |part: &[u8]| serde_json::from_slice::<serde_json::Map<_, _>>(part).is_ok();
            object(header) && object(claims) && !signature.is_empty()
        }
        _ => false,
    }
}
