//! From what a provider answers to what a Secret holds: rewriting, converting, decoding, rendering.

use k8s_openapi::api::core::v1::Secret;
use rotaproof_base::SecretValue;
use rotaproof_kinds::external_secrets::{
    ConversionStrategy, DecodingStrategy, ExternalSecretTemplate, Rewrite,
};

use super::failure::Failure;
use crate::provider::SecretMap;

/// Decodes one value.
pub(super) fn decode(
    strategy: DecodingStrategy,
    value: SecretValue,
) -> Result<SecretValue, Failure> {
    match strategy {
        DecodingStrategy::None => Ok(value),
        other => Err(Failure::new(format!(
            "error applying decoding strategy {other} to data: not supported"
        ))),
    }
}

/// Rewrites or converts the keys, checks them, and decodes the values, in ESO's order.
pub(super) fn keys_and_values(
    map: SecretMap,
    rewrite: &[Rewrite],
    _conversion: ConversionStrategy,
    decoding: DecodingStrategy,
) -> Result<SecretMap, Failure> {
    if !rewrite.is_empty() {
        return Err(Failure::new(
            "error applying rewrite to keys: not supported",
        ));
    }
    map.into_iter()
        .map(|(key, value)| Ok((key, decode(decoding, value)?)))
        .collect()
}

/// Renders a template into the Secret.
pub(super) async fn render(
    _client: &kube::Client,
    _namespace: &str,
    template: &ExternalSecretTemplate,
    _fetched: &SecretMap,
    _secret: &mut Secret,
) -> Result<(), Failure> {
    if template.data.is_empty() && template.template_from.is_empty() {
        return Ok(());
    }
    Err(Failure::new("could not execute template: not supported"))
}
