//! `fieldValidation`, `dryRun` and warnings, in the words of kube-apiserver 1.34.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const THINGS: &str = "/apis/example.com/v1/namespaces/default/things";

async fn with_things() -> Cluster {
    let cluster = Cluster::start();
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer"}, "unit": {"type": "string", "enum": ["cm", "in"]},
    }}}});
    let version = |name: &str| {
        json!({
            "name": name, "served": true, "storage": name == "v1", "deprecated": name != "v1",
            "schema": {"openAPIV3Schema": schema},
        })
    };
    let definition = json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "versions": [version("v1"), version("v1beta1"), version("v2alpha1")],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, made) = cluster.post(path, definition).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    cluster
}

/// The code, the message of a Status, and the texts of the Warning headers.
async fn send(
    cluster: &Cluster,
    method: Method,
    path: &str,
    kind: &str,
    body: &str,
) -> (u16, String, Vec<String>) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind)
        .body(Full::<bytes::Bytes>::from(body.to_owned()))
        .unwrap();
    let response = cluster.api.service().oneshot(request).await.unwrap();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|it| it.to_str().unwrap().to_owned()).collect();
    let code = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap()
        .to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    (
        code,
        body["message"].as_str().unwrap_or_default().to_owned(),
        warnings,
    )
}

#[rstest]
#[case::of_a_built_in_kind(
    SECRETS,
    r#"{"metadata": {"name": "o"}, "dta": {}, "type": "a", "type": "Opaque"}"#,
    "Secret",
    r#"duplicate field "type", unknown field "dta""#
)]
#[case::of_a_custom_kind(THINGS, r#"{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "o", "lables": {}}, "spec": {"sise": 3}}"#, "Thing", r#"unknown field "metadata.lables", unknown field "spec.sise""#)]
#[tokio::test(start_paused = true)]
async fn a_field_that_the_kind_does_not_have_is_refused_warned_of_or_dropped(
    #[case] path: &str,
    #[case] body: &str,
    #[case] kind: &str,
    #[case] found: &str,
) {
    let cluster = with_things().await;
    let post = async |validation: &str| {
        let path = format!("{path}?{validation}");
        let answer = send(&cluster, Method::POST, &path, "application/json", body).await;
        cluster
            .delete(&format!("{}/o", path.split('?').next().unwrap()))
            .await;
        answer
    };
    let (code, message, _) = post("fieldValidation=Strict").await;
    assert_eq!(
        (code, message),
        (
            400,
            format!(
                "{kind} in version \"v1\" cannot be handled as a {kind}: strict decoding error: {found}"
            )
        )
    );
    let (code, _, warnings) = post("fieldValidation=Warn").await;
    let expected: Vec<String> = found
        .split(", ")
        .map(|it| format!("299 - \"{}\"", it.replace('"', "\\\"")))
        .collect();
    assert_eq!((code, warnings), (201, expected.clone()));
    // The server's default.
    assert_eq!(post("").await.2, expected);
    let (code, _, warnings) = post("fieldValidation=Ignore").await;
    assert_eq!((code, warnings), (201, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_typed_kind_keeps_no_field_that_it_does_not_have() {
    let cluster = Cluster::start();
    let (_, made) = cluster
        .post(
            SECRETS,
            json!({"metadata": {"name": "o", "x": 1}, "dta": {"a": "b"}}),
        )
        .await;
    assert_eq!((made.get("dta"), made["metadata"].get("x")), (None, None));
    let env = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": 1}]}]}});
    let (code, status) = cluster.post("/api/v1/namespaces/default/pods", env).await;
    assert_eq!(
        (code, status["message"].as_str().unwrap()),
        (
            StatusCode::BAD_REQUEST,
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string"
        )
    );
}

/// Where `jsonPatcher` and `applyPatcher` word it (`k8s.io/apiserver/pkg/endpoints/handlers/patch.go`).
#[tokio::test(start_paused = true)]
async fn a_patch_with_an_unknown_field_is_refused_as_a_patch() {
    let cluster = with_things().await;
    cluster
        .post(
            THINGS,
            json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "o"}}),
        )
        .await;
    let path = format!("{THINGS}/o?fieldValidation=Strict&fieldManager=m");
    let patch = r#"{"spec": {"sise": 3}}"#;
    let (code, message, _) = send(
        &cluster,
        Method::PATCH,
        &path,
        "application/merge-patch+json",
        patch,
    )
    .await;
    assert_eq!(
        (code, message.as_str()),
        (
            422,
            r#" "" is invalid: patch: Invalid value: strict decoding error: unknown field "spec.sise""#
        )
    );
    let apply = r#"{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "o"}, "spec": {"sise": 3}}"#;
    let (code, message, _) = send(
        &cluster,
        Method::PATCH,
        &path,
        "application/apply-patch+yaml",
        apply,
    )
    .await;
    assert_eq!(
        (code, message.as_str()),
        (
            500,
            "failed to create typed patch object (/o; example.com/v1, Kind=Thing): .spec.sise: field not declared in schema"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_outside_of_its_enumeration_is_named_with_its_cause() {
    let cluster = with_things().await;
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "o"}, "spec": {"unit": "ell"}});
    let (code, status) = cluster.post(THINGS, thing).await;
    assert_eq!(
        (code, status["message"].as_str().unwrap()),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Thing.example.com \"o\" is invalid: spec.unit: Unsupported value: \"ell\": supported values: \"cm\", \"in\""
        )
    );
    assert_eq!(
        status["details"],
        json!({"name": "o", "group": "example.com", "kind": "Thing", "causes": [{
            "reason": "FieldValueNotSupported", "field": "spec.unit",
            "message": "Unsupported value: \"ell\": supported values: \"cm\", \"in\"",
        }]})
    );
}

