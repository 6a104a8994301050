//! `spec.provider.gcpsm`.

use serde_json::Value;

use super::{SecretKeySelector, ServiceAccountSelector};
use crate::record::record;

record! {
    /// GCP Secret Manager, by project.
    #[derive(Default)]
    GcpProvider { optional {
        /// How to authenticate; the controller's own environment where it is unset.
        auth: GcpAuth,
        /// The project that holds the secrets; the cluster's own where it is unset.
        #[serde(rename = "projectID")]
        project_id: String,
        /// The location of regional secrets.
        location: String,
        /// What to read where `latest` is disabled or destroyed: `LatestOrFail` (default) or `LatestOrFetch`.
        /// Not in `v1beta1`.
        secret_version_selection_policy: String,
    } }
}

record! {
    /// Exactly one way to authenticate.
    #[derive(Default)]
    GcpAuth { optional {
        /// A service account's key file.
        secret_ref: GcpAuthSecretRef,
        /// A Kubernetes service account of GKE.
        workload_identity: GcpWorkloadIdentity,
        /// A workload identity pool outside of GKE, as it was written. Not in `v1beta1`.
        workload_identity_federation: Value,
    } }
}

record! {
    /// A service account's key file.
    #[derive(Default)]
    GcpAuthSecretRef { optional {
        /// The Secret's key that holds the file.
        secret_access_key_secret_ref: SecretKeySelector,
    } }
}

record! {
    /// A Kubernetes service account; its annotation `iam.gke.io/gcp-service-account` names the Google one, if any.
    #[derive(Default)]
    GcpWorkloadIdentity {
        required {
            /// The service account.
            service_account_ref: ServiceAccountSelector,
        }
        optional {
            /// The cluster's location; the metadata server's answer where it is unset.
            cluster_location: String,
            /// The cluster's name; likewise.
            cluster_name: String,
            /// The cluster's project; likewise.
            #[serde(rename = "clusterProjectID")]
            cluster_project_id: String,
        }
    }
}
