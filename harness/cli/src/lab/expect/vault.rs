//! The vaults' side: the requests that reached them, and how long rotations took.

use rotaproof_scenario::model::expect::{
    RequestFilter, RequestsExpectation, StalenessExpectation, StalenessFilter, Until,
};
use rotaproof_scenario::{Budget, ClientName};

use super::{Expect, subject};
use crate::lab::Mark;

subject! {
    /// Requests that reached a vault: see [`requests`].
    Requests, RequestsExpectation, Requests
}

subject! {
    /// How long rotations took to arrive: see [`staleness`].
    Staleness, StalenessExpectation, Staleness
}

/// Says how many requests of the operator have reached a vault: all of them, unless narrowed down.
pub fn requests(vault: &str) -> Expect<Requests> {
    Expect::of(Ok(Requests(RequestsExpectation {
        requests: RequestFilter {
            vault: vault.to_owned().into(),
            operation: None,
            secret: None,
            identity: None,
            status: None,
            client: ClientName::Operator,
        },
        count: None,
        at_least: None,
        at_most: None,
        since: None,
    })))
}

impl Expect<Requests> {
    /// Only requests of this operation, by the vault's own name of it: `GetSecretValue`.
    pub fn operation(self, operation: &str) -> Self {
        self.with(|requests| requests.0.requests.operation = Some(operation.to_owned()))
    }

    /// Only requests for this secret, by its name in the vault.
    pub fn secret(self, secret: &str) -> Self {
        self.with(|requests| requests.0.requests.secret = Some(secret.to_owned().into()))
    }

    /// Only requests of an identity that contains this.
    pub fn identity(self, identity: &str) -> Self {
        self.with(|requests| requests.0.requests.identity = Some(identity.to_owned()))
    }

    /// Only requests that were answered with this HTTP status.
    pub fn status(self, status: u16) -> Self {
        self.with(|requests| requests.0.requests.status = Some(status))
    }

    /// Only requests after this: a [`Rotation`](crate::Rotation) or a [`Mark`].
    pub fn since(self, mark: impl Into<Mark>) -> Self {
        let mark = rotaproof_scenario::Mark(mark.into().name());
        self.with(|requests| requests.0.since = Some(mark.into()))
    }

    /// Exactly so many.
    pub fn count(self, count: u64) -> Self {
        self.with(|requests| requests.0.count = Some(count))
    }

    /// So many or more.
    pub fn at_least(self, count: u64) -> Self {
        self.with(|requests| requests.0.at_least = Some(count))
    }

    /// So many or fewer.
    pub fn at_most(self, count: u64) -> Self {
        self.with(|requests| requests.0.at_most = Some(count))
    }
}

/// Says how long the rotations of a secret, `vault/secret`, have taken to reach the first pod that saw them. Every one
/// must have arrived.
pub fn staleness(secret: &str) -> Expect<Staleness> {
    Expect::of(secret.parse().map(|secret: rotaproof_scenario::SecretRef| {
        Staleness(StalenessExpectation {
            staleness: StalenessFilter {
                secret: Some(secret.into()),
            },
            max: None,
            p95: None,
            until: Until::Pod,
        })
    }))
}

impl Expect<Staleness> {
    /// To reach the Kubernetes Secret, not a pod.
    pub fn until_secret(self) -> Self {
        self.with(|staleness| staleness.0.until = Until::Secret)
    }

    /// The longest took no longer than this.
    pub fn max(self, budget: impl Into<Budget>) -> Self {
        let budget: Budget = budget.into();
        self.with(|staleness| staleness.0.max = Some(budget.into()))
    }

    /// 95 of 100 took no longer than this.
    pub fn p95(self, budget: impl Into<Budget>) -> Self {
        let budget: Budget = budget.into();
        self.with(|staleness| staleness.0.p95 = Some(budget.into()))
    }
}
