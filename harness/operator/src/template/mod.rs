//! `target.template` with `engineVersion: v2` (ESO 2.9.0, `externalsecret_controller_template.go` and
//! `runtime/template/v2`): Go templates over the provider's data, with the sprig functions that people use.
//!
//! A function that ESO has and this engine has not fails with its name; nothing renders to something else in silence.

mod engine;
mod error;
mod functions;
mod policy;
mod target;
mod text;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::value::SecretMap;
pub use error::TemplateError;
use target::Target;

/// An object that `templateFrom` reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A ConfigMap of this name, in the ExternalSecret's namespace.
    ConfigMap(String),
    /// A Secret of this name, in the ExternalSecret's namespace.
    Secret(String),
}

/// Where `templateFrom` gets its objects from: what [`references`] named, fetched before rendering.
pub trait Sources {
    /// The data of a ConfigMap or Secret; an error is the API's text, e.g. `configmaps "x" not found`.
    fn data(&self, reference: &Reference) -> Result<SecretMap, String>;
}

/// What a template makes of the provider's data.
#[derive(Clone, Default)]
pub struct Rendered {
    /// The Secret's data, over whatever the creation policy keeps. With `mergePolicy: Merge`, or without any data
    /// template, the provider's data is in it.
    pub data: SecretMap,
    /// The labels to set.
    pub labels: BTreeMap<String, String>,
    /// The annotations to set.
    pub annotations: BTreeMap<String, String>,
    /// The finalizers to add.
    pub finalizers: Vec<String>,
    /// The Secret's type, where the template says one.
    pub secret_type: Option<String>,
}

/// The objects that a template needs, in its order and without repetition.
pub fn references(template: &Value) -> Vec<Reference> {
    let mut references = Vec::new();
    for from in template_from(template) {
        let name = |at: &str| from.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let named = [
            name("/configMap/name").map(Reference::ConfigMap),
            name("/secret/name").map(Reference::Secret),
        ];
        for reference in named.into_iter().flatten() {
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
    }
    references
}

/// Renders `spec.target.template` over the provider's data. Without a template (`null`) the data is the result;
/// labels and annotations of the ExternalSecret are then the caller's to copy.
///
/// Precedence, highest last: the provider's data, `templateFrom` in its order, `data`; and likewise for labels and
/// annotations.
///
/// # Errors
/// What ESO's `ApplyTemplate` fails with; values of the provider's data are blotted out of the text.
pub fn render(
    template: &Value,
    data: &SecretMap,
    sources: &dyn Sources,
) -> Result<Rendered, TemplateError> {
    render_inner(template, data, sources).map_err(|error| error.without(data))
}

fn render_inner(
    template: &Value,
    data: &SecretMap,
    sources: &dyn Sources,
) -> Result<Rendered, TemplateError> {
    if template.is_null() {
        return Ok(Rendered {
            data: data.clone(),
            ..Rendered::default()
        });
    }
    policy::check(template)?;
    let texts = |at: &str| -> BTreeMap<String, String> {
        let object = template.pointer(at).and_then(Value::as_object);
        object
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    let text = |name: &str| {
        template
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };

    let mut rendered = Rendered {
        labels: texts("/metadata/labels"),
        annotations: texts("/metadata/annotations"),
        finalizers: template
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
        secret_type: Some(text("type"))
            .filter(|kind| !kind.is_empty())
            .map(str::to_owned),
        ..Rendered::default()
    };
    let own = texts("/data");
    if text("mergePolicy") == "Merge" || (own.is_empty() && template_from(template).is_empty()) {
        rendered.data = data.clone();
    }
    if !matches!(text("engineVersion"), "" | "v2") {
        return Err(TemplateError::new(format!(
            "unsupported template engine version: {}",
            text("engineVersion")
        )));
    }
    for from in template_from(template) {
        target::merge_from(from, data, sources, &mut rendered)
            .map_err(|error| error.within("error fetching templateFrom data"))?;
    }
    for (entries, target) in [
        (own, Target::Data),
        (texts("/metadata/labels"), Target::Labels),
        (texts("/metadata/annotations"), Target::Annotations),
    ] {
        for (key, source) in entries {
            target::values(&key, &source, data, target, "", &mut rendered).map_err(|error| {
                // ESO says it twice.
                error
                    .within("could not execute template")
                    .within("could not execute template")
            })?;
        }
    }
    Ok(rendered)
}

/// Renders a `rewrite.transform` template: unlike a Secret's, it takes a missing key for no value.
pub(crate) fn transform_key(template: &str, data: &SecretMap) -> Result<String, TemplateError> {
    engine::execute("transform", template, data, gotmpl::MissingKey::Invalid)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn template_from(template: &Value) -> &[Value] {
    template
        .get("templateFrom")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
