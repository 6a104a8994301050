//! GCP Secret Manager.

use rotaproof_scenario::model::vault::{self as declared, RoleBinding, ServiceAccountKey};

use super::{Vault, name, names};
use crate::lab::Content;

/// GCP Secret Manager of one project, which a GKE cluster is part of, with its token services.
///
/// ```
/// use rotaproof::Value;
/// use rotaproof::vault::{GcpSecretManager, ServiceAccount};
///
/// let gcp = GcpSecretManager::of_project("my-project")
///     .cluster("us-central1", "my-cluster")
///     .service_account(
///         "reader@my-project.iam.gserviceaccount.com",
///         ServiceAccount::new()
///             .workload_identity_users(["team/reader"])
///             .allow(["roles/secretmanager.secretAccessor"], ["*"]),
///     )
///     .secret("db-password", Value::password(32));
/// # let _ = gcp;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GcpSecretManager(Result<declared::GcpSecretManager, String>);

/// A Google service account.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServiceAccount(Result<declared::ServiceAccount, String>);

impl GcpSecretManager {
    /// A project by its id, with the cluster `my-cluster` in `us-central1`, without a secret and without anybody who may
    /// read one.
    pub fn of_project(project: &str) -> Self {
        Self(Ok(declared::GcpSecretManager {
            project: project.to_owned(),
            cluster: declared::GkeCluster::default(),
            service_accounts: Default::default(),
            workload_identities: Default::default(),
            secrets: Default::default(),
        }))
    }

    /// With this cluster, whose service accounts have workload identities.
    pub fn cluster(mut self, location: &str, cluster_name: &str) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.cluster = declared::GkeCluster {
                location: location.to_owned(),
                name: cluster_name.to_owned(),
            };
        }
        self
    }

    /// With a Google service account, by its email address.
    pub fn service_account(self, email: &str, account: ServiceAccount) -> Self {
        Self(self.0.and_then(|mut vault| {
            vault
                .service_accounts
                .insert(email.to_owned().into(), account.0?);
            Ok(vault)
        }))
    }

    /// With a secret from the start.
    pub fn secret(mut self, id: &str, content: impl Into<Content>) -> Self {
        if let Ok(vault) = &mut self.0 {
            vault.secrets.insert(id.to_owned().into(), content.into().0);
        }
        self
    }
}

impl From<GcpSecretManager> for Vault {
    fn from(vault: GcpSecretManager) -> Self {
        Self(vault.0.map(declared::Vault::GcpSecretManager))
    }
}

impl Default for ServiceAccount {
    fn default() -> Self {
        Self::new()
    }
}

impl ServiceAccount {
    /// Nobody may act as it. It may do everything with secrets, until [`ServiceAccount::allow`] says what.
    pub fn new() -> Self {
        Self(Ok(declared::ServiceAccount {
            workload_identity_users: Vec::new(),
            allows: None,
            key: None,
        }))
    }

    /// These Kubernetes service accounts hold `roles/iam.workloadIdentityUser` on it.
    pub fn workload_identity_users<'a>(
        self,
        service_accounts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self(self.0.and_then(|mut account| {
            account.workload_identity_users = names(service_accounts)?;
            Ok(account)
        }))
    }

    /// It holds these roles (or single permissions) on secrets of these ids, and no others; `*` stands for any text.
    pub fn allow<'a, 'b>(
        mut self,
        roles: impl IntoIterator<Item = &'a str>,
        secrets: impl IntoIterator<Item = &'b str>,
    ) -> Self {
        if let Ok(account) = &mut self.0 {
            account.allows.get_or_insert_default().push(RoleBinding {
                roles: roles.into_iter().map(|r| r.to_owned().into()).collect(),
                secrets: secrets.into_iter().map(str::to_owned).collect(),
            });
        }
        self
    }

    /// It has a key, delivered into a Kubernetes Secret under this key of it.
    pub fn key_in_secret(self, secret: &str, key: &str) -> Self {
        Self(self.0.and_then(|mut account| {
            account.key = Some(ServiceAccountKey {
                secret: name(secret)?,
                key: key.to_owned(),
            });
            Ok(account)
        }))
    }
}
