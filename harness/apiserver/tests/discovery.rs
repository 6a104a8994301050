//! What the API says of itself, in every form in which clients ask.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod wire;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderName, Method};
use rstest::rstest;
use serde_json::{Value, json};
use wire::{Answer, HTTP1, Server, request};

const V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const V2_BETA1: &str = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

async fn get(server: &Server, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = request(Method::GET, path, Value::Null);
    let token = format!("Bearer {}", server.token());
    request
        .headers_mut()
        .insert(AUTHORIZATION, token.parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    server.send(HTTP1, request).await
}

fn named<'a>(list: &'a Value, member: &str, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter();
    found
        .clone()
        .find(|it| it[member] == name)
        .unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[rstest]
#[case(format!("{V2},{V2_BETA1},application/json"), V2, "apidiscovery.k8s.io/v2")]
#[case(format!("{V2_BETA1},application/json"), V2_BETA1, "apidiscovery.k8s.io/v2beta1")]
#[tokio::test]
async fn everything_at_once_is_told_to_who_asks_for_it(
    #[case] accept: String,
    #[case] content_type: &str,
    #[case] api_version: &str,
) {
    let server = Server::start();
    let core = get(&server, "/api", &[(ACCEPT, &accept)]).await;
    assert_eq!(core.headers[CONTENT_TYPE], content_type);
    assert_eq!(core.json()["apiVersion"], api_version);
    let resources = &core.json()["items"][0]["versions"][0]["resources"];
    assert_eq!(
        *named(resources, "resource", "pods"),
        json!({
            "resource": "pods", "responseKind": {"group": "", "version": "", "kind": "Pod"},
            "scope": "Namespaced", "singularResource": "pod",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "shortNames": ["po"], "categories": ["all"],
            "subresources": [
                {"subresource": "log", "responseKind": {"group": "", "version": "", "kind": "Pod"}, "verbs": ["get"]},
                {"subresource": "status", "responseKind": {"group": "", "version": "", "kind": "Pod"}, "verbs": ["get", "patch", "update"]},
            ],
        })
    );
    let groups = get(&server, "/apis", &[(ACCEPT, &accept)]).await.json();
    let names: Vec<&str> = groups["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["metadata"]["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"batch") && !names.contains(&""),
        "{names:?}"
    );
}

#[rstest]
#[case("application/json")]
#[case("*/*")]
#[case("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json")]
#[tokio::test]
async fn everyone_else_gets_a_document_per_group(#[case] accept: &str) {
    let server = Server::start();
    let core = get(&server, "/api", &[(ACCEPT, accept)]).await.json();
    assert_eq!(
        (&core["kind"], &core["versions"]),
        (&json!("APIVersions"), &json!(["v1"]))
    );
    let groups = get(&server, "/apis", &[(ACCEPT, accept)]).await.json();
    assert_eq!(groups["kind"], "APIGroupList");
    let list = get(&server, "/api/v1", &[(ACCEPT, accept)]).await.json();
    assert_eq!(
        *named(&list["resources"], "name", "serviceaccounts/token"),
        json!({
            "name": "serviceaccounts/token", "singularName": "", "namespaced": true,
            "group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest", "verbs": ["create"],
        })
    );
}

fn definition() -> Value {
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": {"openAPIV3Schema": {"type": "object"}},
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "lamps.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "lamps", "singular": "lamp", "kind": "Lamp", "shortNames": ["lm"], "categories": ["all"]},
            "versions": [version("v1alpha1", true), version("v1", false)],
        },
    })
}

#[tokio::test]
async fn a_definition_appears_as_it_is_applied_and_its_stable_version_is_preferred() {
    let server = Server::start();
    let before = get(&server, "/apis", &[(ACCEPT, V2)]).await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    server.call(Method::POST, path, definition()).await;
    let after = get(&server, "/apis", &[(ACCEPT, V2)]).await;
    assert_ne!(before.headers[ETAG], after.headers[ETAG]);
    let group = get(&server, "/apis/example.com", &[]).await.json();
    assert_eq!(group["preferredVersion"]["version"], "v1");
    let list = get(&server, "/apis/example.com/v1alpha1", &[]).await.json();
    assert_eq!(list["resources"][0]["shortNames"], json!(["lm"]));
    assert_eq!(list["resources"][0]["categories"], json!(["all"]));
    let paths = get(&server, "/", &[]).await.json();
    assert!(
        paths["paths"]
            .as_array()
            .unwrap()
            .contains(&json!("/apis/example.com/v1"))
    );
}

#[tokio::test]
async fn a_client_that_holds_the_present_document_is_not_sent_it_again() {
    let server = Server::start();
    let first = get(&server, "/apis", &[(ACCEPT, V2)]).await;
    let tag = first.headers[ETAG].to_str().unwrap();
    let again = get(&server, "/apis", &[(ACCEPT, V2), (IF_NONE_MATCH, tag)]).await;
    assert_eq!((again.code.as_u16(), again.body.len()), (304, 0));
    let other = get(&server, "/apis", &[(IF_NONE_MATCH, tag)]).await;
    assert_eq!(other.code, 200, "the tag is of another form");
}

#[tokio::test]
async fn the_version_has_every_member_of_a_real_one() {
    let server = Server::start();
    for path in ["/version", "/version/"] {
        let version = get(&server, path, &[]).await.json();
        for member in [
            "major",
            "minor",
            "gitVersion",
            "gitCommit",
            "gitTreeState",
            "buildDate",
            "goVersion",
            "compiler",
            "platform",
        ] {
            assert!(version[member].is_string(), "{member}");
        }
    }
}

#[tokio::test]
async fn health_is_ok_and_verbose_on_request() {
    let server = Server::start();
    assert_eq!(&get(&server, "/livez", &[]).await.body[..], b"ok");
    let verbose = get(&server, "/readyz?verbose", &[]).await;
    assert_eq!(&verbose.body[..], b"[+]ping ok\nreadyz check passed\n");
}

async fn post(server: &Server, path: &str, body: Value) -> Value {
    let answer = server.call(Method::POST, path, body).await;
    assert_eq!(answer.code, 201, "{}", answer.json());
    answer.json()["status"].clone()
}

#[tokio::test]
async fn who_am_i_and_what_may_i() {
    let server = Server::start();
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let me = post(&server, path, json!({})).await;
    assert_eq!(me["userInfo"]["username"], "kubernetes-admin");
    assert_eq!(
        me["userInfo"]["groups"],
        json!(["system:masters", "system:authenticated"])
    );
    let asked = json!({"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let may = post(&server, path, asked).await;
    assert_eq!(
        may,
        json!({"allowed": true, "reason": "RBAC is not enforced by this API server"})
    );
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let rules = post(&server, path, json!({"spec": {"namespace": "default"}})).await;
    assert_eq!(rules["resourceRules"][0]["resources"], json!(["*"]));
}

#[tokio::test]
async fn without_a_listener_nobody_is_anybody() {
    let server = Server::start();
    let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .body(http_body_util::Full::<bytes::Bytes>::from("{}"))
        .unwrap();
    let response = tower::ServiceExt::oneshot(server.api.service(), request)
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
}
