use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

/// RFC 7386, appendix A.
#[rstest]
#[case(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}))]
#[case(json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"}))]
#[case(json!({"a": "b"}), json!({"a": null}), json!({}))]
#[case(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}))]
#[case(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}))]
#[case(json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]}))]
#[case(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}))]
#[case(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}))]
#[case(json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"]))]
#[case(json!({"a": "b"}), json!(["c"]), json!(["c"]))]
#[case(json!({"a": "foo"}), json!(null), json!(null))]
#[case(json!({"a": "foo"}), json!("bar"), json!("bar"))]
#[case(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}))]
#[case(json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"}))]
#[case(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}))]
fn a_merge_patch_does_what_the_rfc_says(
    #[case] target: Value,
    #[case] patch: Value,
    #[case] expected: Value,
) {
    assert_eq!(merge_patch(&target, &patch), expected);
}

#[test]
fn a_json_patch_applies_whole_or_not_at_all() {
    let target = json!({"a": 1});
    let good = json!([{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": 2}]);
    assert_eq!(json_patch(&target, &good).unwrap(), json!({"a": 2}));
    let bad = json!([{"op": "replace", "path": "/a", "value": 2}, {"op": "remove", "path": "/x"}]);
    assert!(matches!(
        json_patch(&target, &bad),
        Err(PatchError::Failed(_))
    ));
    assert!(matches!(
        json_patch(&target, &json!({"a": 1})),
        Err(PatchError::Malformed(_))
    ));
}

#[rstest]
#[case::fields_merge(json!({"metadata": {"labels": {"a": "1"}}}), json!({"metadata": {"labels": {"b": "2"}}}),
    json!({"metadata": {"labels": {"a": "1", "b": "2"}}}))]
#[case::null_deletes(json!({"metadata": {"labels": {"a": "1"}}}), json!({"metadata": {"labels": {"a": null}}}),
    json!({"metadata": {"labels": {}}}))]
#[case::containers_by_name(json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}}),
    json!({"spec": {"containers": [{"name": "a", "tty": true}]}}),
    json!({"spec": {"containers": [{"name": "a", "image": "1", "tty": true}, {"name": "b"}]}}))]
#[case::env_by_name(json!({"spec": {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}}),
    json!({"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]}]}}),
    json!({"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]}]}}))]
#[case::args_are_atomic(json!({"spec": {"containers": [{"name": "a", "args": ["1"]}]}}),
    json!({"spec": {"containers": [{"name": "a", "args": ["2"]}]}}),
    json!({"spec": {"containers": [{"name": "a", "args": ["2"]}]}}))]
#[case::an_item_is_deleted(json!({"spec": {"volumes": [{"name": "a"}, {"name": "b"}]}}),
    json!({"spec": {"volumes": [{"name": "a", "$patch": "delete"}]}}),
    json!({"spec": {"volumes": [{"name": "b"}]}}))]
#[case::a_list_is_replaced(json!({"spec": {"volumes": [{"name": "a"}]}}),
    json!({"spec": {"volumes": [{"$patch": "replace"}, {"name": "b"}]}}),
    json!({"spec": {"volumes": [{"name": "b"}]}}))]
#[case::a_map_is_replaced(json!({"spec": {"securityContext": {"runAsUser": 1}}}),
    json!({"spec": {"securityContext": {"$patch": "replace", "fsGroup": 2}}}),
    json!({"spec": {"securityContext": {"fsGroup": 2}}}))]
#[case::a_map_is_deleted(json!({"spec": {"securityContext": {"runAsUser": 1}}}),
    json!({"spec": {"securityContext": {"$patch": "delete"}}}), json!({"spec": {}}))]
#[case::finalizers_are_a_set(json!({"metadata": {"finalizers": ["a"]}}), json!({"metadata": {"finalizers": ["b", "a"]}}),
    json!({"metadata": {"finalizers": ["b", "a"]}}))]
#[case::a_finalizer_is_deleted(json!({"metadata": {"finalizers": ["a", "b"]}}),
    json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}), json!({"metadata": {"finalizers": ["b"]}}))]
#[case::an_order_is_set(json!({"spec": {"volumes": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}}),
    json!({"spec": {"$setElementOrder/volumes": [{"name": "c"}, {"name": "a"}]}}),
    json!({"spec": {"volumes": [{"name": "b"}, {"name": "c"}, {"name": "a"}]}}))]
#[case::keys_are_retained(json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}}),
    json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    json!({"spec": {"strategy": {"type": "Recreate"}}}))]
#[case::conditions_by_type(json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
    json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}))]
fn a_strategic_patch_of_a_pod(
    #[case] target: Value,
    #[case] patch: Value,
    #[case] expected: Value,
) {
    let keys = MergeKeys::for_kind("Pod");
    assert_eq!(
        strategic_merge_patch(&target, &patch, &keys).unwrap(),
        expected
    );
}

#[test]
fn a_list_of_an_unknown_kind_is_replaced() {
    let target = json!({"spec": {"containers": [{"name": "a"}]}});
    let patch = json!({"spec": {"containers": [{"name": "b"}]}});
    assert_eq!(
        strategic_merge_patch(&target, &patch, &MergeKeys::for_kind("Widget")).unwrap(),
        patch
    );
}

#[rstest]
#[case::no_key(json!({"spec": {"volumes": [{"x": 1}]}}), "map: spec.volumes does not contain declared merge key: name")]
#[case::directive(json!({"spec": {"$patch": "melt"}}), "unknown patch type: melt in map")]
#[case::no_object(json!([]), "a strategic merge patch and its target must be objects")]
fn a_malformed_strategic_patch_says_where(#[case] patch: Value, #[case] message: &str) {
    let target = json!({"spec": {"volumes": [{"name": "v"}]}});
    let error = strategic_merge_patch(&target, &patch, &MergeKeys::for_kind("Pod")).unwrap_err();
    assert_eq!(error.to_string(), message);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(Value::from("delete")),
        Just(Value::from("replace")),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        let name = proptest::sample::select(vec![
            "spec",
            "containers",
            "env",
            "name",
            "finalizers",
            "metadata",
            "volumes",
            "$patch",
            "$retainKeys",
            "$deleteFromPrimitiveList/finalizers",
            "$setElementOrder/volumes",
            "a",
        ])
        .prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_strategic_patch_of_anything_by_anything_never_panics(target in any_json(), patch in any_json()) {
        let result = strategic_merge_patch(&target, &patch, &MergeKeys::for_kind("Pod"));
        prop_assert!(result.is_err() || (target.is_object() && patch.is_object()));
    }

    #[test]
    fn a_merge_patch_is_idempotent_and_leaves_no_null_of_its_own(target in any_json(), patch in any_json()) {
        let once = merge_patch(&target, &patch);
        prop_assert_eq!(merge_patch(&once, &patch), once.clone());
        if patch.is_object() && !target.is_object() {
            prop_assert!(!has_null(&once));
        }
    }

    #[test]
    fn an_empty_merge_patch_changes_no_object(target in any_json()) {
        prop_assume!(target.is_object());
        prop_assert_eq!(merge_patch(&target, &json!({})), target);
    }
}
