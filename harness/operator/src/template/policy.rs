//! What a template may not do (ESO 2.9.0, `apis/externalsecrets/v1/externalsecret_validator.go`).

use serde_json::Value;

use super::{TemplateError, template_from};

const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
const SERVICE_ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const BOOTSTRAP_TOKEN: &str = "bootstrap.kubernetes.io/token";

pub(super) fn check(template: &Value) -> Result<(), TemplateError> {
    let errors: Vec<String> = privileged(template)
        .into_iter()
        .chain(foreign_targets(template))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(TemplateError::new(errors.join("\n")))
    }
}

fn privileged(template: &Value) -> Option<String> {
    match template.get("type").and_then(Value::as_str) {
        Some(BOOTSTRAP_TOKEN) => Some(format!("template.type={BOOTSTRAP_TOKEN:?} is not allowed")),
        Some(SERVICE_ACCOUNT_TOKEN) => {
            let annotations = template.pointer("/metadata/annotations");
            if annotations
                .is_some_and(|annotations| annotations.get(SERVICE_ACCOUNT_NAME).is_some())
            {
                return Some(format!(
                    "template.type={SERVICE_ACCOUNT_TOKEN:?} with annotation {SERVICE_ACCOUNT_NAME:?} is not allowed"
                ));
            }
            template_from(template)
                .iter()
                .any(|from| target(from).eq_ignore_ascii_case("annotations"))
                .then(|| {
                    format!("template.type={SERVICE_ACCOUNT_TOKEN:?} with templateFrom target=\"Annotations\" is not allowed")
                })
        }
        _ => None,
    }
}

fn foreign_targets(template: &Value) -> impl Iterator<Item = String> {
    template_from(template)
        .iter()
        .map(target)
        .filter(|target| {
            !["", "data", "annotations", "labels"]
                .iter()
                .any(|known| target.eq_ignore_ascii_case(known))
        })
        .map(|target| {
            format!(
                "templateFrom target={target:?} is not allowed when targeting a Secret, must be one of \"Data\", \"Annotations\" or \"Labels\""
            )
        })
}

fn target(from: &Value) -> &str {
    from.get("target")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
