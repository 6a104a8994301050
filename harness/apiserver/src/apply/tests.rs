use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const T0: &str = "2025-11-08T00:00:00Z";
const T1: &str = "2025-11-08T01:00:00Z";

fn server_side_apply(
    live: Option<&Value>,
    config: &Value,
    manager: &str,
    force: bool,
    now: &str,
    schema: Option<&Structural>,
) -> Result<Value, Conflict> {
    super::server_side_apply(live, config, manager, force, now, schema, None)
}

fn track_update(
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    subresource: Option<&str>,
    now: &str,
) {
    super::track_update(old, new, manager, subresource, now, None);
}

fn secret(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": data})
}

fn apply(live: Option<&Value>, config: &Value, manager: &str) -> Value {
    server_side_apply(live, config, manager, false, T0, None).unwrap()
}

fn entry<'v>(object: &'v Value, manager: &str) -> &'v Value {
    object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["manager"] == manager)
        .unwrap_or(&Value::Null)
}

#[test]
fn an_apply_owns_exactly_the_fields_of_its_configuration() {
    let object = apply(None, &secret(json!({"a": "MQ=="})), "me");
    assert_eq!(
        object["metadata"]["managedFields"],
        json!([{"manager": "me", "operation": "Apply", "apiVersion": "v1", "time": T0,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}])
    );
}

#[test]
fn applying_the_same_configuration_again_changes_nothing_not_even_the_time() {
    let config = secret(json!({"a": "MQ==", "b": "Mg=="}));
    let once = apply(None, &config, "me");
    let twice = server_side_apply(Some(&once), &config, "me", false, T1, None).unwrap();
    assert_eq!(once, twice);
}

#[test]
fn two_managers_with_disjoint_fields_keep_both() {
    let one = apply(None, &secret(json!({"a": "MQ=="})), "one");
    let both = apply(Some(&one), &secret(json!({"b": "Mg=="})), "two");
    assert_eq!(both["data"], json!({"a": "MQ==", "b": "Mg=="}));
    assert_eq!(
        entry(&both, "one")["fieldsV1"],
        json!({"f:data": {"f:a": {}}})
    );
    assert_eq!(
        entry(&both, "two")["fieldsV1"],
        json!({"f:data": {"f:b": {}}})
    );
}

#[test]
fn a_field_that_the_manager_no_longer_applies_is_removed() {
    let one = apply(None, &secret(json!({"a": "MQ==", "b": "Mg=="})), "me");
    let two = apply(Some(&one), &secret(json!({"a": "MQ=="})), "me");
    assert_eq!(two["data"], json!({"a": "MQ=="}));
    let mut none = secret(json!({}));
    none.as_object_mut().unwrap().remove("data");
    assert_eq!(apply(Some(&two), &none, "me").get("data"), None);
}

#[test]
fn a_field_that_another_manager_owns_too_stays() {
    let one = apply(None, &secret(json!({"a": "MQ=="})), "one");
    let both = apply(Some(&one), &secret(json!({"a": "MQ=="})), "two");
    let left = apply(Some(&both), &secret(json!({})), "one");
    assert_eq!(left["data"], json!({"a": "MQ=="}));
    assert_eq!(
        entry(&left, "two")["fieldsV1"],
        json!({"f:data": {"f:a": {}}})
    );
}

#[test]
fn a_conflict_is_worded_as_kubernetes_words_it() {
    let mut live = secret(json!({"x": "MQ==", "y": "MQ=="}));
    track_update(None, &mut live, "kubectl-client-side-apply", None, T0);
    let one = server_side_apply(
        Some(&live),
        &secret(json!({"x": "Mg=="})),
        "me",
        false,
        T1,
        None,
    )
    .unwrap_err();
    assert_eq!(
        one.message,
        r#"Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.x"#
    );
    assert_eq!(
        one.causes,
        [(
            ".data.x".to_owned(),
            r#"conflict with "kubectl-client-side-apply" using v1"#.to_owned()
        )]
    );
    let two = server_side_apply(
        Some(&live),
        &secret(json!({"x": "Mg==", "y": "Mg=="})),
        "me",
        false,
        T1,
        None,
    )
    .unwrap_err();
    assert_eq!(
        two.message,
        "Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using v1:\n- .data.x\n- .data.y"
    );
}

