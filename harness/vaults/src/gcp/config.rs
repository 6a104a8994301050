//! What a scenario says about a project: its cluster, its service accounts, and what each may do.

use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter};

use super::key::ServiceAccountKey;

/// One Google Cloud project with one GKE cluster.
pub struct GcpConfig {
    /// The project's id: `my-project-id`.
    pub project: String,
    /// The cluster whose service accounts have workload identities.
    pub cluster: GkeCluster,
    /// The time by which tokens, schedules and expiries are judged.
    pub clock: Clock,
    /// Names, tokens and ids.
    pub entropy: Entropy,
    /// Fingerprints of served values.
    pub fingerprinter: Fingerprinter,
    /// The cluster's token issuer, known to the project's workload identity pool.
    pub verifier: Verifier,
    /// The service accounts.
    pub service_accounts: Vec<ServiceAccount>,
    /// What Kubernetes service accounts may do themselves, without a Google service account:
    /// bindings of `serviceAccount:<project>.svc.id.goog[<namespace>/<name>]`.
    pub workload_identities: Vec<WorkloadIdentity>,
}

/// A GKE cluster.
#[derive(Clone, Debug)]
pub struct GkeCluster {
    /// Its region or zone.
    pub location: String,
    /// Its name.
    pub name: String,
}

/// A Google service account.
pub struct ServiceAccount {
    /// `<name>@<project>.iam.gserviceaccount.com`.
    pub email: String,
    /// The Kubernetes service accounts, as (namespace, name), that hold `roles/iam.workloadIdentityUser` on it.
    pub workload_identity_users: Vec<(String, String)>,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// Its keys.
    pub keys: Vec<ServiceAccountKey>,
}

/// A Kubernetes service account that holds roles itself.
pub struct WorkloadIdentity {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// A role binding. What no binding grants is denied.
#[derive(Clone, Debug)]
pub struct Grant {
    /// A role of Secret Manager (`roles/secretmanager.secretAccessor`), or one permission
    /// (`secretmanager.versions.access`).
    pub role: String,
    /// Ids of secrets, `*` being any run of characters. What concerns the project (to list and to create secrets)
    /// needs `*`.
    pub secrets: Vec<String>,
}

impl Grant {
    /// `roles/secretmanager.admin` on the project.
    pub fn admin() -> Self {
        Self {
            role: "roles/secretmanager.admin".into(),
            secrets: vec!["*".into()],
        }
    }
}
