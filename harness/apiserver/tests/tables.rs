//! Tables: what `kubectl get` prints, by kind (kube-apiserver 1.34, `pkg/printers/internalversion`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;

use cluster::Cluster;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt;

/// What kubectl sends.
const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

async fn lines(cluster: &Cluster, path: &str) -> Vec<Value> {
    let request = Request::get(path).header("accept", ACCEPT);
    let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
    let response = cluster.api.service().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let lines = body.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

async fn table(cluster: &Cluster, path: &str) -> Value {
    lines(cluster, path).await.pop().unwrap()
}

/// The names of the columns, those for `-o wide` in brackets.
fn header(table: &Value) -> String {
    let columns = table["columnDefinitions"].as_array().unwrap().iter();
    let names = columns.map(|column| {
        let name = column["name"].as_str().unwrap().to_uppercase();
        match column["priority"].as_i64().unwrap() {
            0 => name,
            _ => format!("[{name}]"),
        }
    });
    names.collect::<Vec<_>>().join(" | ")
}

fn row(table: &Value, at: usize) -> String {
    let cells = table["rows"][at]["cells"].as_array().unwrap().iter();
    let cells = cells.map(|cell| match cell {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    cells.collect::<Vec<_>>().join(" | ")
}

#[rstest]
#[case::namespaces(
    "/api/v1/namespaces", json!({"metadata": {"name": "o"}}),
    "NAME | STATUS | AGE", "o | Active | 0s"
)]
#[case::secrets(
    "/api/v1/namespaces/default/secrets", json!({"metadata": {"name": "o"}, "stringData": {"a": "1", "b": "2"}}),
    "NAME | TYPE | DATA | AGE", "o | Opaque | 2 | 0s"
)]
#[case::config_maps(
    "/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "o"}, "data": {"a": "1"}, "binaryData": {"b": ""}}),
    "NAME | DATA | AGE", "o | 2 | 0s"
)]
#[case::service_accounts(
    "/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "o"}}),
    "NAME | SECRETS | AGE", "o | 0 | 0s"
)]
#[case::pods(
    "/api/v1/namespaces/default/pods", json!({"metadata": {"name": "o"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    "NAME | READY | STATUS | RESTARTS | AGE | [IP] | [NODE] | [NOMINATED NODE] | [READINESS GATES]",
    "o | 0/1 | Pending | 0 | 0s | <none> | <none> | <none> | <none>"
)]
#[case::jobs(
    "/apis/batch/v1/namespaces/default/jobs",
    json!({"metadata": {"name": "o"}, "spec": {"manualSelector": true, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "j"}]}}}}),
    "NAME | STATUS | COMPLETIONS | DURATION | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
    "o | Running | 0/1 |  | 0s | c,d | i,j | a=b"
)]
#[case::cron_jobs(
    "/apis/batch/v1/namespaces/default/cronjobs",
    json!({"metadata": {"name": "o"}, "spec": {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}}}),
    "NAME | SCHEDULE | TIMEZONE | SUSPEND | ACTIVE | LAST SCHEDULE | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]",
    "o | 0 2 * * * | <none> | False | 0 | <none> | 0s | c | i | <none>"
)]
#[case::events(
    "/api/v1/namespaces/default/events",
    json!({"metadata": {"name": "o"}, "type": "Normal", "reason": "Updated", "message": "secret updated\n", "count": 2,
        "involvedObject": {"kind": "ExternalSecret", "name": "aws"}, "source": {"component": "external-secrets"},
        "firstTimestamp": "2025-11-07T23:00:00Z", "lastTimestamp": "2025-11-07T23:59:55Z"}),
    "LAST SEEN | TYPE | REASON | OBJECT | [SUBOBJECT] | [SOURCE] | MESSAGE | [FIRST SEEN] | [COUNT] | [NAME]",
    "5s | Normal | Updated | externalsecret/aws |  | external-secrets | secret updated | 60m | 2 | o"
)]
#[case::deployments(
    "/apis/apps/v1/namespaces/default/deployments",
    json!({"metadata": {"name": "o"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}),
    "NAME | READY | UP-TO-DATE | AVAILABLE | AGE | [CONTAINERS] | [IMAGES] | [SELECTOR]", "o | 0/1 | 0 | 0 | 0s | c | i | a=b"
)]
#[case::services(
    "/api/v1/namespaces/default/services",
    json!({"metadata": {"name": "o"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 443}]}}),
    "NAME | TYPE | CLUSTER-IP | EXTERNAL-IP | PORT(S) | AGE | [SELECTOR]", "o | ClusterIP | <none> | <none> | 443/TCP | 0s | a=b"
)]
#[case::role_bindings(
    "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
    json!({"metadata": {"name": "o"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "namespace": "n", "name": "s"}]}),
    "NAME | ROLE | AGE | [USERS] | [GROUPS] | [SERVICEACCOUNTS]", "o | Role/r | 0s |  |  | n/s"
)]
#[case::leases(
    "/apis/coordination.k8s.io/v1/namespaces/default/leases", json!({"metadata": {"name": "o"}, "spec": {"holderIdentity": "me"}}),
    "NAME | HOLDER | AGE", "o | me | 0s"
)]
#[tokio::test(start_paused = true)]
async fn a_kind_is_printed_in_its_own_columns(
    #[case] path: &str,
    #[case] body: Value,
    #[case] columns: &str,
    #[case] cells: &str,
) {
    let cluster = Cluster::start();
    let (code, made) = cluster.post(path, body).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    let one = table(&cluster, &format!("{path}/o")).await;
    assert_eq!(
        (one["kind"].as_str(), &one["metadata"]["resourceVersion"]),
        (Some("Table"), &made["metadata"]["resourceVersion"])
    );
    assert_eq!(
        (header(&one).as_str(), row(&one, 0).as_str()),
        (columns, cells)
    );
    let all = table(&cluster, &format!("{path}?fieldSelector=metadata.name=o")).await;
    assert_eq!(
        (header(&all).as_str(), row(&all, 0).as_str()),
        (columns, cells)
    );
    assert_eq!(
        all["metadata"]["resourceVersion"],
        cluster.api.revision().to_string()
    );
}

