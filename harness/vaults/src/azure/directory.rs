//! The tenant's directory: who there is, the tokens that they get, and who a token is from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use jiff::Timestamp;
use rotaproof_base::jwt::{Issuer, JwtError, Verifier};
use rotaproof_base::{Clock, Entropy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::Principal;
use super::error::VaultError;
use super::{LOGIN_HOST, RESOURCE};

/// A token counts from five minutes before its issue, as Entra's do.
const BEFORE: i64 = 300;
/// Verified tokens that are remembered, so that a signature is checked once.
const REMEMBERED: usize = 1024;

/// A principal with the id that the directory gave it.
pub(super) struct Member {
    pub(super) principal: Principal,
    pub(super) object_id: String,
}

/// A token, as the endpoints answer it. Times are seconds since the Unix epoch.
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) not_before: i64,
    pub(super) expires_in: i64,
    pub(super) expires_on: i64,
}

struct Verified {
    member: Arc<Member>,
    expires: i64,
}

/// The directory of one tenant.
pub(super) struct Directory {
    pub(super) tenant: String,
    issuer: Issuer,
    verifier: Verifier,
    members: Vec<Arc<Member>>,
    clock: Clock,
    ids: Entropy,
    /// By the digest of the token; only ever looked up, never iterated in a way that shows.
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

impl Directory {
    pub(super) fn new(
        tenant: &str,
        principals: Vec<Principal>,
        clock: Clock,
        entropy: &Entropy,
    ) -> Result<Self, JwtError> {
        let issuer = Issuer::generate(format!("https://sts.windows.net/{tenant}/"))?;
        let members = principals.into_iter().map(|principal| {
            let object_id = entropy.fork(&principal.client_id).uuid().to_string();
            Arc::new(Member {
                principal,
                object_id,
            })
        });
        Ok(Self {
            tenant: tenant.to_owned(),
            verifier: issuer.verifier(),
            issuer,
            members: members.collect(),
            clock,
            ids: entropy.fork("token ids"),
            verified: Mutex::default(),
        })
    }

    /// The `iss` of this tenant's tokens.
    pub(super) fn issuer(&self) -> &str {
        self.issuer.url()
    }

    /// The keys that verify them.
    pub(super) fn jwks(&self) -> &Value {
        self.issuer.jwks()
    }

    pub(super) fn by_client_id(&self, client_id: &str) -> Option<&Arc<Member>> {
        self.find(|member| member.principal.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The managed identities that the cluster's nodes carry.
    pub(super) fn managed(&self) -> impl Iterator<Item = &Arc<Member>> {
        let members = self.members.iter();
        members.filter(|member| member.principal.managed_identity.is_some())
    }

    fn find(&self, wanted: impl Fn(&Member) -> bool) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| wanted(member))
    }

    /// Signs a token for `audience` that lives for `lifetime` seconds.
    pub(super) fn issue(
        &self,
        member: &Member,
        audience: &str,
        lifetime: i64,
    ) -> Result<Issued, JwtError> {
        let now = self.clock.unix_seconds();
        let (not_before, expires_on) = (now - BEFORE, now.saturating_add(lifetime));
        let claims = json!({
            "aud": audience,
            "iss": self.issuer(),
            "iat": not_before, "nbf": not_before, "exp": expires_on,
            "appid": member.principal.client_id,
            "appidacr": "1",
            "idp": self.issuer(),
            "idtyp": "app",
            "oid": member.object_id, "sub": member.object_id,
            "tid": self.tenant,
            "uti": self.ids.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 22),
            "ver": "1.0",
        });
        Ok(Issued {
            token: self.issuer.sign(&claims)?,
            not_before,
            expires_in: lifetime,
            expires_on,
        })
    }

    /// The challenge of a vault: where to get a token, and for what.
    pub(super) fn challenge(&self) -> String {
        let tenant = &self.tenant;
        format!(r#"Bearer authorization="https://{LOGIN_HOST}/{tenant}", resource="{RESOURCE}""#)
    }

    /// Who a request to the vault comes from.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Member>, VaultError> {
        let value = headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        let token = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return Err(VaultError::unauthorized(
                "AKV10000: Request is missing a Bearer or PoP token.",
            ));
        };
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now = self.clock.unix_seconds();
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = verified.get(&digest)
            && now < known.expires
        {
            return Ok(known.member.clone());
        }
        let fresh = self.verify(token)?;
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        let member = fresh.member.clone();
        verified.insert(digest, fresh);
        Ok(member)
    }

    /// Checks issuer, signature, time and audience, in this order.
    fn verify(&self, token: &str) -> Result<Verified, VaultError> {
        let refuse = |message: String| VaultError::unauthorized(message);
        let Some(unverified) = unverified_claims(token) else {
            return Err(refuse(
                "Error validating token: IDX12741: JWT must have three segments (JWS) or five segments (JWE).".into(),
            ));
        };
        let found = unverified.get("iss").and_then(Value::as_str);
        if found != Some(self.issuer()) {
            return Err(refuse(format!(
                "AKV10032: Invalid issuer. Expected one of {}, found {}.",
                self.issuer(),
                found.unwrap_or_default()
            )));
        }
        let claims = self
            .verifier
            .verify(token, &self.clock)
            .map_err(|error| refuse(self.unverifiable(token, &unverified, &error)))?;
        let audiences = claims.audiences();
        if !audiences.iter().any(|audience| is_key_vault(audience)) {
            return Err(refuse(format!(
                "AKV10022: Invalid audience. Expected {RESOURCE}, found: {}.",
                audiences.join(", ")
            )));
        }
        let client_id = claims.text("appid").unwrap_or_default();
        let Some(member) = self.by_client_id(client_id) else {
            return Err(refuse(format!(
                "Error validating token: the application {client_id} is unknown to the tenant."
            )));
        };
        Ok(Verified {
            member: member.clone(),
            expires: claims.number("exp").unwrap_or_default(),
        })
    }

    fn unverifiable(&self, token: &str, claims: &Value, error: &JwtError) -> String {
        let time = |name: &str| {
            let seconds = claims.get(name).and_then(Value::as_i64).unwrap_or_default();
            Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |at| at.to_string())
        };
        match error {
            JwtError::Expired => format!(
                "Error validating token: IDX10223: Lifetime validation failed. The token is expired. ValidTo (UTC): \
                 '{}', Current time (UTC): '{}'.",
                time("exp"),
                self.clock.now()
            ),
            JwtError::NotYetValid => format!(
                "Error validating token: IDX10222: Lifetime validation failed. The token is not yet valid. ValidFrom \
                 (UTC): '{}', Current time (UTC): '{}'.",
                time("nbf"),
                self.clock.now()
            ),
            JwtError::UnknownKey => format!(
                "AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '{}'.",
                token.split('.').next().unwrap_or_default()
            ),
            JwtError::BadSignature | JwtError::Malformed | JwtError::Signing(_) => {
                "Error validating token: IDX10511: Signature validation failed.".to_owned()
            }
        }
    }
}

/// The claims of a token whose signature is still to be checked; `None` for what is no token.
pub(super) fn unverified_claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.is_object().then_some(claims)
}

/// Whether an audience or a resource stands for Key Vault.
pub(super) fn is_key_vault(audience: &str) -> bool {
    /// Key Vault's own application id.
    const APPLICATION: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";
    audience == RESOURCE || audience == APPLICATION
}
