//! Refusals, worded as `k8s.io/apimachinery/pkg/api/errors` words them, and their `Status` objects.

use serde_json::{Value, json};

use crate::resource::Resource;
use crate::schema::FieldError;

/// A refused request: the HTTP code, and what its `Status` body says.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    code: u16,
    reason: &'static str,
    message: String,
    details: Option<Box<Value>>,
    /// `metadata.continue`.
    next: Option<String>,
    /// Whether the answer is the message itself, as of a path that no API has.
    pub(crate) plain: bool,
    /// For `Warning` headers: a refused body is warned of as well.
    pub(crate) warnings: Vec<String>,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            next: None,
            plain: false,
            warnings: Vec::new(),
        }
    }

    /// With the token by which the list can be continued all the same.
    pub(crate) fn continued_by(mut self, token: String) -> Self {
        self.next = Some(token);
        self
    }

    /// With what was found in the body before it was refused.
    pub(crate) fn warned(mut self, warnings: &[String]) -> Self {
        self.warnings = warnings.to_vec();
        self
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = Some(Box::new(compact(json!({
            "name": name, "group": resource.group(), "kind": resource.plural(),
        }))));
        self
    }

    /// The HTTP status code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The machine-readable reason, e.g. `NotFound`.
    pub fn reason(&self) -> &str {
        self.reason
    }

    /// The `Status` object that is the answer's body.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(next) = &self.next {
            status["metadata"]["continue"] = next.as_str().into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.as_ref().clone();
        }
        status["code"] = self.code.into();
        status
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    pub(crate) fn namespace_not_found(name: &str) -> Self {
        let mut error = Self::new(404, "NotFound", format!("namespaces \"{name}\" not found"));
        error.details = Some(Box::new(json!({"name": name, "kind": "namespaces"})));
        error
    }

    pub(crate) fn unknown_resource() -> Self {
        let message = "the server could not find the requested resource";
        let mut error = Self::new(404, "NotFound", message);
        error.details = Some(Box::new(json!({})));
        error
    }

    /// A path that no group of the API has (`http.NotFound`).
    pub(crate) fn no_such_path() -> Self {
        let mut error = Self::new(404, "NotFound", "404 page not found");
        error.plain = true;
        error
    }

    /// Options of a request that are wrong: `ListOptions`, `DeleteOptions` and the like.
    pub(crate) fn invalid_options(kind: &str, error: FieldError) -> Self {
        Self::invalid_kind("meta.k8s.io", kind, "", &[error])
    }

    /// A body that does not name its object.
    pub(crate) fn nameless(name: &str) -> Self {
        Self::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))
    }

    /// A conflict with what a request required of the object, which names the kind rather than the resource.
    pub(crate) fn precondition_failed(resource: &Resource, name: &str, why: &str) -> Self {
        let qualified = match resource.group() {
            "" => resource.kind().to_owned(),
            group => format!("{}.{group}", resource.kind()),
        };
        let message = format!("Operation cannot be fulfilled on {qualified} \"{name}\": {why}");
        let mut error = Self::new(409, "Conflict", message);
        error.details = Some(Box::new(compact(json!({
            "name": name, "group": resource.group(), "kind": resource.kind(),
        }))));
        error
    }

    /// A patch whose operations do not fit the object: kube-apiserver does not say which.
    pub(crate) fn rejected() -> Self {
        let message = "the server rejected our request due to an error in our request";
        let mut error = Self::new(422, "Invalid", message);
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// As [`already_exists`](Self::already_exists), of an object that waits for its finalizers.
    pub(crate) fn still_exists(resource: &Resource, name: &str) -> Self {
        let error = Self::already_exists(resource, name);
        let message = format!("object is being deleted: {}", error.message);
        Self { message, ..error }
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified()
        );
        Self::new(409, "Conflict", message).about(resource, name)
    }

    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn apply_conflict(conflict: crate::apply::Conflict) -> Self {
        let causes: Vec<Value> = conflict
            .causes
            .iter()
            .map(|(field, message)| json!({"reason": "FieldManagerConflict", "message": message, "field": field}))
            .collect();
        let mut error = Self::new(409, "Conflict", conflict.message);
        error.details = Some(Box::new(json!({"causes": causes})));
        error
    }

    pub(crate) fn invalid(resource: &Resource, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_kind(resource.group(), resource.kind(), name, errors)
    }

    pub(crate) fn invalid_kind(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let list = match texts.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", texts.join(", ")),
        };
        let qualified = match group {
            "" => kind.to_owned(),
            group => format!("{kind}.{group}"),
        };
        let causes: Vec<Value> = errors
            .iter()
            .map(|e| json!({"reason": e.reason.as_str(), "message": e.detail, "field": e.field}))
            .collect();
        let message = format!("{qualified} \"{name}\" is invalid: {list}");
        let mut error = Self::new(422, "Invalid", message);
        error.details = Some(Box::new(compact(json!({
            "name": name, "group": group, "kind": kind, "causes": causes,
        }))));
        error
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// The refusal of the NamespaceLifecycle admission.
    pub(crate) fn namespace_terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut error = Self::forbidden(resource, name, &why);
        if let Some(details) = error.details.as_deref_mut() {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        error
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The same refusal for a patch, whose result is not what the kind takes. Kubernetes shows the result; it may be
    /// secret, so that it is left out here.
    pub(crate) fn of_patch(self) -> Self {
        const UNFIT: &str = " cannot be handled as a ";
        let Some((_, why)) = self
            .message
            .split_once(UNFIT)
            .and_then(|(_, it)| it.split_once(": "))
        else {
            return self;
        };
        let detail = format!("Invalid value: {why}");
        let mut error = Self::new(422, "Invalid", format!(" \"\" is invalid: patch: {detail}"));
        error.details = Some(Box::new(json!({
            "causes": [{"reason": "FieldValueInvalid", "message": detail, "field": "patch"}],
        })));
        error
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A resource version of the future (`NewTooLargeResourceVersionError`).
    pub(crate) fn too_large(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut error = Self::new(504, "Timeout", message);
        error.details = Some(Box::new(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        })));
        error
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut error = Self::new(405, "MethodNotAllowed", message);
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn not_acceptable() -> Self {
        let message = "only the following media types are accepted: application/json";
        Self::new(406, "NotAcceptable", message)
    }

    /// The format of a patch that the resource does not take.
    pub(crate) fn unsupported_patch() -> Self {
        let message = "415: Unsupported Media Type";
        let mut error = Self::new(415, "UnsupportedMediaType", message);
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// `k8s.io/apiserver/pkg/server/filters/timeout.go`
    pub(crate) fn timed_out() -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        let mut error = Self::new(504, "Timeout", message);
        error.details = Some(Box::new(json!({})));
        error
    }

    pub(crate) fn too_large_body() -> Self {
        let message = "Request entity too large: limit is 3145728";
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// An error that Kubernetes passes on without a reason (code 500).
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }
}

/// Drops the members that Go's `omitempty` drops from a Status's details.
fn compact(mut details: Value) -> Value {
    if let Some(map) = details.as_object_mut() {
        map.retain(|_, value| value.as_str() != Some(""));
    }
    details
}
