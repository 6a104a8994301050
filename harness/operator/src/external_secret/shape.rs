//! From what a provider answers to what a Secret holds: rewriting, converting, decoding, rendering, in ESO's order.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    ConversionStrategy, DecodingStrategy, ExternalSecretTemplate, NullBytePolicy, Rewrite,
};
use serde_json::Value;

use super::failure::Failure;
use crate::kube_error;
use crate::provider::SecretMap;
use crate::template::{self, Reference, Rendered, Sources};
use crate::value;

/// Decodes one value.
pub(super) fn decode(
    strategy: DecodingStrategy,
    value: &SecretValue,
) -> Result<SecretValue, Failure> {
    value::decode(strategy.as_str(), value).map_err(|error| {
        Failure::new(format!(
            "error applying decoding strategy {strategy} to data: {error}"
        ))
    })
}

/// Rewrites or else converts the keys, checks them, and decodes the values.
pub(super) fn keys_and_values(
    map: SecretMap,
    rewrite: &[Rewrite],
    conversion: ConversionStrategy,
    decoding: DecodingStrategy,
) -> Result<SecretMap, Failure> {
    let mut map = if rewrite.is_empty() {
        value::convert_keys(conversion.as_str(), map).map_err(|error| {
            Failure::new(format!(
                "error applying conversion strategy {conversion} to keys: {error}"
            ))
        })?
    } else {
        let operations: Vec<Value> = rewrite
            .iter()
            .filter_map(|operation| serde_json::to_value(operation).ok())
            .collect();
        value::rewrite(&operations, map)
            .map_err(|error| Failure::new(format!("error applying rewrite to keys: {error}")))?
    };
    value::validate_keys(&mut map).map_err(|error| {
        Failure::new(format!(
            "invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): {error}"
        ))
    })?;
    value::decode_map(decoding.as_str(), map).map_err(|error| {
        Failure::new(format!(
            "error applying decoding strategy {decoding} to data: {error}"
        ))
    })
}

/// Refuses null bytes where the policy says so.
pub(super) fn check_null_bytes<'a>(
    policy: Option<NullBytePolicy>,
    entries: impl IntoIterator<Item = (&'a String, &'a SecretValue)>,
) -> Result<(), Failure> {
    let policy = policy.unwrap_or_default();
    entries.into_iter().try_for_each(|(key, value)| {
        value::check_null_bytes(policy.as_str(), key, value)
            .map_err(|error| Failure::new(error.to_string()))
    })
}

/// Renders a template into the Secret; the objects that it refers to are read from the server, uncached.
pub(super) async fn render(
    client: &kube::Client,
    namespace: &str,
    template: &ExternalSecretTemplate,
    fetched: &SecretMap,
    secret: &mut Secret,
) -> Result<(), Failure> {
    let template =
        serde_json::to_value(template).map_err(|error| Failure::new(error.to_string()))?;
    let mut sources = Fetched::default();
    for reference in template::references(&template) {
        let data = read(client, namespace, &reference).await;
        sources.0.push((reference, data));
    }
    let rendered = template::render(&template, fetched, &sources)
        .map_err(|error| Failure::new(error.to_string()))?;
    apply(rendered, secret);
    Ok(())
}

fn apply(rendered: Rendered, secret: &mut Secret) {
    let data = secret.data.get_or_insert_default();
    for (key, value) in &rendered.data {
        data.insert(key.clone(), ByteString(value.expose().to_vec()));
    }
    let meta = &mut secret.metadata;
    meta.labels.get_or_insert_default().extend(rendered.labels);
    meta.annotations
        .get_or_insert_default()
        .extend(rendered.annotations);
    if meta.deletion_timestamp.is_none() {
        let finalizers = meta.finalizers.get_or_insert_default();
        for finalizer in rendered.finalizers {
            if !finalizers.contains(&finalizer) {
                finalizers.push(finalizer);
            }
        }
    }
    if rendered.secret_type.is_some() {
        secret.type_ = rendered.secret_type;
    }
}

#[derive(Default)]
struct Fetched(Vec<(Reference, Result<SecretMap, String>)>);

impl Sources for Fetched {
    fn data(&self, reference: &Reference) -> Result<SecretMap, String> {
        self.0
            .iter()
            .find(|(known, _)| known == reference)
            .map_or_else(|| Ok(SecretMap::new()), |(_, data)| data.clone())
    }
}

async fn read(
    client: &kube::Client,
    namespace: &str,
    reference: &Reference,
) -> Result<SecretMap, String> {
    let text = |error: kube::Error| kube_error::text(&error);
    match reference {
        Reference::ConfigMap(name) => {
            let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
            let data = api.get(name).await.map_err(text)?.data.unwrap_or_default();
            Ok(data
                .into_iter()
                .map(|(key, value)| (key, SecretValue::new(value)))
                .collect())
        }
        Reference::Secret(name) => {
            let api = Api::<Secret>::namespaced(client.clone(), namespace);
            let data = api.get(name).await.map_err(text)?.data.unwrap_or_default();
            Ok(data
                .into_iter()
                .map(|(key, value)| (key, SecretValue::new(value.0)))
                .collect())
        }
    }
}
