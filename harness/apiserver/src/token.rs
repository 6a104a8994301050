//! Service account tokens: TokenRequest, TokenReview, and the OpenID documents of the issuer.

use std::collections::BTreeMap;

use rotaproof_base::jwt::{Claims, Issuer};
use serde_json::{Value, json};

use crate::identity::User;
use crate::object;
use crate::review::AUTHENTICATION;
use crate::schema::{FieldError, FieldErrorReason};
use crate::server::{Inner, seconds};
use crate::status::ApiError;
use crate::store::Key;
use crate::write::Target;

const DEFAULT_LIFETIME: i64 = 3600;
const MIN_LIFETIME: i64 = 600;
const MAX_LIFETIME: i64 = 1 << 32;

/// `/.well-known/openid-configuration`
pub(crate) fn openid_configuration(issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.url(),
        "jwks_uri": format!("{}/openid/v1/jwks", issuer.url().trim_end_matches('/')),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

/// `POST .../serviceaccounts/{name}/token` (`pkg/registry/core/serviceaccount/storage/token.go`).
pub(crate) fn request(
    api: &Inner,
    target: &Target,
    key: &Key,
    body: &Value,
    manager: &str,
) -> Result<Value, ApiError> {
    let account = api
        .store
        .get(target.resource.id(), key)
        .ok_or_else(|| ApiError::not_found(&target.resource, &key.name))?;
    if body
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind != "TokenRequest")
    {
        return Err(ApiError::bad_request(
            "the request body is not a TokenRequest",
        ));
    }
    let asked = body
        .pointer("/spec/expirationSeconds")
        .and_then(Value::as_i64);
    let lifetime = asked.unwrap_or(DEFAULT_LIFETIME);
    let wrong = match lifetime {
        ..MIN_LIFETIME => Some("may not specify a duration less than 10 minutes"),
        MIN_LIFETIME..=MAX_LIFETIME => None,
        _ => Some("may not specify a duration larger than 2^32 seconds"),
    };
    if let Some(why) = wrong {
        let error = FieldError {
            field: "spec.expirationSeconds".to_owned(),
            reason: FieldErrorReason::Invalid,
            detail: format!("Invalid value: {lifetime}: {why}"),
        };
        return Err(ApiError::invalid_kind(
            AUTHENTICATION,
            "TokenRequest",
            "",
            &[error],
        ));
    }
    let audiences: Vec<&str> = body
        .pointer("/spec/audiences")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let audiences = match audiences.is_empty() {
        true => vec![api.issuer.url()],
        false => audiences,
    };
    let mut bound = json!({
        "namespace": key.namespace,
        "serviceaccount": {"name": key.name, "uid": object::meta_text(&account.value, "uid")},
    });
    if let Some(reference) = body
        .pointer("/spec/boundObjectRef")
        .filter(|it| it.is_object())
    {
        bind(api, key, reference, &mut bound)?;
    }
    let now = api.clock.now();
    let issued = now.as_second();
    let claims = json!({
        "aud": audiences,
        "exp": issued.saturating_add(lifetime),
        "iat": issued,
        "iss": api.issuer.url(),
        "jti": api.uids.uuid().to_string(),
        "kubernetes.io": bound,
        "nbf": issued,
        "sub": subject(key),
    });
    let token = api
        .issuer
        .sign(&claims)
        .map_err(|error| ApiError::unknown(format!("failed to generate token: {error}")))?;
    let expires = now
        .checked_add(jiff::SignedDuration::from_secs(lifetime))
        .unwrap_or(now);
    let mut spec = json!({"audiences": audiences, "expirationSeconds": lifetime});
    spec["boundObjectRef"] = body
        .pointer("/spec/boundObjectRef")
        .cloned()
        .unwrap_or(Value::Null);
    // As after an update of the request itself: what was asked for, and the lifetime, which has a default.
    let mut asked =
        json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}});
    for field in ["audiences", "boundObjectRef"] {
        if let Some(value) = body
            .pointer(&format!("/spec/{field}"))
            .filter(|it| !it.is_null())
        {
            asked["spec"][field] = value.clone();
        }
    }
    asked["spec"]["expirationSeconds"] = lifetime.into();
    let stamp = seconds(now);
    crate::apply::track_update(None, &mut asked, manager, Some("token"), &stamp, None);
    Ok(json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": key.name, "namespace": key.namespace, "uid": object::meta_text(&account.value, "uid"),
            "creationTimestamp": stamp, "managedFields": asked.pointer("/metadata/managedFields"),
        },
        "spec": spec,
        "status": {"token": token, "expirationTimestamp": seconds(expires)},
    }))
}

