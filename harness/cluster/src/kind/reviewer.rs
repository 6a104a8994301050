//! Who may ask the cluster whose token it is: Vault's kubernetes auth does, with a TokenReview.

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use rotaproof_base::SecretValue;
use serde_json::json;

use crate::Error;

const PART: &str = "Vault's way to the cluster";
const NAMESPACE: &str = "kube-system";
const NAME: &str = "rotaproof-token-reviewer";
const MANAGER: &str = "rotaproof-lane";
/// As long as the API grants: a run is shorter.
const SECONDS: i64 = 24 * 3600;

/// A token whose bearer may have tokens reviewed (the role `system:auth-delegator`).
pub(super) async fn token(client: &Client) -> Result<SecretValue, Error> {
    let apply = PatchParams::apply(MANAGER).force();
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE},
    });
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
    accounts
        .patch(NAME, &apply, &Patch::Apply(account))
        .await
        .map_err(Error::starting(PART))?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    });
    Api::<ClusterRoleBinding>::all(client.clone())
        .patch(NAME, &apply, &Patch::Apply(binding))
        .await
        .map_err(Error::starting(PART))?;
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [], "expirationSeconds": SECONDS},
    });
    let request: TokenRequest = serde_json::from_value(request).map_err(Error::starting(PART))?;
    let granted = accounts
        .create_token_request(NAME, &PostParams::default(), &request)
        .await
        .map_err(Error::starting(PART))?;
    let token = granted.status.and_then(|status| status.token);
    token
        .map(SecretValue::new)
        .ok_or_else(|| Error::starting(PART)("the API granted no token"))
}
