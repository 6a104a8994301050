//! The account's access keys, long-lived and temporary, and the check of who signed a request.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use rotaproof_base::{Entropy, SecretValue};

use super::config::{Credentials, Role, Statement, StaticKey};
use super::error::Unauthenticated;
use super::policy::Principal;
use super::sigv4::{self, Received};

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ANY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Derived keys kept per access key: both services, on both sides of midnight.
const DERIVED: usize = 4;
/// For how long a key that has expired is still told from one that never was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// A key that can sign.
struct Key {
    secret: SecretValue,
    token: Option<SecretValue>,
    expires: Option<Timestamp>,
    principal: Principal,
    derived: Vec<(String, hmac::Key)>,
}

/// A temporary key, as STS answers it.
pub(super) struct Issued {
    pub(super) credentials: Credentials,
    pub(super) expires: Timestamp,
    pub(super) principal: Principal,
}

pub(super) struct Identities {
    account: String,
    entropy: Entropy,
    // Only ever looked up, never iterated: its order cannot show.
    keys: HashMap<String, Key>,
    /// The temporary keys in the order of their issue.
    issued: VecDeque<(Timestamp, String)>,
    roles: Vec<(Arc<Role>, String)>,
}

impl Identities {
    pub(super) fn new(
        account: &str,
        entropy: Entropy,
        roles: Vec<Role>,
        keys: Vec<StaticKey>,
    ) -> Self {
        let roles = roles
            .into_iter()
            .map(|role| {
                let id = format!("AROA{}", entropy.fork(&role.arn).text(UPPER, 16));
                (Arc::new(role), id)
            })
            .collect();
        let mut identities = Self {
            account: account.into(),
            entropy,
            keys: HashMap::new(),
            issued: VecDeque::new(),
            roles,
        };
        for key in keys {
            identities.add_user(key);
        }
        identities
    }

    /// Adds the harness' own user, who may do everything.
    pub(super) fn add_administrator(&mut self) -> Credentials {
        let credentials = Credentials {
            access_key_id: format!("AKIA{}", self.entropy.text(UPPER, 16)),
            secret_access_key: SecretValue::new(self.entropy.text(ANY, 40)),
            session_token: None,
        };
        self.add_user(StaticKey {
            name: "rotaproof".into(),
            access_key_id: credentials.access_key_id.clone(),
            secret_access_key: credentials.secret_access_key.clone(),
            allows: vec![Statement::all()],
        });
        credentials
    }

    fn add_user(&mut self, key: StaticKey) {
        let arn = format!("arn:aws:iam::{}:user/{}", self.account, key.name);
        let id = format!("AIDA{}", self.entropy.fork(&arn).text(UPPER, 16));
        let key_id = key.access_key_id;
        self.keys.insert(
            key_id,
            Key {
                secret: key.secret_access_key,
                token: None,
                expires: None,
                principal: Principal {
                    arn: arn.into(),
                    id: id.into(),
                    allows: key.allows.into(),
                },
                derived: Vec::new(),
            },
        );
    }

    pub(super) fn role(&self, arn: &str) -> Option<Arc<Role>> {
        let found = self.roles.iter().find(|(role, _)| role.arn == arn)?;
        Some(Arc::clone(&found.0))
    }

    /// Whether any role expects this audience: the client ids of the account's OpenID Connect provider.
    pub(super) fn knows_audience(&self, audience: &str) -> bool {
        self.roles.iter().any(|(role, _)| role.audience == audience)
    }

    /// Starts a session of a role.
    pub(super) fn issue(
        &mut self,
        role: &Role,
        session: &str,
        seconds: i64,
        now: Timestamp,
    ) -> Issued {
        self.forget_expired(now);
        let expires = Timestamp::from_second(now.as_second().saturating_add(seconds))
            .unwrap_or(Timestamp::MAX);
        let role_id = self
            .roles
            .iter()
            .find(|(known, _)| known.arn == role.arn)
            .map_or("AROA", |(_, id)| id.as_str());
        let name = role.arn.rsplit('/').next().unwrap_or_default();
        let principal = Principal {
            arn: format!(
                "arn:aws:sts::{}:assumed-role/{name}/{session}",
                self.account
            )
            .into(),
            id: format!("{role_id}:{session}").into(),
            allows: role.allows.clone().into(),
        };
        let token = SecretValue::new(format!("IQoJb3JpZ2luX2Vj{}", self.entropy.text(ANY, 240)));
        let credentials = Credentials {
            access_key_id: format!("ASIA{}", self.entropy.text(UPPER, 16)),
            secret_access_key: SecretValue::new(self.entropy.text(ANY, 40)),
            session_token: Some(token.clone()),
        };
        self.issued
            .push_back((expires, credentials.access_key_id.clone()));
        self.keys.insert(
            credentials.access_key_id.clone(),
            Key {
                secret: credentials.secret_access_key.clone(),
                token: Some(token),
                expires: Some(expires),
                principal: principal.clone(),
                derived: Vec::new(),
            },
        );
        Issued {
            credentials,
            expires,
            principal,
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((expires, _)) = self.issued.front()
            && now.duration_since(*expires) > REMEMBERED
            && let Some((_, id)) = self.issued.pop_front()
        {
            self.keys.remove(&id);
        }
    }

    /// Finds out who signed a request.
    pub(super) fn authenticate(
        &mut self,
        received: &Received<'_>,
        region: &str,
        service: &str,
        now: Timestamp,
    ) -> Result<Principal, Unauthenticated> {
        let text = |name: &str| {
            received
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let header = text("authorization").ok_or(Unauthenticated::Missing)?;
        let authorization = sigv4::parse(header)?;
        let key = self
            .keys
            .get_mut(authorization.access_key_id)
            .ok_or(Unauthenticated::UnknownKey)?;
        let token = text("x-amz-security-token").map(str::as_bytes);
        if token != key.token.as_ref().map(SecretValue::expose) {
            return Err(Unauthenticated::UnknownKey);
        }
        if key.expires.is_some_and(|expires| now >= expires) {
            return Err(Unauthenticated::Expired);
        }
        let (secret, derived) = (&key.secret, &mut key.derived);
        sigv4::verify(&authorization, received, region, service, now, |scope| {
            if let Some((_, known)) = derived.iter().find(|(known, _)| known == scope) {
                return known.clone();
            }
            let fresh = sigv4::signing_key(secret.expose(), scope);
            if derived.len() == DERIVED {
                derived.remove(0);
            }
            derived.push((scope.into(), fresh.clone()));
            fresh
        })?;
        Ok(key.principal.clone())
    }
}
