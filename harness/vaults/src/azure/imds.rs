//! The instance metadata service's token endpoint (`/metadata/identity/oauth2/token`, version 2018-02-01).

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::directory::{Directory, Member};
use super::entra::{Reply, known_resource};

/// How long a managed identity's token lives, in seconds.
const LIFETIME: i64 = 86_399;
const PATH: &str = "/metadata/identity/oauth2/token";
const TOKEN: &str = "managed identity token";

/// What a request to IMDS asks for, by its form alone.
pub(super) fn operation(path: &str) -> &'static str {
    if path == PATH { TOKEN } else { "unknown" }
}

struct Refusal(StatusCode, &'static str, String);

fn invalid(description: impl Into<String>) -> Refusal {
    Refusal(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        description.into(),
    )
}

pub(super) fn answer(
    directory: &Directory,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Reply {
    let operation = operation(path);
    match decide(directory, method, path, query, headers) {
        Ok((member, body)) => Reply {
            identity: Some(member.principal.name.clone()),
            ..Reply::ok(operation, body)
        },
        Err(Refusal(status, error, description)) => Reply {
            status,
            refusal: Some(match error {
                "invalid_request" => description.clone(),
                other => other.to_owned(),
            }),
            ..Reply::ok(
                operation,
                json!({"error": error, "error_description": description}),
            )
        },
    }
}

fn decide(
    directory: &Directory,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<(Arc<Member>, Value), Refusal> {
    let asked = headers
        .get("metadata")
        .and_then(|value| value.to_str().ok());
    if !asked.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "bad_request_102",
            "Required metadata header not specified".into(),
        ));
    }
    if path != PATH {
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            "not_found",
            "The requested resource was not found".into(),
        ));
    }
    if *method != Method::GET {
        return Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("{method} is not allowed"),
        ));
    }
    let query: IndexMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let given = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let required = |name: &str| {
        given(name).ok_or_else(|| invalid(format!("Required query variable '{name}' is missing")))
    };
    let version = required("api-version")?;
    if !["2018-02-01", "2019-11-01", "2025-02-01"].contains(&version.as_str()) {
        return Err(invalid(format!("api-version '{version}' is not supported")));
    }
    let resource = required("resource")?;
    let member = identity(directory, given)?;
    let Some(audience) = known_resource(resource) else {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "invalid_resource",
            format!(
                "AADSTS500011: The resource principal named {resource} was not found in the tenant named {}.",
                directory.tenant
            ),
        ));
    };
    let issued = directory
        .issue(&member, audience, LIFETIME)
        .map_err(|error| invalid(error.to_string()))?;
    let body = json!({
        "access_token": issued.token,
        "client_id": member.principal.client_id,
        "expires_in": issued.expires_in.to_string(),
        "expires_on": issued.expires_on.to_string(),
        "ext_expires_in": issued.expires_in.to_string(),
        "not_before": issued.not_before.to_string(),
        "resource": audience,
        "token_type": "Bearer",
    });
    Ok((member, body))
}

/// The identity that a request names, or the only one.
fn identity<'a>(
    directory: &Directory,
    given: impl Fn(&str) -> Option<&'a String>,
) -> Result<Arc<Member>, Refusal> {
    let mut managed = directory.managed();
    let named = |wanted: &dyn Fn(&Member) -> bool| {
        let mut managed = directory.managed();
        managed.find(|member| wanted(member)).cloned()
    };
    let found = if let Some(id) = given("client_id") {
        named(&|member| member.principal.client_id.eq_ignore_ascii_case(id))
    } else if let Some(id) = given("object_id").or_else(|| given("principal_id")) {
        named(&|member| member.object_id.eq_ignore_ascii_case(id))
    } else if let Some(id) = given("mi_res_id").or_else(|| given("msi_res_id")) {
        named(&|member| {
            let held = member.principal.managed_identity.as_deref();
            held.is_some_and(|held| held.eq_ignore_ascii_case(id))
        })
    } else {
        let only = managed.next().cloned();
        if managed.next().is_some() {
            return Err(invalid(
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in \
                 the token request",
            ));
        }
        only
    };
    found.ok_or_else(|| invalid("Identity not found"))
}
