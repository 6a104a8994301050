//! Who may call: service accounts with their keys, workload identities, and the access tokens that were issued.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use rotaproof_base::{Entropy, SecretValue};
use serde_json::Value;

use super::config::{Grant, ServiceAccount, WorkloadIdentity};
use super::error::ApiError;
use super::key::{self, ServiceAccountKey};
use super::policy::Principal;

/// How long a token of any kind lives, in seconds.
pub(super) const LIFETIME: i64 = 3600;
/// How far a client's clock may be off, in seconds.
const SKEW: i64 = 300;
const ANY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Who a token stands for.
#[derive(Clone)]
enum Subject {
    Principal(Principal),
    /// A federated token of a Kubernetes service account: a principal, and what may impersonate.
    Workload {
        namespace: String,
        name: String,
        principal: Principal,
    },
}

struct Session {
    subject: Subject,
    expires: Option<Timestamp>,
}

/// A token as it is issued.
pub(super) struct Issued {
    pub(super) token: SecretValue,
    pub(super) expires: Timestamp,
    pub(super) member: Arc<str>,
}

pub(super) struct Identities {
    project: String,
    entropy: Entropy,
    accounts: Vec<(ServiceAccount, Principal)>,
    workloads: Vec<WorkloadIdentity>,
    // Only ever looked up, never iterated: its order cannot show.
    sessions: HashMap<String, Session>,
    /// The tokens that expire, in the order of their issue.
    issued: VecDeque<(Timestamp, String)>,
}

impl Identities {
    pub(super) fn new(
        project: &str,
        entropy: Entropy,
        accounts: Vec<ServiceAccount>,
        workloads: Vec<WorkloadIdentity>,
    ) -> Self {
        let accounts = accounts.into_iter().map(|account| {
            let principal = Principal {
                member: format!("serviceAccount:{}", account.email).into(),
                grants: account.grants.clone().into(),
            };
            (account, principal)
        });
        Self {
            project: project.to_owned(),
            entropy,
            accounts: accounts.collect(),
            workloads,
            sessions: HashMap::new(),
            issued: VecDeque::new(),
        }
    }

    /// A token without end for the harness' own writer, who may do everything.
    pub(super) fn add_administrator(&mut self, email: &str) -> SecretValue {
        let subject = Subject::Principal(Principal {
            member: format!("serviceAccount:{email}").into(),
            grants: vec![Grant::admin()].into(),
        });
        let token = self.draw("ya29.");
        let session = Session {
            subject,
            expires: None,
        };
        self.sessions.insert(token.clone(), session);
        SecretValue::new(token)
    }

    /// Adds a key of a service account's; the account is made where it is not there, and may do everything.
    pub(super) fn add_administrator_key(&mut self, email: &str, key: ServiceAccountKey) {
        if let Some((account, _)) = self.accounts.iter_mut().find(|(a, _)| a.email == email) {
            account.keys.push(key);
            return;
        }
        let account = ServiceAccount {
            email: email.to_owned(),
            workload_identity_users: Vec::new(),
            grants: vec![Grant::admin()],
            keys: vec![key],
        };
        let principal = Principal {
            member: format!("serviceAccount:{email}").into(),
            grants: account.grants.clone().into(),
        };
        self.accounts.push((account, principal));
    }

