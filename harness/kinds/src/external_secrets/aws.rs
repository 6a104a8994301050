//! `spec.provider.aws`.

use super::{SecretKeySelector, ServiceAccountSelector};
use crate::record::{record, words};

words! {
    /// Which of AWS's services.
    AwsService {
        /// Secrets Manager.
        SecretsManager = "SecretsManager",
        /// SSM Parameter Store.
        ParameterStore = "ParameterStore",
        /// Certificate Manager.
        CertificateManager = "CertificateManager",
    }
}

record! {
    /// AWS, by service and region.
    #[derive(Default)]
    AwsProvider {
        required {
            /// The service.
            service: AwsService,
            /// The region.
            region: String,
        }
        optional {
            /// How to authenticate; the controller's own environment where it is unset.
            auth: AwsAuth,
            /// A role to assume with those credentials.
            role: String,
            /// The external id for that.
            #[serde(rename = "externalID")]
            external_id: String,
            /// Prepended to every key.
            prefix: String,
            /// Settings of Secrets Manager.
            secrets_manager: AwsSecretsManager,
            /// `None` (default), `Simple` or `Custom`.
            session_tags_policy: String,
        }
        lists {
            /// Roles to assume one after the other, before `role`.
            additional_roles: String,
            /// Session tags of the assumed roles.
            session_tags: AwsTag,
            /// Which of them are transitive.
            transitive_tag_keys: String,
        }
        maps {
            /// Session tags under policy `Custom`.
            custom_session_tags: String,
        }
    }
}

record! {
    /// Exactly one way to authenticate.
    #[derive(Default)]
    AwsAuth { optional {
        /// Static keys.
        secret_ref: AwsAuthSecretRef,
        /// A service account's token: IRSA.
        jwt: AwsJwtAuth,
    } }
}

record! {
    /// Static keys.
    #[derive(Default)]
    AwsAuthSecretRef { optional {
        /// The access key id.
        #[serde(rename = "accessKeyIDSecretRef")]
        access_key_id_secret_ref: SecretKeySelector,
        /// The secret access key.
        secret_access_key_secret_ref: SecretKeySelector,
        /// The session token, with temporary keys.
        session_token_secret_ref: SecretKeySelector,
    } }
}

record! {
    /// A service account's token.
    #[derive(Default)]
    AwsJwtAuth { optional {
        /// The service account; its annotation `eks.amazonaws.com/role-arn` names the role.
        service_account_ref: ServiceAccountSelector,
    } }
}

record! {
    /// Settings of Secrets Manager for pushes.
    #[derive(Default)]
    AwsSecretsManager { optional {
        /// Delete at once.
        force_delete_without_recovery: bool,
        /// Days until a deletion is final.
        recovery_window_in_days: i64,
    } }
}

record! {
    /// A session tag.
    AwsTag { required {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    } }
}
