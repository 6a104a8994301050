//! ES256 JSON Web Tokens whose times are checked against the injected [`Clock`].

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use crate::Clock;

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not three base64url parts of JSON.
    #[error("malformed token")]
    Malformed,
    /// No key of the issuer has the token's `kid`, or its algorithm is not the key's.
    #[error("no matching key for the token")]
    UnknownKey,
    /// The signature does not verify.
    #[error("signature verification failed")]
    BadSignature,
    /// Past its `exp`.
    #[error("token is expired")]
    Expired,
    /// Before its `nbf`.
    #[error("token is not valid yet")]
    NotYetValid,
    /// A signing key could not be made or used.
    #[error("cannot sign: {0}")]
    Signing(String),
}

/// A P-256 key that signs the tokens of one issuer.
#[derive(Clone)]
pub struct Issuer {
    url: String,
    key_id: String,
    key: Arc<EncodingKey>,
    jwks: Value,
}

impl Issuer {
    /// Makes an issuer with a fresh key; its `kid` is derived from the public key.
    pub fn generate(url: impl Into<String>) -> Result<Self, JwtError> {
        use sha2::Digest;
        let pair = rcgen::KeyPair::generate().map_err(|e| JwtError::Signing(e.to_string()))?;
        // Uncompressed point: 0x04, then x and y of 32 bytes each.
        let point = pair.public_key_raw();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err(JwtError::Signing("unexpected public key form".into()));
        };
        let key_id = BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(point));
        let jwks = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key_id,
            "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y),
        }]});
        Ok(Self {
            url: url.into(),
            key_id,
            key: Arc::new(EncodingKey::from_ec_der(&pair.serialize_der())),
            jwks,
        })
    }

    /// The `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The public keys, as served at `/openid/v1/jwks`.
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// Signs the claims as they are.
    pub fn sign(&self, claims: &Value) -> Result<String, JwtError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.key)
            .map_err(|e| JwtError::Signing(e.to_string()))
    }

    /// A verifier of its tokens.
    pub fn verifier(&self) -> Verifier {
        Verifier::from_jwks(&self.url, &self.jwks)
    }
}

/// Verifies the tokens of one issuer. Audience and subject are the caller's to judge, with the caller's own error.
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    keys: JwkSet,
}

impl Verifier {
    /// A verifier over a JWKS document; an unusable document verifies nothing.
    pub fn from_jwks(issuer: impl Into<String>, jwks: &Value) -> Self {
        let keys = serde_json::from_value(jwks.clone()).unwrap_or(JwkSet { keys: Vec::new() });
        Self {
            issuer: issuer.into(),
            keys,
        }
    }

    /// The issuer that it trusts.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Checks form, key, signature, `exp` and `nbf`, in this order, and returns the claims.
    pub fn verify(&self, token: &str, clock: &Clock) -> Result<Claims, JwtError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| JwtError::Malformed)?;
        let key = header
            .kid
            .as_deref()
            .and_then(|kid| self.keys.find(kid))
            .ok_or(JwtError::UnknownKey)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| JwtError::UnknownKey)?;
        let mut rules = Validation::new(header.alg);
        rules.required_spec_claims.clear();
        // jsonwebtoken reads the machine's time; ours is the clock's, below.
        rules.validate_exp = false;
        rules.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules)
            .map_err(|e| match e.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => JwtError::BadSignature,
                jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => JwtError::UnknownKey,
                _ => JwtError::Malformed,
            })?
            .claims;
        let claims = Claims(claims);
        let now = clock.unix_seconds();
        if claims.number("exp").is_none_or(|exp| now >= exp) {
            return Err(JwtError::Expired);
        }
        if claims.number("nbf").is_some_and(|nbf| now < nbf) {
            return Err(JwtError::NotYetValid);
        }
        Ok(claims)
    }
}

/// The claims of a verified token.
#[derive(Clone, Debug)]
pub struct Claims(Value);

impl Claims {
    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// `aud`, which may be one text or a list of them.
    pub fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// All claims.
    pub fn all(&self) -> &Value {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(clock: &Clock, lifetime: i64) -> Value {
        let now = clock.unix_seconds();
        json!({"iss": "https://cluster", "sub": "system:serviceaccount:a:b", "aud": ["x"], "nbf": now, "exp": now + lifetime})
    }

    #[tokio::test(start_paused = true)]
    async fn a_signed_token_verifies_until_it_expires_on_the_clock() {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate("https://cluster").unwrap();
        let token = issuer.sign(&claims(&clock, 600)).unwrap();
        let verified = issuer.verifier().verify(&token, &clock).unwrap();
        assert_eq!(verified.text("sub"), Some("system:serviceaccount:a:b"));
        assert_eq!(verified.audiences(), ["x"]);
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        assert_eq!(
            issuer.verifier().verify(&token, &clock).unwrap_err(),
            JwtError::Expired
        );
    }

    #[tokio::test]
    async fn a_token_of_another_key_a_changed_token_and_garbage_are_refused() {
        let clock = Clock::system();
        let issuer = Issuer::generate("https://cluster").unwrap();
        let other = Issuer::generate("https://cluster").unwrap();
        let token = other.sign(&claims(&clock, 600)).unwrap();
        let verify = |token: &str| issuer.verifier().verify(token, &clock).unwrap_err();
        assert_eq!(verify(&token), JwtError::UnknownKey);
        assert_eq!(verify("garbage"), JwtError::Malformed);
        let own = issuer.sign(&claims(&clock, 600)).unwrap();
        let mut parts: Vec<&str> = own.split('.').collect();
        let forged = BASE64_URL_SAFE_NO_PAD.encode(claims(&clock, 9999).to_string());
        parts[1] = &forged;
        assert_eq!(verify(&parts.join(".")), JwtError::BadSignature);
    }
}
