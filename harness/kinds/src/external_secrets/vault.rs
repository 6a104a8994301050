//! `spec.provider.vault`.

use k8s_openapi::ByteString;

use super::{
    AwsAuthSecretRef, AwsJwtAuth, GcpAuthSecretRef, GcpWorkloadIdentity, SecretKeySelector,
    ServiceAccountSelector, TextMap,
};
use crate::record::{record, words};

words! {
    /// The version of the KV engine.
    VaultKvVersion {
        /// Versioned.
        V2 = "v2",
        /// Unversioned.
        V1 = "v1",
    }
}

record! {
    /// A Vault server and one KV engine of it.
    #[derive(Default)]
    VaultProvider {
        required {
            /// The server's address.
            server: String,
        }
        optional {
            /// How to authenticate.
            auth: VaultAuth,
            /// Where the KV engine is mounted; part of each key where it is unset.
            path: String,
            /// The KV engine's version; `v2` where it is unset.
            version: VaultKvVersion,
            /// Vault's namespace.
            namespace: String,
            /// PEM certificates that the server's chain ends in.
            ca_bundle: ByteString,
            /// The same from a Secret or ConfigMap.
            ca_provider: CaProvider,
            /// A client certificate.
            tls: VaultClientTls,
            /// Sends `X-Vault-Index` back.
            read_your_writes: bool,
            /// Asks for forwarding to the active node.
            forward_inconsistent: bool,
            /// More headers.
            headers: TextMap,
            /// Check-and-set for pushes.
            check_and_set: VaultCheckAndSet,
        }
    }
}

record! {
    /// Certificates from a Secret or ConfigMap.
    CaProvider {
        required {
            /// `Secret` or `ConfigMap`.
            #[serde(rename = "type")]
            type_: String,
            /// The object's name.
            name: String,
        }
        optional {
            /// The key.
            key: String,
            /// The object's namespace, for cluster stores.
            namespace: String,
        }
    }
}

record! {
    /// A client certificate and its key.
    #[derive(Default)]
    VaultClientTls { optional {
        /// The certificate.
        cert_secret_ref: SecretKeySelector,
        /// The key.
        key_secret_ref: SecretKeySelector,
    } }
}

record! {
    /// Check-and-set for pushes.
    #[derive(Default)]
    VaultCheckAndSet { optional {
        /// Whether it is demanded.
        required: bool,
    } }
}

record! {
    /// Exactly one way to authenticate.
    #[derive(Default)]
    VaultAuth { optional {
        /// Vault's namespace for the login alone.
        namespace: String,
        /// A token.
        token_secret_ref: SecretKeySelector,
        /// AppRole.
        app_role: VaultAppRole,
        /// A Kubernetes service account.
        kubernetes: VaultKubernetesAuth,
        /// LDAP.
        ldap: VaultPasswordAuth,
        /// A JWT.
        jwt: VaultJwtAuth,
        /// A client certificate.
        cert: VaultCertAuth,
        /// AWS IAM.
        iam: VaultIamAuth,
        /// Username and password.
        user_pass: VaultPasswordAuth,
        /// GCP IAM.
        gcp: VaultGcpAuth,
    } }
}

record! {
    /// AppRole.
    #[derive(Default)]
    VaultAppRole {
        required {
            /// Where the method is mounted; `approle` by the API server's default.
            path: String,
            /// The secret id.
            secret_ref: SecretKeySelector,
        }
        optional {
            /// The role id.
            role_id: String,
            /// The role id from a Secret.
            role_ref: SecretKeySelector,
        }
    }
}

record! {
    /// A Kubernetes service account.
    #[derive(Default)]
    VaultKubernetesAuth {
        required {
            /// Where the method is mounted; `kubernetes` by the API server's default.
            mount_path: String,
            /// Vault's role.
            role: String,
        }
        optional {
            /// The service account whose token is asked for.
            service_account_ref: ServiceAccountSelector,
            /// A Secret that holds the token; key `token` where none is named.
            secret_ref: SecretKeySelector,
        }
    }
}

record! {
    /// Username and password, of LDAP or Vault's own.
    #[derive(Default)]
    VaultPasswordAuth {
        required {
            /// Where the method is mounted.
            path: String,
            /// The user.
            username: String,
        }
        optional {
            /// The password.
            secret_ref: SecretKeySelector,
        }
    }
}

record! {
    /// A JWT.
    #[derive(Default)]
    VaultJwtAuth {
        required {
            /// Where the method is mounted; `jwt` by the API server's default.
            path: String,
        }
        optional {
            /// Vault's role.
            role: String,
            /// A Secret that holds the JWT.
            secret_ref: SecretKeySelector,
            /// A service account whose token is asked for.
            kubernetes_service_account_token: VaultServiceAccountToken,
        }
    }
}

record! {
    /// A service account's token as JWT.
    #[derive(Default)]
    VaultServiceAccountToken {
        required {
            /// The service account.
            service_account_ref: ServiceAccountSelector,
        }
        optional {
            /// How long the token lives; 600 where it is unset.
            expiration_seconds: i64,
        }
        lists {
            /// The audiences; `vault` where there is none.
            audiences: String,
        }
    }
}

record! {
    /// A client certificate.
    #[derive(Default)]
    VaultCertAuth { optional {
        /// Where the method is mounted.
        path: String,
        /// Vault's role.
        vault_role: String,
        /// The certificate.
        client_cert: SecretKeySelector,
        /// The key.
        secret_ref: SecretKeySelector,
    } }
}

record! {
    /// AWS IAM.
    #[derive(Default)]
    VaultIamAuth {
        required {
            /// Vault's role.
            vault_role: String,
        }
        optional {
            /// Where the method is mounted.
            path: String,
            /// The region.
            region: String,
            /// The AWS role to assume.
            role: String,
            /// The external id for that.
            #[serde(rename = "externalID")]
            external_id: String,
            /// The header that names the Vault server.
            #[serde(rename = "vaultAwsIamServerID")]
            vault_aws_iam_server_id: String,
            /// Static keys.
            secret_ref: AwsAuthSecretRef,
            /// A service account's token.
            jwt: AwsJwtAuth,
        }
    }
}

record! {
    /// GCP IAM.
    #[derive(Default)]
    VaultGcpAuth {
        required {
            /// Vault's role.
            role: String,
        }
        optional {
            /// Where the method is mounted.
            path: String,
            /// The location.
            location: String,
            /// The project.
            #[serde(rename = "projectID")]
            project_id: String,
            /// A service account key.
            secret_ref: GcpAuthSecretRef,
            /// A Kubernetes service account.
            service_account_ref: ServiceAccountSelector,
            /// Workload identity.
            workload_identity: GcpWorkloadIdentity,
        }
    }
}
