//! The query of a request, and the options that it carries.

use std::collections::BTreeMap;

use http::request::Parts;
use serde_json::Value;

use crate::status::ApiError;
use crate::write::{DeleteOptions, FieldValidation, Propagation, WriteOptions};

pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn of(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a parameter; empty where it is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether the parameter is there, with or without a value.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// As Go reads a boolean of a query: any value but `false` and `0` sets it.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|value| !matches!(value.as_str(), "false" | "0" | "f" | "F" | "False"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.text(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!(
                    "strconv.ParseInt: parsing \"{text}\": invalid syntax"
                ))
            }),
        }
    }

    /// A resource version; `None` where any will do.
    pub(super) fn revision(&self) -> Result<Option<u64>, ApiError> {
        match self.text("resourceVersion") {
            "" | "0" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!(
                    "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
                ))
            }),
        }
    }

    pub(super) fn write_options(&self, parts: &Parts) -> WriteOptions {
        let field_validation = match self.text("fieldValidation") {
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            _ => FieldValidation::Warn,
        };
        WriteOptions {
            manager: match self.text("fieldManager") {
                "" => user_agent(parts),
                manager => manager.to_owned(),
            },
            dry_run: self.text("dryRun") == "All",
            field_validation,
            strict_errors: Vec::new(),
        }
    }

    /// The options of a DELETE; `body` is its DeleteOptions, or null.
    pub(super) fn delete_options(&self, body: &Value) -> Result<DeleteOptions, ApiError> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let propagation = match text("/propagationPolicy").unwrap_or(self.text("propagationPolicy"))
        {
            "Orphan" => Some(Propagation::Orphan),
            "Foreground" => Some(Propagation::Foreground),
            "Background" => Some(Propagation::Background),
            "" if body.get("orphanDependents") == Some(&Value::Bool(true)) => {
                Some(Propagation::Orphan)
            }
            "" => None,
            other => {
                return Err(ApiError::unprocessable(format!(
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\""
                )));
            }
        };
        let asked = body.get("gracePeriodSeconds").and_then(Value::as_i64);
        let dry = body.get("dryRun").and_then(Value::as_array);
        Ok(DeleteOptions {
            grace_period: match asked {
                Some(seconds) => Some(seconds),
                None => self.number("gracePeriodSeconds")?,
            },
            propagation,
            uid: text("/preconditions/uid").map(str::to_owned),
            revision: text("/preconditions/resourceVersion").map(str::to_owned),
            dry_run: self.text("dryRun") == "All"
                || dry.is_some_and(|list| list.iter().any(|stage| stage == "All")),
        })
    }
}

/// The name that a manager without one has: the first part of the user agent.
fn user_agent(parts: &Parts) -> String {
    let agent = parts
        .headers
        .get(http::header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match agent.split('/').next().unwrap_or_default() {
        "" => "unknown".to_owned(),
        name => name.chars().take(128).collect(),
    }
}
