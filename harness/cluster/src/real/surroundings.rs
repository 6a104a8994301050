//! What the operator on a real cluster is told of the lab: the gateway as its proxy, and the authority to trust.

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::MANAGER;
use crate::Error;

/// The ConfigMap of the gateway's authority.
pub(crate) const AUTHORITY: &str = "rotaproof-gateway";
/// Where the operator finds it.
const AUTHORITY_FOLDER: &str = "/etc/rotaproof";

/// What the operator is told of the lab.
pub(crate) struct Surroundings<'a> {
    /// Where the gateway listens.
    pub(crate) gateway: SocketAddr,
    /// The address of the API's service, which is not behind the gateway.
    pub(crate) api: &'a str,
    /// The run: another one is another authority, so another pod.
    pub(crate) run: &'a str,
}

impl Surroundings<'_> {
    /// The operator's environment, as a container has it.
    pub(crate) fn environment(&self) -> [Value; 4] {
        let proxy = format!("http://{}", self.gateway);
        let direct = format!("{},localhost,127.0.0.1", self.api);
        let authority = format!("{AUTHORITY_FOLDER}/ca.pem");
        let variables = [
            ("HTTPS_PROXY", proxy.as_str()),
            ("HTTP_PROXY", proxy.as_str()),
            ("NO_PROXY", &direct),
            ("SSL_CERT_FILE", &authority),
        ];
        variables.map(|(name, value)| json!({"name": name, "value": value}))
    }

    /// The authority as a pod's volume.
    pub(crate) fn volume(&self) -> Value {
        json!({"name": AUTHORITY, "configMap": {"name": AUTHORITY}})
    }

    /// Where that is mounted.
    pub(crate) fn mount(&self) -> Value {
        json!({"name": AUTHORITY, "mountPath": AUTHORITY_FOLDER, "readOnly": true})
    }

    /// The pod's annotations.
    pub(crate) fn annotations(&self) -> Value {
        json!({"dev.rotaproof/run": self.run})
    }
}

/// Has the authority in the operator's namespace, with these labels.
pub(crate) async fn deliver_authority(
    client: &Client,
    namespace: &str,
    authority: &str,
    labels: Value,
) -> Result<(), Error> {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": AUTHORITY, "namespace": namespace, "labels": labels},
        "data": {"ca.pem": authority},
    });
    Api::<ConfigMap>::namespaced(client.clone(), namespace)
        .patch(
            AUTHORITY,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(map),
        )
        .await
        .map(drop)
        .map_err(Error::starting("the gateway's authority"))
}

/// The address of the API's own service: the one that is not behind the gateway.
pub(crate) async fn service_address(client: &Client) -> Result<String, Error> {
    let part = "the Kubernetes API";
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let service = services
        .get("kubernetes")
        .await
        .map_err(Error::starting(part))?;
    let address = service.spec.and_then(|spec| spec.cluster_ip);
    address.ok_or_else(|| Error::starting(part)("the service `kubernetes` has no address"))
}