fn definition(columns: Value) -> Value {
    json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

const THINGS: &str = "/apis/example.com/v1/namespaces/default/things";

async fn with_things(columns: Value) -> Cluster {
    let cluster = Cluster::start();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, made) = cluster.post(path, definition(columns)).await;
    assert_eq!(code, StatusCode::CREATED, "{made}");
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "o"}, "spec": {"size": 3}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    cluster.post(THINGS, thing).await;
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_definition_says_which_columns_its_objects_have() {
    let cluster = with_things(json!([
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How large", "format": "int32"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Last", "type": "string", "jsonPath": ".status.last", "priority": 1},
    ]))
    .await;
    tokio::time::advance(std::time::Duration::from_secs(7265)).await;
    let things = table(&cluster, THINGS).await;
    assert_eq!(header(&things), "NAME | READY | SIZE | AGE | [LAST]");
    assert_eq!(row(&things, 0), "o | True | 3 | 121m | null");
    let columns = &things["columnDefinitions"];
    assert_eq!(
        columns[2],
        json!({"name": "Size", "type": "integer", "format": "int32", "description": "How large", "priority": 0})
    );
    assert_eq!(
        columns[4]["description"],
        "Custom resource definition column (in JSONPath format): .status.last"
    );
}

#[tokio::test(start_paused = true)]
async fn a_definition_without_columns_has_the_age_and_definitions_themselves_the_time() {
    let cluster = with_things(json!(null)).await;
    let things = table(&cluster, THINGS).await;
    assert_eq!(
        (header(&things).as_str(), row(&things, 0).as_str()),
        ("NAME | AGE", "o | 0s")
    );
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let definitions = table(&cluster, path).await;
    assert_eq!(header(&definitions), "NAME | CREATED AT");
    assert_eq!(
        row(&definitions, 0),
        "things.example.com | 2025-11-08T00:00:00Z"
    );
}

