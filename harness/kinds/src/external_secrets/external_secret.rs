//! ExternalSecret: which entries of which store become which Secret.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::condition::ready;
use super::{Condition, ExternalSecretData, ExternalSecretDataFrom, ExternalSecretTarget};
use crate::GoDuration;
use crate::record::{record, resource, words};

resource! {
    /// Asks for a Secret whose data comes from a store.
    ExternalSecret { "external-secrets.io", "v1", "externalsecrets", k8s_openapi::NamespaceResourceScope, ExternalSecretSpec, ExternalSecretStatus }
}

/// `spec` of an ExternalSecret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretSpec {
    /// The store of every entry that names none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_store_ref: Option<SecretStoreRef>,
    /// The Secret to write.
    #[serde(default)]
    pub target: ExternalSecretTarget,
    /// When to fetch anew; unset is `Periodic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_policy: Option<RefreshPolicy>,
    /// How often to fetch; the API server's default is one hour, zero is once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_interval: Option<GoDuration>,
    /// When a periodic fetch may happen at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_windows: Option<SyncWindows>,
    /// One key of the Secret from one entry of the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<ExternalSecretData>,
    /// Many keys at once; `data` wins over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_from: Vec<ExternalSecretDataFrom>,
}

record! {
    /// A store by kind and name.
    #[derive(Default)]
    SecretStoreRef {
        optional {
            /// The store's name.
            name: String,
            /// `SecretStore` where it is unset.
            kind: StoreKind,
        }
    }
}

words! {
    /// Which kind of store is meant.
    StoreKind {
        /// A store of the ExternalSecret's own namespace.
        SecretStore = "SecretStore",
        /// A store for the whole cluster.
        ClusterSecretStore = "ClusterSecretStore",
    }
}

words! {
    /// When data is fetched anew.
    RefreshPolicy {
        /// Whenever the interval has passed, and after each change of spec, labels or annotations.
        Periodic = "Periodic",
        /// Once.
        CreatedOnce = "CreatedOnce",
        /// Only after a change of spec, labels or annotations.
        OnChange = "OnChange",
    }
}

record! {
    /// Windows of time for periodic fetches.
    SyncWindows { required {
        /// Whether the windows permit or forbid.
        kind: SyncWindowKind,
        /// The windows.
        windows: Vec<SyncWindow>,
    } }
}

words! {
    /// Whether windows permit or forbid.
    SyncWindowKind {
        /// Fetch only inside.
        Allow = "allow",
        /// Fetch only outside.
        Deny = "deny",
    }
}

record! {
    /// A window that opens on a schedule.
    SyncWindow { required {
        /// Five cron fields, or a descriptor such as `@daily`.
        schedule: String,
        /// How long it stays open.
        duration: GoDuration,
    } }
}

/// `status` of an ExternalSecret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretStatus {
    /// The start of the last successful reconcile, in whole seconds.
    #[serde(default)]
    pub refresh_time: Option<Time>,
    /// `<generation>-<hash of labels and annotations>` as of that reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_resource_version: Option<String>,
    /// `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The Secret that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
}

impl ExternalSecretStatus {
    /// The `Ready` condition, once there is one.
    pub fn ready(&self) -> Option<&Condition> {
        ready(&self.conditions)
    }
}

record! {
    /// The Secret that was written.
    #[derive(Default)]
    Binding { optional {
        /// Its name.
        name: String,
    } }
}
