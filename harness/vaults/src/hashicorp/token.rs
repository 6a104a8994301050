//! Tokens: what each may do, how long it lives, and which tokens die with it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::{Entropy, SecretValue};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::time::later;

/// Vault's `default_lease_ttl` and `max_lease_ttl`.
pub(super) const DEFAULT_TTL: Duration = Duration::from_secs(768 * 3600);

/// What a token is stored under: never its text.
type Id = [u8; 32];

fn id(token: &str) -> Id {
    Sha256::digest(token.as_bytes()).into()
}

/// One token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) accessor: String,
    /// What the journal calls its bearer: `root`, a static token's name, `kubernetes/<role>`.
    pub(super) identity: String,
    pub(super) policies: Vec<String>,
    pub(super) display_name: String,
    /// Where it was issued: `auth/kubernetes/login`.
    pub(super) path: String,
    pub(super) meta: Option<BTreeMap<String, String>>,
    pub(super) entity: String,
    pub(super) issued: Timestamp,
    pub(super) ttl: Option<Duration>,
    pub(super) expires: Option<Timestamp>,
    pub(super) renewable: bool,
    parent: Option<Id>,
}

/// What a new token is to be.
pub(super) struct Grant {
    pub(super) identity: String,
    pub(super) policies: Vec<String>,
    pub(super) display_name: String,
    pub(super) path: String,
    pub(super) meta: Option<BTreeMap<String, String>>,
    /// `None` never ends.
    pub(super) ttl: Option<Duration>,
    pub(super) renewable: bool,
    /// The user's name with the auth method; empty for tokens of none.
    pub(super) alias: String,
}

/// All tokens.
pub(super) struct TokenStore {
    tokens: BTreeMap<Id, Token>,
    entropy: Entropy,
}

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A token's text as Vault makes them: `hvs.` and 24 characters.
pub(super) fn draw(entropy: &Entropy) -> SecretValue {
    SecretValue::new(format!("hvs.{}", entropy.text(ALPHANUMERIC, 24)))
}

impl TokenStore {
    pub(super) fn new(entropy: Entropy) -> Self {
        Self {
            tokens: BTreeMap::new(),
            entropy,
        }
    }

    /// Makes a token; `parent` is the token whose end is also its own. Returns its text.
    pub(super) fn issue(
        &mut self,
        grant: Grant,
        parent: Option<&str>,
        now: Timestamp,
    ) -> (SecretValue, Token) {
        let text = draw(&self.entropy);
        let token = self.insert(&text, grant, parent, now);
        (text, token)
    }

    /// Takes up a token whose text is given.
    pub(super) fn insert(
        &mut self,
        text: &SecretValue,
        grant: Grant,
        parent: Option<&str>,
        now: Timestamp,
    ) -> Token {
        // Those whose time is over would otherwise pile up in a long run.
        self.tokens
            .retain(|_, token| token.expires.is_none_or(|at| now < at));
        let mut policies = grant.policies;
        if !policies
            .iter()
            .any(|name| name == "root" || name == "default")
        {
            policies.push("default".to_owned());
        }
        policies.sort();
        policies.dedup();
        let entity = match grant.alias.as_str() {
            "" => String::new(),
            alias => self.entropy.fork("entity").fork(alias).uuid().to_string(),
        };
        let token = Token {
            accessor: self.entropy.text(ALPHANUMERIC, 24),
            identity: grant.identity,
            policies,
            display_name: grant.display_name,
            path: grant.path,
            meta: grant.meta,
            entity,
            issued: now,
            ttl: grant.ttl,
            expires: grant.ttl.map(|ttl| later(now, ttl)),
            renewable: grant.renewable,
            parent: parent.map(id),
        };
        let key = id(text.expose_str().unwrap_or_default());
        self.tokens.insert(key, token.clone());
        token
    }

    fn valid(&self, key: &Id, now: Timestamp) -> Option<&Token> {
        let token = self.tokens.get(key)?;
        if token.expires.is_some_and(|at| now >= at) {
            return None;
        }
        // A token dies with its parent; chains are as short as scenarios are.
        match &token.parent {
            Some(parent) => self.valid(parent, now).map(|_| token),
            None => Some(token),
        }
    }

    /// The token with this text, if it is alive.
    pub(super) fn get(&self, text: &str, now: Timestamp) -> Option<&Token> {
        self.valid(&id(text), now)
    }

    /// Ends a token and all its children.
    pub(super) fn revoke(&mut self, text: &str) {
        let mut ended = vec![id(text)];
        while let Some(key) = ended.pop() {
            self.tokens.remove(&key);
            let children = self.tokens.iter().filter(|(_, t)| t.parent == Some(key));
            ended.extend(children.map(|(child, _)| *child));
        }
    }

    /// Lengthens a token's life by `increment` from now, at most to the maximum since its issue.
    pub(super) fn renew(
        &mut self,
        text: &str,
        increment: Duration,
        now: Timestamp,
    ) -> Option<Token> {
        let token = self.tokens.get_mut(&id(text))?;
        let wanted = if increment.is_zero() {
            token.ttl.unwrap_or(DEFAULT_TTL)
        } else {
            increment
        };
        let limit = later(token.issued, DEFAULT_TTL.max(token.ttl.unwrap_or_default()));
        token.expires = Some(later(now, wanted).min(limit));
        Some(token.clone())
    }
}

impl Token {
    /// Whole seconds left; 0 for a token without end.
    pub(super) fn remaining(&self, now: Timestamp) -> i64 {
        self.expires.map_or(0, |at| {
            let left = at.duration_since(now);
            left.as_secs().max(0) + i64::from(left.subsec_millis() >= 500)
        })
    }

    fn orphan(&self) -> bool {
        self.parent.is_none()
    }

    /// The `data` of a lookup.
    pub(super) fn describe(&self, text: &str, now: Timestamp) -> Value {
        let mut data = json!({
            "accessor": self.accessor,
            "creation_time": self.issued.as_second(),
            "creation_ttl": self.ttl.map_or(0, |ttl| ttl.as_secs()),
            "display_name": self.display_name,
            "entity_id": self.entity,
            "expire_time": self.expires.map(|at| at.to_string()),
            "explicit_max_ttl": 0,
            "id": text,
            "meta": self.meta,
            "num_uses": 0,
            "orphan": self.orphan(),
            "path": self.path,
            "policies": self.policies,
            "ttl": self.remaining(now),
            "type": "service",
        });
        // Only a token with a lease has these.
        if let (Some(_), Value::Object(members)) = (self.expires, &mut data) {
            members.insert("issue_time".to_owned(), json!(self.issued.to_string()));
            members.insert("renewable".to_owned(), json!(self.renewable));
            members.sort_keys();
        }
        data
    }

    /// The `auth` of a login, a creation or a renewal.
    pub(super) fn auth(&self, text: &str, now: Timestamp) -> Value {
        json!({
            "client_token": text,
            "accessor": self.accessor,
            "policies": self.policies,
            "token_policies": self.policies,
            "metadata": self.meta,
            "lease_duration": self.remaining(now),
            "renewable": self.renewable,
            "entity_id": self.entity,
            "token_type": "service",
            "orphan": self.orphan(),
            "mfa_requirement": null,
            "num_uses": 0,
        })
    }
}
