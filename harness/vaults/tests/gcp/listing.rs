//! Lists, page by page, newest first.

use rstest::rstest;
use serde_json::{Value, json};

use crate::lab::Lab;

async fn ids(lab: &Lab, query: &str) -> (Vec<String>, Option<String>) {
    let page = lab
        .done("GET", &format!("/secrets?{query}"), Value::Null)
        .await;
    let ids = page["secrets"].as_array().cloned().unwrap_or_default();
    let ids = ids.iter().map(|secret| {
        let name = secret["name"].as_str().unwrap();
        name.rsplit('/').next().unwrap().to_owned()
    });
    (
        ids.collect(),
        page["nextPageToken"].as_str().map(str::to_owned),
    )
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_the_last_one_ended_whatever_comes_between() {
    let lab = Lab::new();
    for id in ["a", "b", "c", "d", "e"] {
        lab.secret(id, &[]).await;
    }
    let (first, next) = ids(&lab, "pageSize=2").await;
    assert_eq!(first, ["e", "d"]);
    lab.secret("f", &[]).await;
    lab.done("DELETE", "/secrets/d", Value::Null).await;
    let (second, next) = ids(&lab, &format!("pageSize=2&pageToken={}", next.unwrap())).await;
    assert_eq!(second, ["c", "b"]);
    let (last, next) = ids(&lab, &format!("pageSize=2&pageToken={}", next.unwrap())).await;
    assert_eq!((last, next), (vec!["a".to_owned()], None));
}

#[rstest]
#[case("filter=name:key", &["key-b", "key-a"])]
#[case("filter=labels.env=prod", &["key-b"])]
#[case("filter=labels.env%3Dprod+name:a", &[])]
#[tokio::test(start_paused = true)]
async fn a_filter_leaves_what_matches(#[case] query: &str, #[case] left: &[&str]) {
    let lab = Lab::new();
    for id in ["key-a", "key-b", "other"] {
        lab.secret(id, &[]).await;
    }
    let body = json!({"labels": {"env": "prod"}});
    lab.done("PATCH", "/secrets/key-b?updateMask=labels", body)
        .await;
    assert_eq!(ids(&lab, query).await.0, left);
}

#[rstest]
#[case("pageSize=-1")]
#[case("pageSize=x")]
#[case("pageToken=garbage")]
#[case("filter=nothing=1")]
#[case("filter=a+OR+b")]
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_is_refused(#[case] query: &str) {
    let lab = Lab::new();
    lab.secret("a", &[]).await;
    let (status, answer) = lab
        .admin("GET", &format!("/secrets?{query}"), Value::Null)
        .await;
    assert_eq!(
        (status, &answer["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
}

#[tokio::test(start_paused = true)]
async fn versions_are_listed_newest_first_and_by_state() {
    let lab = Lab::new();
    lab.secret("api-key", &["v1", "v2", "v3"]).await;
    lab.done("POST", "/secrets/api-key/versions/2:disable", json!({}))
        .await;
    let list = async |query: &str| {
        let path = format!("/secrets/api-key/versions?{query}");
        let page = lab.done("GET", &path, Value::Null).await;
        let versions = page["versions"].as_array().unwrap().iter();
        let shown = versions.map(|version| {
            let name = version["name"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap();
            format!("{name} {}", version["state"])
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(
        list("").await,
        ["3 \"ENABLED\"", "2 \"DISABLED\"", "1 \"ENABLED\""]
    );
    assert_eq!(
        list("filter=state:ENABLED").await,
        ["3 \"ENABLED\"", "1 \"ENABLED\""]
    );
    let numbers = list("$alt=json;enum-encoding=int").await;
    assert_eq!(numbers, ["3 1", "2 2", "1 1"]);
}
