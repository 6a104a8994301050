//! Key Vault's refusals: status, code, words, and the inner code that tells refusals of one code apart.

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal by the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VaultError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) inner: Option<&'static str>,
}

impl VaultError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            inner: None,
        }
    }

    fn because(mut self, inner: &'static str) -> Self {
        self.inner = Some(inner);
        self
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    pub(super) fn forbidden_by_rbac(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).because("ForbiddenByRbac")
    }

    pub(super) fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message)
    }

    /// `id` is the name, or name and version.
    pub(super) fn not_found(id: &str) -> Self {
        let message = format!(
            "A secret with (name/id) {id} was not found in this key vault. If you recently deleted this secret you may \
             be able to recover it using the correct recovery command. For help resolving this issue, please see \
             https://go.microsoft.com/fwlink/?linkid=2125182"
        );
        Self::new(StatusCode::NOT_FOUND, "SecretNotFound", message)
    }

    pub(super) fn deleted_not_found(name: &str) -> Self {
        let message = format!("Deleted Secret not found: {name}");
        Self::new(StatusCode::NOT_FOUND, "SecretNotFound", message)
    }

    /// Another kind of object: there are none.
    pub(super) fn object_not_found(kind: &str, code: &'static str, id: &str) -> Self {
        let message = format!("A {kind} with (name/id) {id} was not found in this key vault.");
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn disabled() -> Self {
        let message = "Operation get is not allowed on a disabled secret.";
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).because("SecretDisabled")
    }

    pub(super) fn deleted_but_recoverable(name: &str) -> Self {
        let message = format!(
            "Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this \
             state, the secret can only be recovered or purged."
        );
        Self::new(StatusCode::CONFLICT, "Conflict", message)
            .because("ObjectIsDeletedButRecoverable")
    }

    pub(super) fn exists(name: &str) -> Self {
        let message = format!(
            "There was a conflict restoring the secret '{name}' because it already exists in this vault."
        );
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    pub(super) fn no_such_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            "The requested resource was not found.",
        )
    }

    pub(super) fn no_such_method(method: &http::Method) -> Self {
        let message = format!("The HTTP method '{method}' is not allowed on this resource.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// What the journal calls it: the inner code where there is one.
    pub(super) fn refusal(&self) -> &'static str {
        self.inner.unwrap_or(self.code)
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(inner) = self.inner {
            error["innererror"] = json!({"code": inner});
        }
        json!({ "error": error })
    }
}
