//! CustomResourceDefinitions: what they declare is served from the moment of their creation.

use serde_json::{Value, json};

use crate::object;
use crate::printers;
use crate::resource::{Resource, Strategy, Version};
use crate::schema::{FieldError, FieldErrorReason, Structural};
use crate::server::Inner;
use crate::store::{Change, Key, Object};

pub(crate) const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";
/// Held until the instances are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(crate) struct Definition;

impl Strategy for Definition {
    /// `pkg/apis/apiextensions/v1/defaults.go`
    fn default(&self, object: &mut Value) {
        let kind = text(object, "/spec/names/kind").to_owned();
        if kind.is_empty() {
            return;
        }
        if text(object, "/spec/names/singular").is_empty() {
            object::set_at(object, &["spec", "names", "singular"], kind.to_lowercase());
        }
        if text(object, "/spec/names/listKind").is_empty() {
            object::set_at(
                object,
                &["spec", "names", "listKind"],
                format!("{kind}List"),
            );
        }
        if object
            .pointer("/spec/conversion")
            .is_none_or(Value::is_null)
        {
            object::set_at(object, &["spec", "conversion"], json!({"strategy": "None"}));
        }
    }

    /// `pkg/registry/customresourcedefinition/strategy.go`; what the controllers find out comes with [`serve`].
    fn prepare_create(&self, object: &mut Value, _now: &str) {
        let stored = versions(object)
            .find(|version| version.get("storage") == Some(&Value::Bool(true)))
            .and_then(|version| version.get("name").cloned());
        let status = json!({
            "conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": [stored],
        });
        object::set_at(object, &["status"], status);
    }

    fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, reason: FieldErrorReason, detail: String| {
            errors.push(FieldError {
                field: field.to_owned(),
                reason,
                detail,
            });
        };
        for field in ["group", "scope", "names/plural", "names/kind"] {
            if text(new, &format!("/spec/{field}")).is_empty() {
                let field = format!("spec.{}", field.replace('/', "."));
                wrong(
                    &field,
                    FieldErrorReason::Required,
                    "Required value".to_owned(),
                );
            }
        }
        let scope = text(new, "/spec/scope");
        if !matches!(scope, "" | "Namespaced" | "Cluster") {
            let detail = format!(
                "Unsupported value: \"{scope}\": supported values: \"Cluster\", \"Namespaced\""
            );
            wrong("spec.scope", FieldErrorReason::NotSupported, detail);
        }
        let expected = format!(
            "{}.{}",
            text(new, "/spec/names/plural"),
            text(new, "/spec/group")
        );
        let name = object::meta_text(new, "name");
        if name != expected {
            let detail =
                format!("Invalid value: \"{name}\": must be spec.names.plural+\".\"+spec.group");
            wrong("metadata.name", FieldErrorReason::Invalid, detail);
        }
        let stored = versions(new)
            .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
            .count();
        if stored != 1 {
            let detail = "Invalid value: must have exactly one version marked as storage version";
            wrong(
                "spec.versions",
                FieldErrorReason::Invalid,
                detail.to_owned(),
            );
        }
        for (at, version) in versions(new).enumerate() {
            let path = format!("spec.versions[{at}].schema.openAPIV3Schema");
            match version.pointer("/schema/openAPIV3Schema") {
                None => wrong(
                    &path,
                    FieldErrorReason::Required,
                    "Required value: schemas are required".to_owned(),
                ),
                // Compiled where it is new: compiling rules is the costly part.
                Some(schema) if old.is_none_or(|old| old.get("spec") != new.get("spec")) => {
                    if let Err(error) = Structural::shared(schema) {
                        let path = match error.path.is_empty() {
                            true => path,
                            false => format!("{path}.{}", error.path),
                        };
                        let detail = format!("Invalid value: {}", error.message);
                        wrong(&path, FieldErrorReason::Invalid, detail);
                    }
                }
                Some(_) => {}
            }
        }
        for (at, version) in versions(new).enumerate() {
            let columns = version.get("additionalPrinterColumns");
            let columns = columns.and_then(Value::as_array).into_iter().flatten();
            for (column_at, column) in columns.enumerate() {
                let path = format!("spec.versions[{at}].additionalPrinterColumns[{column_at}]");
                for (field, reason, detail) in check_column(column) {
                    wrong(&format!("{path}.{field}"), reason, detail);
                }
            }
        }
        if let Some(old) = old {
            for field in ["group", "scope", "names/plural", "names/kind"] {
                let pointer = format!("/spec/{field}");
                if new.pointer(&pointer) != old.pointer(&pointer) {
                    let field = format!("spec.{}", field.replace('/', "."));
                    let value = text(new, &pointer);
                    let detail = format!("Invalid value: \"{value}\": field is immutable");
                    wrong(&field, FieldErrorReason::Invalid, detail);
                }
            }
        }
        errors
    }
}

