//! SecretStore and ClusterSecretStore: how to reach one vault.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AwsProvider, AzureKvProvider, Condition, GcpProvider, OnePasswordProvider, VaultProvider,
};
use crate::record::{record, resource};

resource! {
    /// A store for the ExternalSecrets of its own namespace.
    SecretStore { "external-secrets.io", "v1", "secretstores", k8s_openapi::NamespaceResourceScope, SecretStoreSpec, SecretStoreStatus }
}

resource! {
    /// A store for the whole cluster.
    ClusterSecretStore { "external-secrets.io", "v1", "clustersecretstores", k8s_openapi::ClusterResourceScope, SecretStoreSpec, SecretStoreStatus }
}

record! {
    /// `spec` of both kinds of store.
    SecretStoreSpec {
        required {
            /// Exactly one provider.
            provider: StoreProvider,
        }
        optional {
            /// The controller that alone may use it.
            controller: String,
            /// How often it is validated: a duration, or seconds; the controller's own interval where it is unset.
            refresh_interval: IntOrString,
            /// How requests are retried.
            retry_settings: RetrySettings,
        }
        lists {
            /// Which namespaces may use a ClusterSecretStore; all where there is none.
            conditions: StoreCondition,
        }
    }
}

record! {
    /// The provider by its key; exactly one is set.
    #[derive(Default)]
    StoreProvider {
        optional {
            /// AWS Secrets Manager.
            aws: AwsProvider,
            /// Azure Key Vault.
            azurekv: AzureKvProvider,
            /// 1Password Connect.
            onepassword: OnePasswordProvider,
            /// GCP Secret Manager.
            gcpsm: GcpProvider,
            /// HashiCorp Vault.
            vault: VaultProvider,
        }
        maps {
            /// Any other provider, as it was written.
            #[serde(flatten)]
            other: Value,
        }
    }
}

impl StoreProvider {
    /// The key of the provider that is set: `aws`, `vault`, `gcpsm`.
    pub fn key(&self) -> Option<&str> {
        let typed = self
            .typed()
            .into_iter()
            .find_map(|(key, set)| set.then_some(key));
        typed.or_else(|| self.other.keys().next().map(String::as_str))
    }

    /// How many providers are set.
    pub fn count(&self) -> usize {
        let typed = self.typed().into_iter().filter(|(_, set)| *set);
        typed.count() + self.other.len()
    }

    fn typed(&self) -> [(&'static str, bool); 5] {
        [
            ("aws", self.aws.is_some()),
            ("azurekv", self.azurekv.is_some()),
            ("onepassword", self.onepassword.is_some()),
            ("gcpsm", self.gcpsm.is_some()),
            ("vault", self.vault.is_some()),
        ]
    }
}

record! {
    /// How requests are retried.
    #[derive(Default)]
    RetrySettings { optional {
        /// How often at most.
        max_retries: i32,
        /// How long to wait between: a Go duration.
        retry_interval: String,
    } }
}

record! {
    /// Namespaces that may use a ClusterSecretStore; any match suffices.
    #[derive(Default)]
    StoreCondition {
        optional {
            /// By the namespace's labels.
            namespace_selector: LabelSelector,
        }
        lists {
            /// By name.
            namespaces: String,
            /// By regular expression of Go's dialect over the name.
            namespace_regexes: String,
        }
    }
}

/// `status` of both kinds of store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretStoreStatus {
    /// `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// `ReadOnly`, `WriteOnly` or `ReadWrite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
}

impl SecretStoreStatus {
    /// The `Ready` condition, once there is one.
    pub fn ready(&self) -> Option<&Condition> {
        super::condition::ready(&self.conditions)
    }
}

record! {
    /// A key of a Secret. A namespace is for cluster stores only.
    #[derive(Default)]
    SecretKeySelector { optional {
        /// The Secret's name.
        name: String,
        /// Its namespace.
        namespace: String,
        /// The key.
        key: String,
    } }
}

record! {
    /// A service account whose token is asked for. A namespace is for cluster stores only.
    #[derive(Default)]
    ServiceAccountSelector {
        required {
            /// Its name.
            name: String,
        }
        optional {
            /// Its namespace.
            namespace: String,
        }
        lists {
            /// Audiences beside the provider's own.
            audiences: String,
        }
    }
}

/// Custom headers and the like.
pub type TextMap = BTreeMap<String, String>;