fn subject(key: &Key) -> String {
    format!("system:serviceaccount:{}:{}", key.namespace, key.name)
}

/// Adds the claims of the Pod or Secret that a token is bound to.
fn bind(api: &Inner, account: &Key, reference: &Value, claims: &mut Value) -> Result<(), ApiError> {
    let text = |field: &str| {
        reference
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (plural, claim) = match text("kind") {
        "Pod" => ("pods", "pod"),
        "Secret" => ("secrets", "secret"),
        other => {
            let version = match text("apiVersion") {
                version if version.contains('/') => version.to_owned(),
                version => format!("/{version}"),
            };
            return Err(ApiError::bad_request(format!(
                "cannot bind token to object of type {version}, Kind={other}"
            )));
        }
    };
    let resource = api
        .registry
        .get("", plural)
        .ok_or_else(ApiError::unknown_resource)?;
    let bound = api
        .store
        .get(
            resource.id(),
            &Key::new(account.namespace.as_str(), text("name")),
        )
        .ok_or_else(|| ApiError::not_found(&resource, text("name")))?;
    let uid = object::meta_text(&bound.value, "uid");
    if !text("uid").is_empty() && text("uid") != uid {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and then recreated",
            text("uid")
        );
        return Err(ApiError::precondition_failed(&resource, text("name"), &why));
    }
    object::set_at(claims, &[claim], json!({"name": text("name"), "uid": uid}));
    Ok(())
}

/// `POST /apis/authentication.k8s.io/v1/tokenreviews`: the specification and the status of the answer.
pub(crate) fn review(api: &Inner, body: &Value) -> Result<Value, ApiError> {
    let token = body
        .pointer("/spec/token")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if token.is_empty() {
        return Err(ApiError::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let asked: Vec<&str> = body
        .pointer("/spec/audiences")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let status = match authenticate(api, token, &asked) {
        Ok((user, audiences)) => {
            json!({"authenticated": true, "user": user.to_value(), "audiences": audiences})
        }
        Err(why) => json!({"user": {}, "error": why}),
    };
    Ok(json!({
        // As it was asked, the caller's own token included: strict models of clients want it.
        "spec": {"token": token, "audiences": asked},
        "status": status,
    }))
}

/// Who holds a token that is meant for one of the asked audiences (none: the API's own), and for which of them it is.
pub(crate) fn authenticate(
    api: &Inner,
    token: &str,
    asked: &[&str],
) -> Result<(User, Vec<String>), String> {
    let verified = api.issuer.verifier().verify(token, &api.clock);
    let claims = verified.map_err(|error| format!("[invalid bearer token, {error}]"))?;
    if claims.text("iss") != Some(api.issuer.url()) {
        return Err("[invalid bearer token, unknown issuer]".to_owned());
    }
    let asked = match asked.is_empty() {
        true => &[api.issuer.url()][..],
        false => asked,
    };
    let held = claims.audiences();
    let common: Vec<String> = asked
        .iter()
        .filter(|it| held.contains(it))
        .map(|&it| it.to_owned())
        .collect();
    if common.is_empty() {
        return Err(format!(
            "[invalid bearer token, token audiences {held:?} is invalid for the target audiences {asked:?}]"
        ));
    }
    let (key, uid) = account(api, &claims)
        .ok_or("[invalid bearer token, service account token has been invalidated]")?;
    let id = format!("JTI={}", claims.text("jti").unwrap_or_default());
    let user = User {
        name: subject(&key),
        uid,
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", key.namespace),
            "system:authenticated".to_owned(),
        ],
        extra: BTreeMap::from([(
            "authentication.kubernetes.io/credential-id".to_owned(),
            vec![id],
        )]),
    };
    Ok((user, common))
}

/// The account that the claims name, if it is still the same one, and so is what the token is bound to.
fn account(api: &Inner, claims: &Claims) -> Option<(Key, String)> {
    let text = |pointer: &str| claims.all().pointer(pointer).and_then(Value::as_str);
    let namespace = text("/kubernetes.io/namespace")?;
    let lives = |id: &str, claim: &str| {
        let key = Key::new(namespace, text(&format!("/kubernetes.io/{claim}/name"))?);
        let uid = text(&format!("/kubernetes.io/{claim}/uid"))?;
        let found = api.store.get(id, &key)?;
        (object::meta_text(&found.value, "uid") == uid).then(|| (key, uid.to_owned()))
    };
    for (id, claim) in [("pods", "pod"), ("secrets", "secret")] {
        if claims
            .all()
            .pointer(&format!("/kubernetes.io/{claim}"))
            .is_some()
        {
            lives(id, claim)?;
        }
    }
    lives("serviceaccounts", "serviceaccount")
}