#[test]
fn an_equal_value_is_no_conflict_and_is_then_shared() {
    let one = apply(None, &secret(json!({"a": "MQ=="})), "one");
    let both = apply(Some(&one), &secret(json!({"a": "MQ=="})), "two");
    assert_eq!(
        entry(&both, "one")["fieldsV1"],
        entry(&both, "two")["fieldsV1"]
    );
}

#[test]
fn force_takes_the_field_over() {
    let one = apply(None, &secret(json!({"a": "MQ==", "b": "MQ=="})), "one");
    let two = server_side_apply(
        Some(&one),
        &secret(json!({"a": "Mg=="})),
        "two",
        true,
        T1,
        None,
    )
    .unwrap();
    assert_eq!(two["data"], json!({"a": "Mg==", "b": "MQ=="}));
    assert_eq!(
        entry(&two, "one")["fieldsV1"],
        json!({"f:data": {"f:b": {}}})
    );
    assert_eq!(
        entry(&two, "two")["fieldsV1"],
        json!({"f:data": {"f:a": {}}})
    );
}

#[test]
fn a_list_of_containers_merges_by_name() {
    let pod = |containers: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}});
    let one = apply(None, &pod(json!([{"name": "a", "image": "1"}])), "one");
    let both = apply(
        Some(&one),
        &pod(json!([{"name": "b", "image": "2"}])),
        "two",
    );
    assert_eq!(
        both["spec"]["containers"],
        json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])
    );
    assert_eq!(
        entry(&both, "two")["fieldsV1"],
        json!({"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": {".": {}, "f:image": {}, "f:name": {}}}}})
    );
    let conflict = server_side_apply(
        Some(&both),
        &pod(json!([{"name": "a", "image": "3"}])),
        "two",
        false,
        T1,
        None,
    )
    .unwrap_err();
    assert_eq!(
        conflict.message,
        r#"Apply failed with 1 conflict: conflict with "one": .spec.containers[name="a"].image"#
    );
    let left = apply(Some(&both), &pod(json!([])), "two");
    assert_eq!(
        left["spec"]["containers"],
        json!([{"name": "a", "image": "1"}])
    );
}

#[rstest]
#[case::map(json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                   "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "string"}}}}),
    json!([{"k": "a"}]), json!([{"k": "b"}]), json!([{"k": "a"}, {"k": "b"}]))]
#[case::set(json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
    json!(["a", "b"]), json!(["b", "c"]), json!(["a", "b", "c"]))]
#[case::atomic_map(json!({"type": "object", "x-kubernetes-map-type": "atomic",
                          "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}),
    json!({"a": "1"}), json!({"b": "2"}), json!({"b": "2"}))]
#[case::atomic_list(json!({"type": "array", "items": {"type": "string"}}), json!(["a"]), json!(["b"]), json!(["b"]))]
fn a_field_of_a_custom_resource_merges_as_its_schema_says(
    #[case] field: Value,
    #[case] first: Value,
    #[case] second: Value,
    #[case] expected: Value,
) {
    let schema = Structural::compile(
        &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": field}}}}),
    )
    .unwrap();
    let object = |x: Value| json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "spec": {"x": x}});
    let one = server_side_apply(None, &object(first), "one", false, T0, Some(&schema)).unwrap();
    let two =
        server_side_apply(Some(&one), &object(second), "two", true, T0, Some(&schema)).unwrap();
    assert_eq!(two["spec"]["x"], expected);
}

#[test]
fn a_create_owns_everything_but_the_identity() {
    let mut object = secret(json!({"a": "MQ=="}));
    object["metadata"]["labels"] = json!({"l": "1"});
    track_update(None, &mut object, "eso", None, T0);
    assert_eq!(
        entry(&object, "eso")["fieldsV1"],
        json!({"f:data": {".": {}, "f:a": {}}, "f:metadata": {"f:labels": {".": {}, "f:l": {}}}})
    );
}

