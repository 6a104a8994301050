//! What a resource is: its names, versions and subresources, and the strategy that its writes go through.

use std::sync::Arc;

use serde_json::Value;

use crate::printers::Printer;
use crate::schema::{FieldError, Structural};

/// The hooks of one resource's writes, in the order in which a write calls them. All default to nothing.
pub trait Strategy: Send + Sync + 'static {
    /// Rejects a body that cannot be decoded as the kind; the text completes `<Kind> in version "v1" cannot be handled as a <Kind>: `.
    fn decode(&self, object: &mut Value) -> Result<(), String> {
        let _ = object;
        Ok(())
    }

    /// Fills in defaults, on create and on update.
    fn default(&self, object: &mut Value) {
        let _ = object;
    }

    /// Sets what a client may not choose when it creates. `now` is RFC 3339 in whole seconds.
    fn prepare_create(&self, object: &mut Value, now: &str) {
        let _ = (object, now);
    }

    /// Sets what a client may not choose when it updates; `old` is the stored object.
    fn prepare_update(&self, new: &mut Value, old: &Value, now: &str) {
        let _ = (new, old, now);
    }

    /// What is wrong with an object; `old` is the stored one on an update.
    fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let _ = (new, old);
        Vec::new()
    }

    /// The value of a field that a field selector may name; `None` where it may not.
    fn field(&self, object: &Value, field: &str) -> Option<String> {
        let _ = (object, field);
        None
    }

    /// The seconds that a deletion waits for an agent (a kubelet); `None` deletes at once.
    fn grace_period(&self, object: &Value, asked: Option<i64>) -> Option<i64> {
        let _ = (object, asked);
        None
    }
}

/// The strategy of a resource that needs none.
pub struct Plain;

impl Strategy for Plain {}

/// One served version of a resource.
#[derive(Clone)]
pub struct Version {
    pub(crate) name: String,
    pub(crate) served: bool,
    pub(crate) storage: bool,
    pub(crate) status: bool,
    pub(crate) schema: Option<Arc<Structural>>,
    pub(crate) printer: Arc<Printer>,
    /// What every use of it is warned of.
    pub(crate) deprecation: Option<String>,
}

impl Version {
    /// A served storage version without subresources or schema.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            served: true,
            storage: true,
            status: false,
            schema: None,
            printer: Arc::new(Printer::plain()),
            deprecation: None,
        }
    }

    /// Turns the `/status` subresource on: the main endpoint then ignores `status`.
    pub fn with_status(mut self) -> Self {
        self.status = true;
        self
    }

    /// Prunes, defaults and validates by a structural schema.
    pub fn with_schema(mut self, schema: Structural) -> Self {
        self.schema = Some(Arc::new(schema));
        self
    }

    /// Prints its objects in the columns of `kubectl get`.
    pub(crate) fn printed_by(mut self, printer: Printer) -> Self {
        self.printer = Arc::new(printer);
        self
    }

    /// A version that is stored under another one.
    pub fn not_stored(mut self) -> Self {
        self.storage = false;
        self
    }

    /// A version that the API does not answer for.
    pub fn not_served(mut self) -> Self {
        self.served = false;
        self
    }
}

/// A resource of the API. Register it with [`ApiServer::register`](crate::ApiServer::register).
#[derive(Clone)]
pub struct Resource {
    id: Arc<str>,
    group: String,
    kind: String,
    list_kind: String,
    plural: String,
    singular: String,
    short_names: Vec<String>,
    categories: Vec<String>,
    namespaced: bool,
    pub(crate) versions: Vec<Version>,
    pub(crate) generation: bool,
    pub(crate) unconditional_update: bool,
    /// Whether Kubernetes has a Go type for it: unknown fields are dropped.
    pub(crate) typed: bool,
    pub(crate) extra_subresources: Vec<&'static str>,
    pub(crate) strategy: Arc<dyn Strategy>,
    /// The specification of the CustomResourceDefinition that declares it.
    definition: Option<Value>,
}

