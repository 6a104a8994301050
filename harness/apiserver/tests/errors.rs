//! Refusals, in the words of Kubernetes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use rstest::rstest;
use serde_json::{Value, json};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

#[rstest]
#[case(Method::GET, "/api/v1/namespaces/default/secrets/x", json!(null), 404, "NotFound", "secrets \"x\" not found")]
#[case(Method::GET, "/apis/batch/v1/namespaces/default/jobs/x", json!(null), 404, "NotFound", "jobs.batch \"x\" not found")]
#[case(Method::DELETE, "/api/v1/namespaces/default/secrets/x", json!(null), 404, "NotFound", "secrets \"x\" not found")]
#[case(Method::GET, "/api/v2/secrets", json!(null), 404, "NotFound", "the server could not find the requested resource")]
#[case(Method::GET, "/api/v1/nonsense", json!(null), 404, "NotFound", "the server could not find the requested resource")]
#[case(Method::POST, SECRETS, json!({"metadata": {"name": "taken"}}), 409, "AlreadyExists", "secrets \"taken\" already exists")]
#[case(Method::POST, "/api/v1/namespaces/no/secrets", json!({"metadata": {"name": "a"}}), 404, "NotFound", "namespaces \"no\" not found")]
#[case(Method::POST, SECRETS, json!({"metadata": {}}), 422, "Invalid", "Secret \"\" is invalid: metadata.name: Required value: name or generateName is required")]
#[case(Method::POST, SECRETS, json!({"metadata": {"name": "a", "namespace": "b"}}), 400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request")]
#[case(Method::POST, SECRETS, json!({"apiVersion": "v2", "metadata": {"name": "a"}}), 400, "BadRequest", "the API version in the data (v2) does not match the expected API version (v1)")]
#[case(Method::POST, SECRETS, json!({"metadata": {"name": "a"}, "data": {"k": "n$t"}}), 400, "BadRequest", "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 1")]
#[case(Method::POST, SECRETS, json!({"metadata": {"name": "a"}, "type": "kubernetes.io/tls"}), 422, "Invalid", "Secret \"a\" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]")]
#[case(Method::PUT, "/api/v1/namespaces/default/secrets/taken", json!({"metadata": {"name": "taken", "resourceVersion": "1"}}), 409, "Conflict", "Operation cannot be fulfilled on secrets \"taken\": the object has been modified; please apply your changes to the latest version and try again")]
#[case(Method::PUT, "/api/v1/namespaces/default/secrets/taken", json!({"metadata": {"name": "other"}}), 400, "BadRequest", "the name of the object (other) does not match the name on the URL (taken)")]
#[case(Method::PUT, "/api/v1/namespaces/default/secrets/taken", json!({"metadata": {"name": "taken"}, "type": "b"}), 422, "Invalid", "Secret \"taken\" is invalid: type: Invalid value: \"b\": field is immutable")]
#[case(Method::PUT, SECRETS, json!({}), 405, "MethodNotAllowed", "the server does not allow this method on the requested resource")]
#[case(Method::GET, "/api/v1/secrets?fieldSelector=data.x=1", json!(null), 400, "BadRequest", "field label not supported: data.x")]
#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_kubernetes_says(
    #[case] method: Method,
    #[case] path: &str,
    #[case] body: Value,
    #[case] code: u16,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let cluster = Cluster::start();
    cluster
        .post(SECRETS, json!({"metadata": {"name": "taken"}}))
        .await;
    let (answered, status) = cluster.send(method, path, body).await;
    assert_eq!(status["message"], message);
    assert_eq!(status["reason"], reason);
    assert_eq!((answered.as_u16(), &status["code"]), (code, &json!(code)));
    assert_eq!(
        (&status["kind"], &status["status"]),
        (&json!("Status"), &json!("Failure"))
    );
}

