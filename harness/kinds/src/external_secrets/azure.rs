//! `spec.provider.azurekv`.

use super::{SecretKeySelector, ServiceAccountSelector};
use crate::record::{record, words};

words! {
    /// How to authenticate.
    AzureAuthType {
        /// An application with a client secret or certificate.
        ServicePrincipal = "ServicePrincipal",
        /// An identity of the nodes.
        ManagedIdentity = "ManagedIdentity",
        /// A service account's token, federated with the tenant.
        WorkloadIdentity = "WorkloadIdentity",
    }
}

words! {
    /// Which of Azure's clouds.
    AzureEnvironmentType {
        /// The public one.
        PublicCloud = "PublicCloud",
        /// The US government's.
        UsGovernmentCloud = "USGovernmentCloud",
        /// China's.
        ChinaCloud = "ChinaCloud",
        /// Germany's, which is no more.
        GermanCloud = "GermanCloud",
        /// One of the user's own.
        AzureStackCloud = "AzureStackCloud",
    }
}

record! {
    /// Azure Key Vault, by its URL.
    #[derive(Default)]
    AzureKvProvider {
        required {
            /// The vault's URL: `https://my-vault.vault.azure.net`.
            vault_url: String,
        }
        optional {
            /// How to authenticate; `ServicePrincipal` where it is unset.
            auth_type: AzureAuthType,
            /// The tenant.
            tenant_id: String,
            /// The cloud; the public one where it is unset.
            environment_type: AzureEnvironmentType,
            /// The credentials of a service principal.
            auth_secret_ref: AzureKvAuth,
            /// The service account of a workload identity.
            service_account_ref: ServiceAccountSelector,
            /// The CLIENT id of a managed identity, whatever the name says.
            identity_id: String,
            /// Whether the new SDK is used in place of go-autorest.
            #[serde(rename = "useAzureSDK")]
            use_azure_sdk: bool,
            /// Endpoints of a cloud of the user's own.
            custom_cloud_config: AzureCustomCloudConfig,
        }
    }
}

record! {
    /// The credentials of a service principal.
    #[derive(Default)]
    AzureKvAuth { optional {
        /// The client id.
        client_id: SecretKeySelector,
        /// The tenant, for workload identity.
        tenant_id: SecretKeySelector,
        /// The client secret.
        client_secret: SecretKeySelector,
        /// The client certificate.
        client_certificate: SecretKeySelector,
    } }
}

record! {
    /// Endpoints of a cloud of the user's own.
    #[derive(Default)]
    AzureCustomCloudConfig {
        required {
            /// The identity platform.
            active_directory_endpoint: String,
        }
        optional {
            /// Key Vault.
            key_vault_endpoint: String,
            /// What the vaults' hosts end in.
            #[serde(rename = "keyVaultDNSSuffix")]
            key_vault_dns_suffix: String,
            /// Resource Manager.
            resource_manager_endpoint: String,
        }
    }
}
