//! The query of a request, and the options that it carries.

use std::collections::BTreeMap;

use http::request::Parts;
use serde_json::Value;

use crate::schema::{FieldError, FieldErrorReason};
use crate::status::ApiError;
use crate::write::{DeleteOptions, FieldValidation, Propagation, WriteOptions};

/// `FieldManagerMaxLength`
const MAX_MANAGER: usize = 128;

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
                    "invalid resource version: resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
                ))
            }),
        }
    }

    /// Who writes.
    pub(super) fn manager(&self, parts: &Parts) -> String {
        match self.text("fieldManager") {
            "" => user_agent(parts),
            manager => manager.to_owned(),
        }
    }

    /// The options of a write, which are called `kind`.
    pub(super) fn write_options(
        &self,
        kind: &str,
        parts: &Parts,
    ) -> Result<WriteOptions, ApiError> {
        let wrong = |field: &str, reason, detail: String| {
            let field = field.to_owned();
            ApiError::invalid_options(
                kind,
                FieldError {
                    field,
                    reason,
                    detail,
                },
            )
        };
        let field_validation = match self.text("fieldValidation") {
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            "" | "Warn" => FieldValidation::Warn,
            other => {
                let detail = format!(
                    "Unsupported value: \"{other}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                );
                return Err(wrong(
                    "fieldValidation",
                    FieldErrorReason::NotSupported,
                    detail,
                ));
            }
        };
        let dry_run = dry_run(
            kind,
            [self.text("dryRun")]
                .into_iter()
                .filter(|it| !it.is_empty()),
        )?;
        if self.text("fieldManager").len() > MAX_MANAGER {
            let detail = format!("Too long: may not be more than {MAX_MANAGER} bytes");
            return Err(wrong("fieldManager", FieldErrorReason::TooLong, detail));
        }
        Ok(WriteOptions {
            manager: self.manager(parts),
            dry_run,
            field_validation,
            strict_errors: Vec::new(),
            applies: false,
        })
    }

    /// The options of a DELETE; `body` is its DeleteOptions, or null.
    pub(super) fn delete_options(&self, body: &Value) -> Result<DeleteOptions, ApiError> {
        const KIND: &str = "DeleteOptions";
        let wrong = |reason, detail: String| {
            let field = "propagationPolicy".to_owned();
            ApiError::invalid_options(
                KIND,
                FieldError {
                    field,
                    reason,
                    detail,
                },
            )
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let propagation = match text("/propagationPolicy").unwrap_or(self.text("propagationPolicy"))
        {
            policy
                if !policy.is_empty()
                    && body.get("orphanDependents").is_some_and(Value::is_boolean) =>
            {
                let detail = format!(
                    "Invalid value: \"{policy}\": orphanDependents and deletionPropagation cannot be both set"
                );
                return Err(wrong(FieldErrorReason::Invalid, detail));
            }
            "Orphan" => Some(Propagation::Orphan),
            "Foreground" => Some(Propagation::Foreground),
            "Background" => Some(Propagation::Background),
            "" if body.get("orphanDependents") == Some(&Value::Bool(true)) => {
                Some(Propagation::Orphan)
            }
            "" => None,
            other => {
                let detail = format!(
                    "Unsupported value: \"{other}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                );
                return Err(wrong(FieldErrorReason::NotSupported, detail));
            }
        };
        let asked = body.get("gracePeriodSeconds").and_then(Value::as_i64);
        let stages = body.get("dryRun").and_then(Value::as_array);
        let stages = stages.into_iter().flatten().filter_map(Value::as_str);
        let stages = stages
            .chain([self.text("dryRun")])
            .filter(|it| !it.is_empty());
        Ok(DeleteOptions {
            grace_period: match asked {
                Some(seconds) => Some(seconds),
                None => self.number("gracePeriodSeconds")?,
            },
            propagation,
            uid: text("/preconditions/uid").map(str::to_owned),
            revision: text("/preconditions/resourceVersion").map(str::to_owned),
            dry_run: dry_run(KIND, stages)?,
        })
    }
}

/// Whether the stages that a dry run names are all of them (the only choice there is).
fn dry_run<'a>(kind: &str, stages: impl Iterator<Item = &'a str>) -> Result<bool, ApiError> {
    let stages: Vec<&str> = stages.collect();
    if stages.iter().any(|stage| *stage != "All") {
        return Err(ApiError::invalid_options(
            kind,
            FieldError {
                field: "dryRun".to_owned(),
                reason: FieldErrorReason::NotSupported,
                detail: format!("Unsupported value: {stages:?}: supported values: \"All\""),
            },
        ));
    }
    Ok(!stages.is_empty())
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