/// `customresource_handler.go`, defaultDeprecationWarning (apiextensions-apiserver 0.34).
#[rstest]
#[case("v1", None)]
#[case(
    "v1beta1",
    Some("example.com/v1beta1 Thing is deprecated; use example.com/v1 Thing")
)]
#[case(
    "v2alpha1",
    Some("example.com/v2alpha1 Thing is deprecated; use example.com/v1 Thing")
)]
#[tokio::test(start_paused = true)]
async fn every_use_of_a_deprecated_version_is_warned_of(
    #[case] version: &str,
    #[case] warning: Option<&str>,
) {
    let cluster = with_things().await;
    let expected: Vec<String> = warning
        .into_iter()
        .map(|it| format!("299 - \"{it}\""))
        .collect();
    let things = format!("/apis/example.com/{version}/namespaces/default/things");
    for path in [
        things.clone(),
        format!("{things}/none"),
        format!("{things}?watch=true&timeoutSeconds=1"),
    ] {
        let request = Request::get(&path)
            .body(Full::<bytes::Bytes>::default())
            .unwrap();
        let response = cluster.api.service().oneshot(request).await.unwrap();
        let warnings = response.headers().get_all("warning").iter();
        let warnings: Vec<&str> = warnings.map(|it| it.to_str().unwrap()).collect();
        assert_eq!(warnings, expected, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_refuses_what_the_write_would_and_changes_nothing() {
    let cluster = Cluster::start();
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"a": "1"}});
    cluster.post(SECRETS, secret("o")).await;
    let before = cluster.api.revision();
    let dry = |path: &str, force: bool| {
        let force = if force { "&force=true" } else { "" };
        format!("{path}?dryRun=All&fieldManager=m{force}")
    };
    let one = format!("{SECRETS}/o");
    let apply = "application/apply-patch+yaml";
    let merge = "application/merge-patch+json";
    let json = "application/json";
    for (method, path, kind, body, code) in [
        (Method::POST, SECRETS.to_owned(), json, secret("n"), 201),
        (Method::POST, SECRETS.to_owned(), json, secret("o"), 409),
        (
            Method::POST,
            "/api/v1/namespaces/none/secrets".to_owned(),
            json,
            secret("n"),
            404,
        ),
        (Method::PUT, one.clone(), json, secret("o"), 200),
        (
            Method::PATCH,
            one.clone(),
            merge,
            json!({"type": "other"}),
            422,
        ),
        (
            Method::PATCH,
            one.clone(),
            merge,
            json!({"metadata": {"labels": {"a": "b"}}}),
            200,
        ),
        (Method::PATCH, one.clone(), apply, secret("o"), 200),
        (
            Method::PATCH,
            format!("{SECRETS}/n"),
            apply,
            secret("n"),
            201,
        ),
        (Method::DELETE, one.clone(), json, Value::Null, 200),
        (Method::DELETE, SECRETS.to_owned(), json, Value::Null, 200),
    ] {
        let (answered, status) = cluster
            .send_as(method.clone(), &dry(&path, kind == apply), kind, body)
            .await;
        assert_eq!(
            answered.as_u16(),
            code,
            "{method} {path} as {kind}: {status}"
        );
    }
    assert_eq!(cluster.api.revision(), before);
    let (code, _) = cluster.delete(&one).await;
    assert_eq!(code, StatusCode::OK);
}