impl Resource {
    /// A namespaced resource; `group` is empty for the core group.
    pub fn new(
        group: impl Into<String>,
        kind: impl Into<String>,
        plural: impl Into<String>,
    ) -> Self {
        let (group, kind, plural) = (group.into(), kind.into(), plural.into());
        let id = match group.as_str() {
            "" => plural.clone(),
            group => format!("{plural}.{group}"),
        };
        Self {
            id: id.into(),
            list_kind: format!("{kind}List"),
            singular: kind.to_lowercase(),
            group,
            kind,
            plural,
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: true,
            versions: Vec::new(),
            generation: false,
            unconditional_update: true,
            typed: false,
            extra_subresources: Vec::new(),
            strategy: Arc::new(Plain),
            definition: None,
        }
    }

    /// Adds a version.
    pub fn version(mut self, version: Version) -> Self {
        self.versions.push(version);
        self
    }

    /// Makes it cluster-scoped.
    pub fn cluster_scoped(mut self) -> Self {
        self.namespaced = false;
        self
    }

    /// Names it in one word, as `kubectl get` takes it.
    pub fn singular(mut self, singular: impl Into<String>) -> Self {
        self.singular = singular.into();
        self
    }

    /// The kind of its lists, where that is not `<Kind>List`.
    pub fn list_kind_named(mut self, list_kind: impl Into<String>) -> Self {
        self.list_kind = list_kind.into();
        self
    }

    /// Adds a short name.
    pub fn short_name(mut self, name: impl Into<String>) -> Self {
        self.short_names.push(name.into());
        self
    }

    /// Adds a category, e.g. `all`.
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.categories.push(name.into());
        self
    }

    /// Counts changes of the specification in `metadata.generation`.
    pub fn with_generation(mut self) -> Self {
        self.generation = true;
        self
    }

    /// Takes only the fields of the Go type that Kubernetes has for the kind.
    pub(crate) fn typed(mut self) -> Self {
        self.typed = true;
        self
    }

    /// Refuses an update without a resource version, as custom resources do.
    pub fn conditional_update_only(mut self) -> Self {
        self.unconditional_update = false;
        self
    }

    /// Sets the hooks of its writes.
    pub fn strategy(mut self, strategy: impl Strategy) -> Self {
        self.strategy = Arc::new(strategy);
        self
    }

    pub(crate) fn defined_by(mut self, definition: &Value) -> Self {
        self.definition = definition.get("spec").cloned();
        self
    }

    pub(crate) fn is_defined_by(&self, definition: &Value) -> bool {
        self.definition.is_some() && self.definition.as_ref() == definition.get("spec")
    }

    /// Whether a CustomResourceDefinition declares it.
    pub(crate) fn is_custom(&self) -> bool {
        self.definition.is_some()
    }

    /// The schema of a version, as its CustomResourceDefinition has it.
    pub(crate) fn declared_schema(&self, version: &str) -> Option<&Value> {
        let versions = self.definition.as_ref()?.get("versions")?.as_array()?;
        let declared = versions
            .iter()
            .find(|known| known.get("name").and_then(Value::as_str) == Some(version))?;
        declared.pointer("/schema/openAPIV3Schema")
    }

    pub(crate) fn subresource(mut self, name: &'static str) -> Self {
        self.extra_subresources.push(name);
        self
    }

    /// `plural.group`, or the plural in the core group.
    pub fn qualified(&self) -> &str {
        &self.id
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kind of its objects.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The kind of its lists.
    pub fn list_kind(&self) -> &str {
        &self.list_kind
    }

    /// The name in URLs.
    pub fn plural(&self) -> &str {
        &self.plural
    }

    /// Whether its objects live in namespaces.
    pub fn is_namespaced(&self) -> bool {
        self.namespaced
    }

    pub(crate) fn names(&self) -> (&str, &[String], &[String]) {
        (&self.singular, &self.short_names, &self.categories)
    }

    pub(crate) fn served(&self, version: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|known| known.name == version && known.served)
    }

    /// `group/version`, or the version in the core group.
    pub(crate) fn api_version(&self, version: &str) -> String {
        match self.group.as_str() {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }

    /// The version under which objects are stored.
    pub(crate) fn storage_version(&self) -> &str {
        self.versions
            .iter()
            .find(|version| version.storage)
            .or(self.versions.first())
            .map_or("v1", |version| &version.name)
    }
}
