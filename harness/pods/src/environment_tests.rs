//! Tests of the environment.

use serde_json::{Value, json};

use super::*;

fn sources() -> Sources {
    let secret =
        |data: Value| serde_json::from_value(json!({"stringData": {}, "data": data})).unwrap();
    Sources {
        // "one", "two", and bytes that are no text
        secrets: BTreeMap::from([
            (
                "aws".to_owned(),
                secret(json!({"access-key": "b25l", "KEY": "dHdv"})),
            ),
            ("binary".to_owned(), secret(json!({"blob": "/w=="}))),
        ]),
        config_maps: BTreeMap::from([(
            "settings".to_owned(),
            serde_json::from_value(json!({"data": {"KEY": "from-map", "REGION": "eu"}})).unwrap(),
        )]),
    }
}

fn env_of(container: Value) -> Result<BTreeMap<String, String>, Refusal> {
    let mut container = container;
    container["name"] = json!("app");
    let container = serde_json::from_value(container).unwrap();
    let pod = json!({
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "x"}},
        "spec": {"containers": []},
    });
    let pod = serde_json::from_value(pod).unwrap();
    let placement = Placement {
        node: "node",
        pod_ip: "10.0.0.1",
        host_ip: "10.0.0.2",
    };
    let text = |value: SecretValue| value.expose_str().unwrap().to_owned();
    build(&container, &pod, &placement, &sources()).map(|env| {
        env.into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect()
    })
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn env_from_passes_kebab_case_keys_with_the_prefix_and_the_later_source_wins() {
    let env = env_of(json!({"envFrom": [
        {"configMapRef": {"name": "settings"}},
        {"secretRef": {"name": "aws"}},
        {"prefix": "P_", "secretRef": {"name": "aws"}},
        {"secretRef": {"name": "absent", "optional": true}},
    ]}));
    let expected = map(&[
        ("KEY", "two"),
        ("P_KEY", "two"),
        ("P_access-key", "one"),
        ("REGION", "eu"),
        ("access-key", "one"),
    ]);
    assert_eq!(env.unwrap(), expected);
}

#[test]
fn env_overrides_env_from_and_expands_what_was_defined_before() {
    let env = env_of(json!({
        "envFrom": [{"secretRef": {"name": "aws"}}],
        "env": [
            {"name": "EARLY", "value": "$(LATE)"},
            {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "KEY"}}},
            {"name": "LATE", "value": "$(KEY)/$(access-key)"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "absent", "optional": true}}},
        ],
    }));
    let expected = map(&[
        ("APP", "x"),
        ("EARLY", "$(LATE)"),
        ("KEY", "from-map"),
        ("LATE", "from-map/one"),
        ("NODE", "node"),
        ("access-key", "one"),
    ]);
    assert_eq!(env.unwrap(), expected);
}

#[rstest::rstest]
#[case(json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}),
    "CreateContainerConfigError", "secret \"x\" not found")]
#[case(json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "k"}}}]}),
    "CreateContainerConfigError", "couldn't find key k in Secret ns/aws")]
#[case(json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k"}}}]}),
    "CreateContainerConfigError", "couldn't find key k in ConfigMap ns/settings")]
#[case(json!({"envFrom": [{"configMapRef": {"name": "x"}}]}),
    "CreateContainerConfigError", "configmap \"x\" not found")]
#[case(json!({"envFrom": [{"secretRef": {"name": "x"}}]}),
    "CreateContainerConfigError", "secret \"x\" not found")]
#[case(json!({"envFrom": [{"secretRef": {"name": "binary"}}]}), "CreateContainerError",
    "rpc error: code = Internal desc = grpc: error while marshaling: string field contains invalid UTF-8")]
#[case(json!({"env": [{"name": "A", "value": "a\u{0}b"}]}),
    "CreateContainerError", "invalid environment variable \"A\"")]
fn a_refusal_has_the_kubelets_words(
    #[case] container: Value,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let refusal = env_of(container).unwrap_err();
    assert_eq!(
        (refusal.reason, refusal.message.as_str()),
        (reason, message)
    );
}