/// The words of `ValidateCustomResourceColumnDefinition` (apiextensions-apiserver 0.34).
#[rstest]
#[case(json!({"type": "string", "jsonPath": ".a"}), "name: Required value")]
#[case(json!({"name": "A", "jsonPath": ".a"}), "type: Required value: must be one of boolean,date,integer,number,string")]
#[case(json!({"name": "A", "type": "text", "jsonPath": ".a"}), "type: Invalid value: \"text\": must be one of boolean,date,integer,number,string")]
#[case(json!({"name": "A", "type": "string"}), "JSONPath: Required value")]
#[case(json!({"name": "A", "type": "string", "jsonPath": "a"}), "JSONPath: Invalid value: \"a\": must be a simple json path starting with .")]
#[case(json!({"name": "A", "type": "string", "jsonPath": ".a", "format": "odd"}), "format: Invalid value: \"odd\": must be one of byte,date,date-time,double,float,int32,int64,password")]
#[tokio::test(start_paused = true)]
async fn a_column_that_cannot_be_printed_is_refused(#[case] column: Value, #[case] why: &str) {
    let cluster = Cluster::start();
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, status) = cluster.post(path, definition(json!([column]))).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        status["message"],
        format!(
            "CustomResourceDefinition.apiextensions.k8s.io \"things.example.com\" is invalid: spec.versions[0].additionalPrinterColumns[0].{why}"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_carries_as_much_of_its_object_as_was_asked() {
    let cluster = Cluster::start();
    let secret = json!({"metadata": {"name": "o"}, "stringData": {"a": "1"}});
    cluster
        .post("/api/v1/namespaces/default/secrets", secret)
        .await;
    let object = async |include: &str| {
        let path = format!("/api/v1/namespaces/default/secrets/o{include}");
        table(&cluster, &path).await["rows"][0]["object"].clone()
    };
    let metadata = object("").await;
    assert_eq!(
        (
            &metadata["kind"],
            &metadata["apiVersion"],
            &metadata["metadata"]["name"]
        ),
        (
            &json!("PartialObjectMetadata"),
            &json!("meta.k8s.io/v1"),
            &json!("o")
        )
    );
    assert_eq!(metadata.get("data"), None);
    assert_eq!(object("?includeObject=Metadata").await, metadata);
    assert_eq!(object("?includeObject=Object").await["data"]["a"], "MQ==");
    assert_eq!(object("?includeObject=None").await, Value::Null);
    let refused = table(&cluster, "/api/v1/secrets?includeObject=All").await;
    assert_eq!(
        (&refused["code"], &refused["message"]),
        (
            &json!(400),
            &json!(
                "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty"
            )
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_chunks_of_a_table_follow_each_other() {
    let cluster = Cluster::start();
    for name in ["a", "b", "c"] {
        let map = json!({"metadata": {"name": name}});
        cluster
            .post("/api/v1/namespaces/default/configmaps", map)
            .await;
    }
    let path = "/api/v1/namespaces/default/configmaps?limit=2";
    let first = table(&cluster, path).await;
    assert_eq!(first["rows"].as_array().unwrap().len(), 2);
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let next = first["metadata"]["continue"].as_str().unwrap();
    let rest = table(&cluster, &format!("{path}&continue={next}")).await;
    assert_eq!(row(&rest, 0), "c | 0 | 0s");
    assert_eq!(rest["metadata"].get("continue"), None);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_event_of_a_watch_defines_the_columns() {
    let cluster = Cluster::start();
    let maps = "/api/v1/namespaces/default/configmaps";
    cluster.post(maps, json!({"metadata": {"name": "a"}})).await;
    cluster.post(maps, json!({"metadata": {"name": "b"}})).await;
    cluster.delete(&format!("{maps}/a")).await;
    let query = "watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let events = lines(&cluster, &format!("{maps}?{query}&includeObject=None")).await;
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["ADDED", "BOOKMARK", "BOOKMARK"]);
    assert_eq!(header(&events[0]["object"]), "NAME | DATA | AGE");
    assert_eq!(row(&events[0]["object"], 0), "b | 0 | 0s");
    assert_eq!(events[0]["object"]["rows"][0]["object"], Value::Null);
    // The end of the initial events is told in the row's object, although rows were to carry none.
    let end = &events[1]["object"];
    assert_eq!(end["columnDefinitions"], Value::Null);
    assert_eq!(
        end["rows"][0]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    assert_eq!(events[2]["object"]["rows"][0]["object"], Value::Null);
    assert_eq!(
        events[2]["object"]["metadata"]["resourceVersion"],
        cluster.api.revision().to_string()
    );
}