    fn draw(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.entropy.text(ANY, 120))
    }

    /// The account of a key that signed the token, with the token's claims.
    pub(super) fn signer(&self, token: &str) -> Result<(&ServiceAccount, Value), BadAssertion> {
        let header = key::header(token).ok_or(BadAssertion::Malformed)?;
        let id = header.get("kid").and_then(Value::as_str);
        let accounts = self.accounts.iter();
        let (account, key) = accounts
            .flat_map(|(account, _)| account.keys.iter().map(move |key| (account, key)))
            .find(|(_, key)| Some(key.id()) == id)
            .ok_or(BadAssertion::Signature)?;
        let claims = key.verify(token).ok_or(BadAssertion::Signature)?;
        Ok((account, claims))
    }

    /// Issues an access token of a service account.
    pub(super) fn issue(&mut self, email: &str, seconds: i64, now: Timestamp) -> Option<Issued> {
        let (_, principal) = self.accounts.iter().find(|(a, _)| a.email == email)?;
        let principal = principal.clone();
        let member = principal.member.clone();
        Some(self.open(
            "ya29.c.",
            Subject::Principal(principal),
            member,
            seconds,
            now,
        ))
    }

    /// Issues a federated token of a Kubernetes service account, which need hold no role.
    pub(super) fn federate(&mut self, namespace: &str, name: &str, now: Timestamp) -> Issued {
        let member: Arc<str> = format!(
            "serviceAccount:{}.svc.id.goog[{namespace}/{name}]",
            self.project
        )
        .into();
        let held = self
            .workloads
            .iter()
            .filter(|w| w.namespace == namespace && w.name == name);
        let principal = Principal {
            member: member.clone(),
            grants: held.flat_map(|w| w.grants.clone()).collect(),
        };
        let subject = Subject::Workload {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            principal,
        };
        self.open("ya29.d.", subject, member, LIFETIME, now)
    }

    fn open(
        &mut self,
        prefix: &str,
        subject: Subject,
        member: Arc<str>,
        seconds: i64,
        now: Timestamp,
    ) -> Issued {
        while let Some((expires, _)) = self.issued.front()
            && *expires <= now
            && let Some((_, token)) = self.issued.pop_front()
        {
            self.sessions.remove(&token);
        }
        let expires = Timestamp::from_second(now.as_second().saturating_add(seconds))
            .unwrap_or(Timestamp::MAX);
        let token = self.draw(prefix);
        let session = Session {
            subject,
            expires: Some(expires),
        };
        self.sessions.insert(token.clone(), session);
        self.issued.push_back((expires, token.clone()));
        Issued {
            token: SecretValue::new(token),
            expires,
            member,
        }
    }

    /// Finds out who sent a request to `service` (`secretmanager.googleapis.com`): by an access token, or by a token
    /// that a service account signed for itself (AIP-4111).
    pub(super) fn authenticate(
        &self,
        headers: &HeaderMap,
        service: &str,
        now: Timestamp,
    ) -> Result<Principal, ApiError> {
        let token = bearer(headers, service)?;
        if let Some(session) = self.session(token, now) {
            return Ok(match &session.subject {
                Subject::Principal(principal) | Subject::Workload { principal, .. } => {
                    principal.clone()
                }
            });
        }
        self.self_signed(token, service, now)
            .ok_or_else(|| ApiError::bad_credentials(service))
    }

    /// The Kubernetes service account behind a federated token, or the plain principal behind another.
    pub(super) fn impersonator(
        &self,
        headers: &HeaderMap,
        service: &str,
        now: Timestamp,
    ) -> Result<(Principal, Option<(String, String)>), ApiError> {
        let token = bearer(headers, service)?;
        match self.session(token, now).map(|session| &session.subject) {
            Some(Subject::Workload {
                namespace,
                name,
                principal,
            }) => Ok((principal.clone(), Some((namespace.clone(), name.clone())))),
            Some(Subject::Principal(principal)) => Ok((principal.clone(), None)),
            None => Err(ApiError::bad_credentials(service)),
        }
    }

    /// Whether a service account lets a Kubernetes service account act as it.
    pub(super) fn trusts(&self, email: &str, workload: &(String, String)) -> bool {
        self.accounts
            .iter()
            .any(|(a, _)| a.email == email && a.workload_identity_users.contains(workload))
    }

    fn session(&self, token: &str, now: Timestamp) -> Option<&Session> {
        self.sessions
            .get(token)
            .filter(|session| session.expires.is_none_or(|expires| now < expires))
    }

    fn self_signed(&self, token: &str, service: &str, now: Timestamp) -> Option<Principal> {
        let (account, claims) = self.signer(token).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let audience = format!("https://{service}/");
        let meant = match (text("aud"), text("scope")) {
            (Some(aud), _) => aud == audience || format!("{aud}/") == audience,
            (None, scope) => scope.is_some_and(covers),
        };
        let own = text("iss") == Some(&account.email) && text("sub") == Some(&account.email);
        if !meant || !own || !in_time(&claims, now) {
            return None;
        }
        let found = self
            .accounts
            .iter()
            .find(|(a, _)| a.email == account.email)?;
        Some(found.1.clone())
    }
}

/// Why a signed assertion was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadAssertion {
    /// Not a JWT.
    Malformed,
    /// No key of the project, or not its signature.
    Signature,
}

/// Whether one of the scopes reaches Secret Manager.
pub(super) fn covers(scopes: &str) -> bool {
    scopes
        .split(' ')
        .any(|scope| scope == "https://www.googleapis.com/auth/cloud-platform")
}

/// Whether `iat` and `exp` are about now, and no more than an hour apart.
pub(super) fn in_time(claims: &Value, now: Timestamp) -> bool {
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (Some(issued), Some(expires)) = (number("iat"), number("exp")) else {
        return false;
    };
    let now = now.as_second();
    issued <= now.saturating_add(SKEW)
        && now < expires
        && expires.saturating_sub(issued) <= LIFETIME
}

fn bearer<'a>(headers: &'a HeaderMap, service: &str) -> Result<&'a str, ApiError> {
    let header = headers
        .get(http::header::AUTHORIZATION)
        .ok_or_else(|| ApiError::missing_credentials(service))?;
    let bad = || ApiError::bad_credentials(service);
    let text = header.to_str().map_err(|_| bad())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(bad)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(bad());
    }
    Ok(token.trim())
}
