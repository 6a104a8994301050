//! The kinds that the harness watches.

use kube::core::{ApiResource, GroupVersionKind};

/// A watched kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ExternalSecret,
    SecretStore,
    ClusterSecretStore,
    Secret,
    Pod,
    Job,
    NotebookValidationJob,
    Event,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::ExternalSecret,
        Self::SecretStore,
        Self::ClusterSecretStore,
        Self::Secret,
        Self::Pod,
        Self::Job,
        Self::NotebookValidationJob,
        Self::Event,
    ];

    /// The kind as Kubernetes spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ExternalSecret => "ExternalSecret",
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
            Self::Secret => "Secret",
            Self::Pod => "Pod",
            Self::Job => "Job",
            Self::NotebookValidationJob => "NotebookValidationJob",
            Self::Event => "Event",
        }
    }

    /// Where the API serves it.
    pub(crate) fn resource(self) -> ApiResource {
        let (group, version) = match self {
            Self::ExternalSecret | Self::SecretStore | Self::ClusterSecretStore => {
                ("external-secrets.io", "v1")
            }
            Self::Secret | Self::Pod | Self::Event => ("", "v1"),
            Self::Job => ("batch", "v1"),
            Self::NotebookValidationJob => ("mlops.mlops.dev", "v1alpha1"),
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, self.name()))
    }
}