#[test]
fn an_update_takes_what_it_changes_and_nobody_keeps_what_it_removes() {
    let mut old = secret(json!({"a": "MQ==", "b": "MQ==", "c": "MQ=="}));
    track_update(None, &mut old, "one", None, T0);
    let mut new = secret(json!({"a": "Mg==", "c": "MQ=="}));
    track_update(Some(&old), &mut new, "two", None, T1);
    assert_eq!(
        entry(&new, "one")["fieldsV1"],
        json!({"f:data": {".": {}, "f:c": {}}})
    );
    assert_eq!(
        entry(&new, "two")["fieldsV1"],
        json!({"f:data": {"f:a": {}}})
    );
}

#[test]
fn an_update_that_replaces_a_list_ends_the_ownership_of_its_items() {
    let schema = Structural::compile(
        &json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "x": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}}}}),
    )
    .unwrap();
    let object =
        json!({"apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e"}, "spec": {"x": ["a"]}});
    let old = server_side_apply(None, &object, "one", false, T0, Some(&schema)).unwrap();
    let mut new = object.clone();
    new["spec"]["x"] = json!(["b"]);
    track_update(Some(&old), &mut new, "two", None, T1);
    assert_eq!(entry(&new, "one"), &Value::Null);
    assert_eq!(
        entry(&new, "two")["fieldsV1"],
        json!({"f:spec": {"f:x": {}}})
    );
}

#[test]
fn an_update_that_changes_nothing_keeps_the_entries_and_their_times() {
    let mut old = secret(json!({"a": "MQ=="}));
    track_update(None, &mut old, "one", None, T0);
    let mut new = secret(json!({"a": "MQ=="}));
    track_update(Some(&old), &mut new, "two", None, T1);
    assert_eq!(new, old);
}

#[test]
fn a_status_update_is_an_entry_of_its_own() {
    let mut old = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"nodeName": "n"}});
    track_update(None, &mut old, "kubelet", None, T0);
    let mut new = old.clone();
    new["status"] = json!({"phase": "Running"});
    track_update(Some(&old), &mut new, "kubelet", Some("status"), T1);
    let entries = new["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["subresource"], "status");
    assert_eq!(
        entries[1]["fieldsV1"],
        json!({"f:status": {"f:phase": {}}}),
        "a structure of Go is there before anybody writes it"
    );
}

#[test]
fn a_list_with_one_empty_entry_resets_the_managed_fields() {
    let mut old = secret(json!({"a": "MQ=="}));
    track_update(None, &mut old, "one", None, T0);
    let mut new = secret(json!({"a": "MQ=="}));
    new["metadata"]["managedFields"] = json!([{}]);
    track_update(Some(&old), &mut new, "two", None, T1);
    assert_eq!(new["metadata"].get("managedFields"), None);
}

fn data() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-d]", "[xy]", 0..4).prop_map(|map| json!(map))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            Just("metadata".to_owned()),
            Just("managedFields".to_owned()),
            Just("finalizers".to_owned()),
            Just("ownerReferences".to_owned()),
            Just("uid".to_owned()),
            Just("fieldsV1".to_owned()),
            Just("manager".to_owned())
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn the_same_apply_twice_is_a_no_op_on_any_live_object(live in data(), config in data()) {
        let mut stored = secret(live);
        track_update(None, &mut stored, "other", None, T0);
        let once = server_side_apply(Some(&stored), &secret(config.clone()), "me", true, T0, None).unwrap();
        let twice = server_side_apply(Some(&once), &secret(config), "me", false, T1, None).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn disjoint_managers_never_lose_a_field(mine in data(), theirs in data()) {
        let rename = |value: &Value| -> Value {
            value.as_object().unwrap().iter().map(|(key, value)| (format!("other-{key}"), value.clone())).collect::<serde_json::Map<_, _>>().into()
        };
        let theirs = rename(&theirs);
        let one = apply(None, &secret(mine.clone()), "one");
        let both = apply(Some(&one), &secret(theirs.clone()), "two");
        for (key, value) in mine.as_object().unwrap().iter().chain(theirs.as_object().unwrap()) {
            prop_assert_eq!(&both["data"][key], value);
        }
    }

    #[test]
    fn arbitrary_objects_never_panic(live in any_json(), config in any_json(), force in any::<bool>()) {
        let applied = server_side_apply(Some(&live), &config, "me", force, T0, None);
        prop_assert!(applied.is_ok() || !force);
        let mut new = config;
        track_update(Some(&live), &mut new, "me", None, T0);
        prop_assert!(!managed::is_reset(&new));
    }
}
