//! Objects of manifests, to and from the API.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::discovery::{ApiCapabilities, Scope};
use kube::{Api, Client};
use serde_json::Value;

/// What kinds the API serves, asked once each.
#[derive(Default)]
pub(crate) struct Kinds(Mutex<BTreeMap<(String, String), (ApiResource, ApiCapabilities)>>);

/// The API version of ESO's kinds that ESO 0.17 and later no longer serve, and the one that has taken its place, with
/// the same fields.
pub(crate) const RETIRED: &str = "external-secrets.io/v1beta1";
pub(crate) const SERVED: &str = "external-secrets.io/v1";

/// Who applies, in `managedFields`.
const MANAGER: &str = "rotaproof";

/// Why an object did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// It is no Kubernetes object.
    #[error("not a Kubernetes object: it lacks {0}")]
    NotAnObject(&'static str),
    /// The API serves no such kind.
    #[error("no matches for kind \"{kind}\" in version \"{version}\"")]
    NoSuchKind {
        /// The kind.
        kind: String,
        /// The `apiVersion`.
        version: String,
    },
    /// The API refused it.
    #[error("{0}")]
    Refused(String),
}

impl From<kube::Error> for ApplyError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status.message.clone()),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Puts the gateway's authority in the place of a Vault store's own: behind its real name stands the gateway, whose
/// certificate the manifest's author cannot know. Whether there was one.
pub(crate) fn trust_gateway(object: &mut Value, authority: &str) -> bool {
    use base64::Engine;
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !["SecretStore", "ClusterSecretStore"].contains(&kind) {
        return false;
    }
    let Some(vault) = object
        .pointer_mut("/spec/provider/vault")
        .and_then(Value::as_object_mut)
    else {
        return false;
    };
    let own = vault.remove("caProvider").is_some() | vault.contains_key("caBundle");
    if own {
        let bundle = base64::prelude::BASE64_STANDARD.encode(authority);
        vault.insert("caBundle".into(), bundle.into());
    }
    own
}

/// Applies objects in their order, as an `apply` step does.
///
/// # Errors
/// The API's refusal of the first that it does not take, with the object's kind and name.
pub async fn apply_objects(
    client: &Client,
    authority: &str,
    objects: &[Value],
) -> Result<(), String> {
    let kinds = Kinds::default();
    for object in objects {
        let mut object = object.clone();
        trust_gateway(&mut object, authority);
        if let Err(error) = kinds.apply(client, &object).await {
            let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
            let (kind, name) = (text("/kind"), text("/metadata/name"));
            return Err(format!(
                "the API refused {} {}: {error}",
                kind.unwrap_or("an object"),
                name.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

impl Kinds {
    /// The API for an object, and its name.
    async fn api(
        &self,
        client: &Client,
        object: &Value,
    ) -> Result<(Api<DynamicObject>, String), ApplyError> {
        let text = |pointer: &str, lack| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .ok_or(ApplyError::NotAnObject(lack))
        };
        let version = text("/apiVersion", "apiVersion")?;
        let kind = text("/kind", "kind")?;
        let name = text("/metadata/name", "metadata.name")?;
        let (resource, capabilities) = self.resolve(client, version, kind).await?;
        let api = match capabilities.scope {
            Scope::Cluster => Api::all_with(client.clone(), &resource),
            Scope::Namespaced => {
                let namespace = text("/metadata/namespace", "").unwrap_or("default");
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
        };
        Ok((api, name.to_owned()))
    }

    async fn resolve(
        &self,
        client: &Client,
        version: &str,
        kind: &str,
    ) -> Result<(ApiResource, ApiCapabilities), ApplyError> {
        let key = (version.to_owned(), kind.to_owned());
        let known = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (group, short) = version.split_once('/').unwrap_or(("", version));
        let gvk = GroupVersionKind::gvk(group, short, kind);
        let found = kube::discovery::pinned_kind(client, &gvk)
            .await
            .map_err(|_| ApplyError::NoSuchKind {
                kind: kind.to_owned(),
                version: version.to_owned(),
            })?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, found.clone());
        Ok(found)
    }

    /// Applies an object, server-side.
    pub(crate) async fn apply(&self, client: &Client, object: &Value) -> Result<(), ApplyError> {
        let (api, name) = self.api(client, object).await?;
        let params = PatchParams::apply(MANAGER).force();
        api.patch(&name, &params, &Patch::Apply(object)).await?;
        Ok(())
    }

    /// Applies an object as it is; or as v1, where it is v1beta1 and the API serves that kind at v1 alone. Answers the
    /// refusal that was got round so.
    pub(crate) async fn apply_served(
        &self,
        client: &Client,
        object: &Value,
    ) -> Result<Option<ApplyError>, ApplyError> {
        let refusal = match self.apply(client, object).await {
            Ok(()) => return Ok(None),
            Err(refusal) => refusal,
        };
        match self.served_instead(client, object, &refusal).await {
            Some(object) => self.apply(client, &object).await.map(|()| Some(refusal)),
            None => Err(refusal),
        }
    }

    /// The object in the version that is served in place of its own.
    async fn served_instead(
        &self,
        client: &Client,
        object: &Value,
        refusal: &ApplyError,
    ) -> Option<Value> {
        let ApplyError::NoSuchKind { kind, version } = refusal else {
            return None;
        };
        if version != RETIRED || self.resolve(client, SERVED, kind).await.is_err() {
            return None;
        }
        let mut object = object.clone();
        *object.get_mut("apiVersion")? = SERVED.into();
        Some(object)
    }

    /// Deletes an object, its dependents in the background.
    /// A version that was applied as another is deleted as that.
    pub(crate) async fn delete(&self, client: &Client, object: &Value) -> Result<(), ApplyError> {
        let (api, name) = match self.api(client, object).await {
            Ok(found) => found,
            Err(refusal) => match self.served_instead(client, object, &refusal).await {
                Some(object) => self.api(client, &object).await?,
                None => return Err(refusal),
            },
        };
        api.delete(&name, &DeleteParams::background()).await?;
        Ok(())
    }

    /// Merges a patch into an object.
    pub(crate) async fn merge(
        &self,
        client: &Client,
        object: &Value,
        patch: &Value,
    ) -> Result<(), ApplyError> {
        let (api, name) = self.api(client, object).await?;
        api.patch(&name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::bundle("SecretStore", json!({"caBundle": "b3du"}), Some("Z2F0ZXdheQ=="))]
    #[case::provider("ClusterSecretStore", json!({"caProvider": {"type": "Secret", "name": "ca"}}), Some("Z2F0ZXdheQ=="))]
    #[case::none("SecretStore", json!({}), None)]
    #[case::another_kind("ConfigMap", json!({"caBundle": "b3du"}), Some("b3du"))]
    fn only_a_store_with_its_own_authority_gets_the_gateways(
        #[case] kind: &str,
        #[case] vault: Value,
        #[case] bundle: Option<&str>,
    ) {
        let mut object = json!({"kind": kind, "spec": {"provider": {"vault": vault}}});
        let replaced = trust_gateway(&mut object, "gateway");
        let vault = &object["spec"]["provider"]["vault"];
        assert_eq!(vault["caBundle"].as_str(), bundle);
        assert!(vault["caProvider"].is_null());
        assert_eq!(replaced, bundle == Some("Z2F0ZXdheQ=="));
    }
}