#[rstest]
#[case("/nowhere")]
#[case("/apis/external-secrets.io/v1/externalsecrets")]
#[case("/apis/external-secrets.io")]
#[tokio::test(start_paused = true)]
async fn a_path_that_nobody_serves_is_no_status(#[case] path: &str) {
    let (code, body) = Cluster::start().get(path).await;
    assert_eq!((code.as_u16(), body), (404, Value::Null));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_object_lists_its_causes() {
    let cluster = Cluster::start();
    let body = json!({"metadata": {"name": "a"}, "data": {"no spaces": ""}});
    let (code, status) = cluster.post(SECRETS, body).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    let details = &status["details"];
    assert_eq!(details["kind"], "Secret");
    assert_eq!(details["causes"][0]["reason"], "FieldValueInvalid");
    assert_eq!(details["causes"][0]["field"], "data[no spaces]");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_cannot_be_read_are_refused_without_showing_them() {
    let cluster = Cluster::start();
    let request = |content_type: &str, body: &'static [u8]| {
        Request::post(SECRETS)
            .header("content-type", content_type)
            .body(Full::from(body))
            .unwrap()
    };
    let (code, status) = cluster
        .call(request("application/json", b"{\"data\": hunter2"))
        .await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    assert!(!status.to_string().contains("hunter2"));
    let (code, _) = cluster
        .call(request("application/vnd.kubernetes.protobuf", b"k8s\0"))
        .await;
    assert_eq!(code, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (code, _) = cluster.call(request("application/json", b"[1]")).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    let yaml = b"apiVersion: v1\nkind: Secret\nmetadata:\n  name: from-yaml\n";
    let (code, _) = cluster.call(request("application/yaml", yaml)).await;
    assert_eq!(code, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_three_mebibytes_is_refused() {
    let cluster = Cluster::start();
    let request = Request::post(SECRETS)
        .body(Full::from(vec![b' '; 3 * 1024 * 1024 + 1]))
        .unwrap();
    let (code, status) = cluster.call(request).await;
    assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(status["reason"], "RequestEntityTooLarge");
}

#[tokio::test(start_paused = true)]
async fn an_answer_only_in_protobuf_is_not_acceptable_but_json_as_an_alternative_is() {
    let cluster = Cluster::start();
    let get = |accept: &str| {
        Request::get("/api/v1/namespaces/default")
            .header("accept", accept)
            .body(Full::default())
            .unwrap()
    };
    let (code, _) = cluster
        .call(get("application/vnd.kubernetes.protobuf"))
        .await;
    assert_eq!(code, StatusCode::NOT_ACCEPTABLE);
    let (_, object) = cluster
        .call(get("application/vnd.kubernetes.protobuf, */*"))
        .await;
    assert_eq!(object["kind"], "Namespace");
    let other = "application/json;as=Other;v=v1;g=meta.k8s.io,application/json";
    let (_, object) = cluster.call(get(other)).await;
    assert_eq!(object["kind"], "Namespace");
    let partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let (_, object) = cluster.call(get(partial)).await;
    assert_eq!(object["kind"], "PartialObjectMetadata");
    assert_eq!(object["metadata"]["name"], "default");
    assert!(object.get("spec").is_none());
}

/// Members of wrong types, wherever the server itself reads or writes.
/// What kubectl sends for `create configmap`: the envelope around `{1: {1: "m"}}`.
#[tokio::test(start_paused = true)]
async fn an_object_in_protobuf_is_created_as_its_json_would_be() {
    let cluster = Cluster::start();
    let body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x05\x0a\x03\x0a\x01m\x1a\x00\x22\x00";
    let request = Request::post("/api/v1/namespaces/default/configmaps")
        .header("content-type", "application/vnd.kubernetes.protobuf")
        .body(Full::from(&body[..]))
        .unwrap();
    let (code, made) = cluster.call(request).await;
    assert_eq!(
        (code, &made["metadata"]["name"]),
        (StatusCode::CREATED, &json!("m"))
    );
}

/// RBAC names are path segments (`rbac/validation`), those of all others DNS names.
#[rstest]
#[case("roles", "system:reader", 201)]
#[case("roles", "a%b", 422)]
#[case("rolebindings", "System:Readers", 201)]
#[tokio::test(start_paused = true)]
async fn a_role_may_have_a_colon_in_its_name(
    #[case] plural: &str,
    #[case] name: &str,
    #[case] code: u16,
) {
    let cluster = Cluster::start();
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/default/{plural}");
    let (answered, status) = cluster
        .post(&path, json!({"metadata": {"name": name}}))
        .await;
    assert_eq!(answered.as_u16(), code, "{status}");
}

#[rstest]
#[case(json!({"metadata": "x"}))]
#[case(json!({"metadata": {"name": 1}}))]
#[case(json!({"metadata": {"name": "a", "labels": []}}))]
#[case(json!({"metadata": {"name": "a", "finalizers": [1]}}))]
#[case(json!({"metadata": {"name": "a", "ownerReferences": {}}}))]
#[case(json!({"metadata": {"name": "a", "annotations": {"a": 1}}}))]
#[tokio::test(start_paused = true)]
async fn metadata_of_a_wrong_type_is_a_bad_request(#[case] body: Value) {
    let cluster = Cluster::start();
    for path in [
        "/api/v1/namespaces",
        SECRETS,
        "/api/v1/namespaces/default/pods",
        "/apis/batch/v1/namespaces/default/jobs",
    ] {
        let (code, status) = cluster.post(path, body.clone()).await;
        assert_eq!(code, StatusCode::BAD_REQUEST, "{path}: {status}");
    }
}

#[rstest]
#[case("/api/v1/namespaces", json!({"metadata": {"name": "a"}, "spec": "x", "status": 1}))]
#[case("/api/v1/namespaces/default/pods", json!({"metadata": {"name": "a"}, "spec": "x"}))]
#[case("/api/v1/namespaces/default/pods", json!({"metadata": {"name": "a"}, "spec": {"containers": [1, "x", null]}}))]
#[case("/apis/batch/v1/namespaces/default/jobs", json!({"metadata": {"name": "a"}, "spec": {"template": 1}}))]
#[case("/apis/batch/v1/namespaces/default/jobs", json!({"metadata": {"name": "a"}, "spec": []}))]
#[case("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json!({"metadata": {"name": "a"}, "spec": {"names": 3, "versions": [1, {}]}}))]
#[case("/apis/authentication.k8s.io/v1/tokenreviews", json!({"spec": 1}))]
#[tokio::test(start_paused = true)]
async fn no_shape_of_a_body_makes_the_server_fail(#[case] path: &str, #[case] body: Value) {
    let cluster = Cluster::start();
    let (code, status) = cluster.post(path, body).await;
    assert!(code.as_u16() < 500, "{status}");
}