/// What is wrong with a printer column (`ValidateCustomResourceColumnDefinition`), by field.
fn check_column(column: &Value) -> Vec<(&'static str, FieldErrorReason, String)> {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = [
        "byte",
        "date",
        "date-time",
        "double",
        "float",
        "int32",
        "int64",
        "password",
    ];
    let required = |field, detail: &str| (field, FieldErrorReason::Required, detail.to_owned());
    let invalid = |field, value: &str, why: &str| {
        let detail = format!("Invalid value: \"{value}\": {why}");
        (field, FieldErrorReason::Invalid, detail)
    };
    let one_of = |allowed: &[&str]| format!("must be one of {}", allowed.join(","));
    let mut errors = Vec::new();
    if text(column, "/name").is_empty() {
        errors.push(required("name", "Required value"));
    }
    match text(column, "/type") {
        "" => {
            let detail = format!("Required value: {}", one_of(&TYPES));
            errors.push(required("type", &detail));
        }
        kind if !TYPES.contains(&kind) => errors.push(invalid("type", kind, &one_of(&TYPES))),
        _ => {}
    }
    let format = text(column, "/format");
    if !format.is_empty() && !FORMATS.contains(&format) {
        errors.push(invalid("format", format, &one_of(&FORMATS)));
    }
    // Kubernetes' own spelling of the field.
    match text(column, "/jsonPath") {
        "" => errors.push(required("JSONPath", "Required value")),
        path if !path.starts_with('.') => {
            let why = "must be a simple json path starting with .";
            errors.push(invalid("JSONPath", path, why));
        }
        _ => {}
    }
    errors
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn versions(object: &Value) -> impl Iterator<Item = &Value> {
    let list = object.pointer("/spec/versions").and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Serves what a valid definition declares, and says so in its status, as the naming and the establishing controller of a
/// kube-apiserver do a moment later.
pub(crate) fn serve(api: &Inner, definition: &Object) {
    let definition = &definition.value;
    let (group, plural) = (
        text(definition, "/spec/group"),
        text(definition, "/spec/names/plural"),
    );
    let known = api.registry.get(group, plural);
    if object::is_deleting(definition) || known.is_some_and(|known| known.is_defined_by(definition))
    {
        return;
    }
    api.register(resource(definition));
    establish(api, definition);
}

/// Accepts the names where nobody has yet. One who writes at the same time comes here after this one.
fn establish(api: &Inner, definition: &Value) {
    let conditions = definition.pointer("/status/conditions");
    if conditions.is_some_and(|it| it.as_array().is_some_and(|it| !it.is_empty())) {
        return;
    }
    let now = api.now();
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
    let mut new = definition.clone();
    object::set_at(
        &mut new,
        &["status", "conditions"],
        json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition(
                "Established",
                "InitialNamesAccepted",
                "the initial names have been accepted"
            ),
        ]),
    );
    if let Some(names) = definition.pointer("/spec/names") {
        object::set_at(&mut new, &["status", "acceptedNames"], names.clone());
    }
    let manager = "kube-apiserver";
    crate::apply::track_update(
        Some(definition),
        &mut new,
        manager,
        Some("status"),
        &now,
        None,
    );
    let revision = object::meta_text(definition, "resourceVersion").parse();
    let key = Key::cluster(object::meta_text(definition, "name"));
    let _ = api.store.commit(
        &RESOURCE.into(),
        &key,
        Change::Update(revision.unwrap_or(0), new),
    );
}

