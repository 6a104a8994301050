//! Where rendered text goes: data, labels or annotations; as values, or as keys and values.

use serde_json::Value;

use super::{Reference, Rendered, Sources, TemplateError, engine, yaml};
use crate::value::{self, SecretMap};
use rotaproof_base::SecretValue;

/// `templateFrom[].target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Data,
    Labels,
    Annotations,
}

impl Target {
    fn of(from: &Value) -> Self {
        let target = from
            .get("target")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if target.eq_ignore_ascii_case("labels") {
            Self::Labels
        } else if target.eq_ignore_ascii_case("annotations") {
            Self::Annotations
        } else {
            Self::Data
        }
    }

    fn put(self, key: String, value: SecretValue, rendered: &mut Rendered) {
        let text = |value: &SecretValue| String::from_utf8_lossy(value.expose()).into_owned();
        match self {
            Self::Data => {
                rendered.data.insert(key, value);
            }
            Self::Labels => {
                rendered.labels.insert(key, text(&value));
            }
            Self::Annotations => {
                rendered.annotations.insert(key, text(&value));
            }
        }
    }
}

/// One entry of `templateFrom`.
pub(super) fn merge_from(
    from: &Value,
    data: &SecretMap,
    sources: &dyn Sources,
    rendered: &mut Rendered,
) -> Result<(), TemplateError> {
    let target = Target::of(from);
    let decoding = from
        .get("valuesDecodingStrategy")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for (field, kind) in [("configMap", "configmap"), ("secret", "secret")] {
        let Some(source) = from.get(field).filter(|source| source.is_object()) else {
            continue;
        };
        let name = source
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let reference = match field {
            "configMap" => Reference::ConfigMap(name.to_owned()),
            _ => Reference::Secret(name.to_owned()),
        };
        let object = sources.data(&reference).map_err(TemplateError::new)?;
        for item in source
            .get("items")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
            let key = text("key");
            let Some(source) = object.get(key) else {
                return Err(TemplateError::new(format!(
                    "error in {kind} {name}: missing key {key}"
                )));
            };
            let source = String::from_utf8_lossy(source.expose());
            match text("templateAs") {
                "KeysAndValues" => keys_and_values(&source, data, target, decoding, rendered)?,
                "" | "Values" => values(key, &source, data, target, decoding, rendered)?,
                other => {
                    return Err(TemplateError::new(format!(
                        "unknown scope '{other}': expected 'Values' or 'KeysAndValues'"
                    )));
                }
            }
        }
    }
    if let Some(literal) = from.get("literal").and_then(Value::as_str) {
        keys_and_values(literal, data, target, decoding, rendered)?;
    }
    Ok(())
}

/// The template renders the value of `key`.
pub(super) fn values(
    key: &str,
    source: &str,
    data: &SecretMap,
    target: Target,
    decoding: &str,
    rendered: &mut Rendered,
) -> Result<(), TemplateError> {
    let bytes = engine::execute(key, source, data, gotmpl::MissingKey::Error)
        .map_err(|error| error.within(&format!("unable to execute template at key {key}")))?;
    put_decoded(
        key.to_owned(),
        SecretValue::new(bytes),
        target,
        decoding,
        rendered,
    )
}

/// The template renders a YAML map of keys and values.
fn keys_and_values(
    source: &str,
    data: &SecretMap,
    target: Target,
    decoding: &str,
    rendered: &mut Rendered,
) -> Result<(), TemplateError> {
    let bytes = engine::execute(source, source, data, gotmpl::MissingKey::Error)
        .map_err(|error| error.within(&format!("unable to execute template at key {source}")))?;
    let map = yaml::string_map(&bytes)
        .map_err(|error| error.within("could not unmarshal template to 'map[string][]byte'"))?;
    for (key, text) in map {
        put_decoded(key, SecretValue::new(text), target, decoding, rendered)?;
    }
    Ok(())
}

fn put_decoded(
    key: String,
    value: SecretValue,
    target: Target,
    decoding: &str,
    rendered: &mut Rendered,
) -> Result<(), TemplateError> {
    let value = value::decode(decoding, &value).map_err(|error| {
        TemplateError::new(format!(
            "failed to decode rendered template value for key {key}: {error}"
        ))
    })?;
    target.put(key, value, rendered);
    Ok(())
}
