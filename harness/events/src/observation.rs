//! What could be observed of one scenario on one lane: the material of `rotaproof compare`.
//!
//! Pure data. Times are left out on purpose, values have ledger names, and every sequence is in the order in which it
//! was seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Verdict;

/// What could be observed of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// How it ended.
    pub verdict: Verdict,
    /// Why it did not pass, in short.
    pub failure: Option<String>,
    /// What its manifests showed: findings, and what was rewritten.
    pub findings: Vec<String>,
    /// ExternalSecrets and stores, by `ExternalSecret namespace/name`, `ClusterSecretStore name`.
    pub objects: BTreeMap<String, ObjectHistory>,
    /// Kubernetes Events by the object that they are about: `Pod namespace/name`. In the order of their first sight.
    pub events: BTreeMap<String, Vec<SeenEvent>>,
    /// The states of each Secret by `namespace/name`; `None` once it was gone. The same state never twice in a row.
    pub secrets: BTreeMap<String, Vec<Option<SecretState>>>,
    /// The operator's requests by the scenario's name of the vault.
    pub vaults: BTreeMap<String, Vec<Refresh>>,
    /// The operator's requests to hosts that no vault claims, each once, in the order of first sight.
    pub strangers: Vec<String>,
    /// What each pod's probe reported, by the pod's alias or `namespace/name`: `env NAME` and `file PATH` with what
    /// they hold. The same report never twice in a row.
    pub pods: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

impl Observation {
    /// Of a scenario that saw nothing but its end.
    pub fn of_nothing(verdict: Verdict, failure: Option<String>) -> Self {
        Self {
            verdict,
            failure,
            findings: Vec::new(),
            objects: BTreeMap::new(),
            events: BTreeMap::new(),
            secrets: BTreeMap::new(),
            vaults: BTreeMap::new(),
            strangers: Vec::new(),
            pods: BTreeMap::new(),
        }
    }
}

/// The life of an ExternalSecret or a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectHistory {
    /// By type (`Ready`), each change.
    pub conditions: BTreeMap<String, Vec<SeenCondition>>,
    /// How often `status.refreshTime` moved.
    pub refreshes: u64,
    /// The last `status.syncedResourceVersion`.
    pub synced_version: Option<String>,
    /// The last `status.binding.name`.
    pub binding: Option<String>,
    /// The last `status.capabilities`.
    pub capabilities: Option<String>,
    /// Every set of finalizers that it had.
    pub finalizers: Vec<Vec<String>>,
    /// The last labels.
    pub labels: BTreeMap<String, String>,
    /// The last annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether it was gone at the end.
    pub gone: bool,
}

/// A condition as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCondition {
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// `SecretSynced`.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// A Kubernetes Event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenEvent {
    /// The namespace in which it was recorded.
    pub namespace: String,
    /// `Normal`, `Warning`.
    pub kind: String,
    /// `UpdateFailed`.
    pub reason: String,
    /// Its text.
    pub message: String,
    /// Who recorded it: the source's component.
    pub component: String,
    /// How often it was recorded.
    pub count: u64,
}

/// A Secret at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretState {
    /// What each key holds, by ledger name: `v1 of aws/prod/notebook/aws#access_key_id`.
    pub holds: BTreeMap<String, String>,
    /// `Opaque`.
    pub kind: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its owner references: `ExternalSecret aws-credentials (controller, blocks the owner's deletion)`.
    pub owners: Vec<String>,
    /// Its finalizers.
    pub finalizers: Vec<String>,
    /// `immutable`, where it is set.
    pub immutable: Option<bool>,
    /// Who manages fields of it, and how: `rotaproof (Apply)`.
    pub managers: Vec<String>,
}

/// The requests of one refresh, or of what is no refresh: a store's validation, a login that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The ExternalSecrets that read what was asked for; empty where no secret was asked for.
    pub of: Vec<String>,
    /// In their order.
    pub requests: Vec<SeenRequest>,
}

/// A request of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRequest {
    /// The vault's own name of the operation.
    pub operation: String,
    /// The secret that was asked for.
    pub secret: Option<String>,
    /// The versions that were served, by ledger name.
    pub versions: Vec<String>,
    /// Who asked, as the vault knows them.
    pub identity: Option<String>,
    /// The status of the answer; `None` for a connection that was reset or that hangs.
    pub status: Option<u16>,
    /// Why it was refused.
    pub refusal: Option<String>,
    /// The fault that hit it.
    pub fault: Option<String>,
}

impl SeenRequest {
    /// Whether it got no answer, or one that is an error.
    pub fn failed(&self) -> bool {
        self.status.is_none_or(|status| status >= 400)
    }
}