/// Stops to serve what a definition declared, and drops what is left of it.
pub(crate) fn withdraw(api: &Inner, definition: &Value) {
    let (group, plural) = (
        text(definition, "/spec/group"),
        text(definition, "/spec/names/plural"),
    );
    api.registry.remove(group, plural);
    api.store.close_table(&format!("{plural}.{group}").into());
}

fn resource(definition: &Value) -> Resource {
    let names = |pointer: &str| -> Vec<String> {
        let list = definition.pointer(pointer).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let mut resource = Resource::new(
        text(definition, "/spec/group"),
        text(definition, "/spec/names/kind"),
        text(definition, "/spec/names/plural"),
    )
    .singular(text(definition, "/spec/names/singular"))
    .list_kind_named(text(definition, "/spec/names/listKind"))
    .with_generation()
    .conditional_update_only()
    .defined_by(definition);
    if text(definition, "/spec/scope") == "Cluster" {
        resource = resource.cluster_scoped();
    }
    for name in names("/spec/names/shortNames") {
        resource = resource.short_name(name);
    }
    for name in names("/spec/names/categories") {
        resource = resource.category(name);
    }
    let mut selectable = Vec::new();
    for declared in versions(definition) {
        let is = |field: &str| declared.get(field) == Some(&Value::Bool(true));
        let mut version =
            Version::new(text(declared, "/name")).printed_by(printers::from_definition(declared));
        if is("deprecated") {
            version.deprecation = Some(deprecation(definition, declared));
        }
        version.served = is("served");
        version.storage = is("storage");
        version.status = declared
            .pointer("/subresources/status")
            .is_some_and(Value::is_object);
        // Its definition was validated, so that it compiles.
        version.schema = declared
            .pointer("/schema/openAPIV3Schema")
            .and_then(|schema| Structural::shared(schema).ok());
        resource = resource.version(version);
        let fields = declared.get("selectableFields").and_then(Value::as_array);
        for field in fields.into_iter().flatten() {
            selectable.push(text(field, "/jsonPath").trim_start_matches('.').to_owned());
        }
    }
    resource.strategy(Custom { selectable })
}

/// What a use of a deprecated version is warned of (`customresource_handler.go`, defaultDeprecationWarning).
fn deprecation(definition: &Value, version: &Value) -> String {
    if let Some(own) = version.get("deprecationWarning").and_then(Value::as_str) {
        return own.to_owned();
    }
    let (group, kind) = (
        text(definition, "/spec/group"),
        text(definition, "/spec/names/kind"),
    );
    let name = text(version, "/name");
    let is = |version: &Value, field: &str| version.get(field) == Some(&Value::Bool(true));
    let newer = versions(definition)
        .filter(|other| is(other, "served") && !is(other, "deprecated"))
        .map(|other| text(other, "/name"))
        .filter(|other| stability(other) > stability(name))
        .max_by_key(|other| stability(other));
    let warning = format!("{group}/{name} {kind} is deprecated");
    match newer {
        Some(newer) => format!("{warning}; use {group}/{newer} {kind}"),
        None => warning,
    }
}

/// The order of `CompareKubeAwareVersionStrings`: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, then anything else.
fn stability(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        for (level, word) in [(2, "beta"), (1, "alpha")] {
            if let Some((major, minor)) = rest.split_once(word) {
                return Some((level, major.parse().ok()?, minor.parse().ok()?));
            }
        }
        Some((3, rest.parse().ok()?, 0))
    };
    parse().unwrap_or_default()
}

/// Custom resources: everything but `selectableFields` is in the schema.
struct Custom {
    selectable: Vec<String>,
}

impl Strategy for Custom {
    fn field(&self, object: &Value, field: &str) -> Option<String> {
        if !self.selectable.iter().any(|known| known == field) {
            return None;
        }
        let pointer = format!("/{}", field.replace('.', "/"));
        Some(match object.pointer(&pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
    }
}
