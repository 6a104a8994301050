use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn schema(spec: Value) -> Structural {
    Structural::compile(&json!({"type": "object", "properties": {"spec": spec}})).unwrap()
}

fn findings(spec: Value, value: Value) -> Vec<String> {
    schema(spec)
        .validate(&json!({ "spec": value }), None)
        .iter()
        .map(FieldError::to_string)
        .collect()
}

#[rstest]
#[case::type_string(json!({"type": "string"}), json!("x"), json!(1),
    r#"spec: Invalid value: "integer": spec in body must be of type string: "integer""#)]
#[case::type_integer(json!({"type": "integer"}), json!(1), json!("x"),
    r#"spec: Invalid value: "string": spec in body must be of type integer: "string""#)]
#[case::type_whole(json!({"type": "integer"}), json!(1.0), json!(1.5),
    r#"spec: Invalid value: "number": spec in body must be of type integer: "number""#)]
#[case::type_boolean(json!({"type": "boolean"}), json!(true), json!("true"),
    r#"spec: Invalid value: "string": spec in body must be of type boolean: "string""#)]
#[case::not_nullable(json!({"type": "string"}), json!("x"), json!(null),
    r#"spec: Invalid value: "null": spec in body must be of type string: "null""#)]
#[case::int_or_string(json!({"x-kubernetes-int-or-string": true}), json!("80%"), json!(true),
    r#"spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean""#)]
#[case::required(json!({"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}}),
    json!({"key": ""}), json!({}), "spec.key: Required value")]
#[case::enumeration(json!({"type": "string", "enum": ["Owner", "Orphan"]}), json!("Owner"), json!("Foo"),
    r#"spec: Unsupported value: "Foo": supported values: "Owner", "Orphan""#)]
#[case::pattern(json!({"type": "string", "pattern": "^[a-z]+$"}), json!("abc"), json!("A"),
    r#"spec: Invalid value: "A": spec in body should match '^[a-z]+$'"#)]
#[case::minimum(json!({"type": "integer", "minimum": 1}), json!(1), json!(0),
    "spec: Invalid value: 0: spec in body should be greater than or equal to 1")]
#[case::exclusive_minimum(json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}), json!(2), json!(1),
    "spec: Invalid value: 1: spec in body should be greater than 1")]
#[case::maximum(json!({"type": "integer", "maximum": 5}), json!(5), json!(6),
    "spec: Invalid value: 6: spec in body should be less than or equal to 5")]
#[case::exclusive_maximum(json!({"type": "integer", "maximum": 5, "exclusiveMaximum": true}), json!(4), json!(5),
    "spec: Invalid value: 5: spec in body should be less than 5")]
#[case::multiple(json!({"type": "integer", "multipleOf": 5}), json!(10), json!(11),
    "spec: Invalid value: 11: spec in body should be a multiple of 5")]
#[case::min_length(json!({"type": "string", "minLength": 2}), json!("éé"), json!("é"),
    r#"spec: Invalid value: "é": spec in body should be at least 2 chars long"#)]
#[case::max_length(json!({"type": "string", "maxLength": 2}), json!("éé"), json!("ééé"),
    "spec: Too long: may not be more than 2 bytes")]
#[case::min_items(json!({"type": "array", "minItems": 1, "items": {"type": "string"}}), json!(["a"]), json!([]),
    "spec: Invalid value: 0: spec in body should have at least 1 items")]
#[case::max_items(json!({"type": "array", "maxItems": 1, "items": {"type": "string"}}), json!(["a"]), json!(["a", "b"]),
    "spec: Too many: 2: must have at most 1 item")]
#[case::items(json!({"type": "array", "items": {"type": "string"}}), json!(["a"]), json!(["a", 1]),
    r#"spec[1]: Invalid value: "integer": spec[1] in body must be of type string: "integer""#)]
#[case::unique_items(json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}}),
    json!(["a", "b"]), json!(["a", "a"]), r#"spec: Invalid value: ["a","a"]: spec in body shouldn't contain duplicates"#)]
#[case::min_properties(json!({"type": "object", "minProperties": 1, "additionalProperties": true}),
    json!({"a": 1}), json!({}), "spec: Invalid value: 0: spec in body should have at least 1 properties")]
#[case::max_properties(json!({"type": "object", "maxProperties": 1, "additionalProperties": true}),
    json!({"a": 1}), json!({"a": 1, "b": 2}), "spec: Too many: 2: must have at most 1 item")]
#[case::additional(json!({"type": "object", "additionalProperties": {"type": "string"}}),
    json!({"a": "x"}), json!({"a": 1}), r#"spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer""#)]
#[case::date_time(json!({"type": "string", "format": "date-time"}), json!("2025-11-08T00:00:00Z"), json!("today"),
    r#"spec: Invalid value: "today": spec in body must be of type date-time: "today""#)]
#[case::byte(json!({"type": "string", "format": "byte"}), json!("MQ=="), json!("!"),
    r#"spec: Invalid value: "!": spec in body must be of type byte: "!""#)]
#[case::duration(json!({"type": "string", "format": "duration"}), json!("1h30m0.5s"), json!("1 hour"),
    r#"spec: Invalid value: "1 hour": spec in body must be of type duration: "1 hour""#)]
#[case::int32(json!({"type": "integer", "format": "int32"}), json!(2147483647), json!(2147483648u64),
    r#"spec: Invalid value: "2147483648": spec in body must be of type int32: "2147483648""#)]
#[case::list_set(json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
    json!(["a", "b"]), json!(["a", "a"]), r#"spec[1]: Duplicate value: "a""#)]
#[case::list_map(json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": {"type": "string"}}}}),
    json!([{"k": "a"}, {"k": "b"}]), json!([{"k": "a"}, {"k": "a"}]), r#"spec[1]: Duplicate value: {"k":"a"}"#)]
#[case::any_of(json!({"type": "object", "additionalProperties": true, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
    json!({"b": 1}), json!({}), r#"<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf)"#)]
#[case::one_of_none(json!({"type": "object", "additionalProperties": true, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
    json!({"b": 1}), json!({}), r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid"#)]
#[case::one_of_two(json!({"type": "object", "additionalProperties": true, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
    json!({"a": 1}), json!({"a": 1, "b": 1}), r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives"#)]
#[case::all_of(json!({"type": "integer", "allOf": [{"minimum": 1}, {"maximum": 5}]}),
    json!(3), json!(6), r#"<nil>: Invalid value: "": "spec" must validate all the schemas (allOf)"#)]
#[case::not(json!({"type": "integer", "not": {"minimum": 1}}),
    json!(0), json!(1), r#"<nil>: Invalid value: "": "spec" must not validate the schema (not)"#)]
#[case::cel_message(json!({"type": "object", "properties": {"a": {"type": "integer"}},
    "x-kubernetes-validations": [{"rule": "self.a > 1", "message": "a is too small"}]}),
    json!({"a": 2}), json!({"a": 1}), r#"spec: Invalid value: "object": a is too small"#)]
#[case::cel_default_message(json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self > 1"}]}),
    json!(2), json!(1), r#"spec: Invalid value: "integer": failed rule: self > 1"#)]
#[case::cel_message_expression(json!({"type": "integer",
    "x-kubernetes-validations": [{"rule": "self > 1", "messageExpression": "'got ' + string(self)"}]}),
    json!(2), json!(1), r#"spec: Invalid value: "integer": got 1"#)]
#[case::cel_reason_and_path(json!({"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations":
    [{"rule": "has(self.a)", "message": "a is needed", "reason": "FieldValueRequired", "fieldPath": ".a"}]}),
    json!({"a": ""}), json!({}), "spec.a: Required value: a is needed")]
#[case::cel_escaped_name(json!({"type": "object", "properties": {"a-b": {"type": "string"}},
    "x-kubernetes-validations": [{"rule": "has(self.a__dash__b)"}]}),
    json!({"a-b": ""}), json!({}), r#"spec: Invalid value: "object": failed rule: has(self.a__dash__b)"#)]
#[case::cel_map_keys_are_data(json!({"type": "object", "additionalProperties": {"type": "string"},
    "x-kubernetes-validations": [{"rule": "'a-b' in self"}]}),
    json!({"a-b": ""}), json!({"x": ""}), r#"spec: Invalid value: "object": failed rule: 'a-b' in self"#)]
#[case::cel_duration(json!({"type": "string", "format": "duration",
    "x-kubernetes-validations": [{"rule": "self >= duration('1m')"}]}),
    json!("1h"), json!("1s"), r#"spec: Invalid value: "string": failed rule: self >= duration('1m')"#)]
#[case::cel_in_items(json!({"type": "array", "items": {"type": "integer", "x-kubernetes-validations": [{"rule": "self != 2"}]}}),
    json!([1, 3]), json!([1, 2]), r#"spec[1]: Invalid value: "integer": failed rule: self != 2"#)]
fn a_rule_passes_what_it_should_and_words_what_it_refuses(
    #[case] spec: Value,
    #[case] good: Value,
    #[case] bad: Value,
    #[case] message: &str,
) {
    assert_eq!(findings(spec.clone(), good), Vec::<String>::new());
    let found = findings(spec, bad);
    assert!(found.iter().any(|finding| finding == message), "{found:#?}");
}

#[test]
fn nullable_lets_null_through_everywhere() {
    let spec = json!({"type": "string", "nullable": true, "minLength": 3, "enum": ["abc"],
                      "x-kubernetes-validations": [{"rule": "size(self) == 3"}]});
    assert_eq!(findings(spec, Value::Null), Vec::<String>::new());
}

#[test]
fn the_nearest_branch_of_an_any_of_explains_itself() {
    let spec = json!({"type": "object", "additionalProperties": true, "anyOf": [{"required": ["a", "c"]}, {"required": ["b"]}]});
    assert_eq!(findings(spec, json!({}))[0], "spec.b: Required value");
}

#[test]
fn rules_wait_until_the_object_is_well_formed() {
    let spec = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}},
                      "x-kubernetes-validations": [{"rule": "self.a > 1"}]});
    assert_eq!(
        findings(spec, json!({})),
        [
            "spec.a: Required value",
            "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
        ]
    );
}

#[rstest]
#[case::a_create_has_no_old_self(None, json!({"a": 1}), 0)]
#[case::an_allowed_change(Some(json!({"a": 1})), json!({"a": 2}), 0)]
#[case::a_forbidden_change(Some(json!({"a": 2})), json!({"a": 1}), 1)]
fn a_transition_rule_compares_with_the_stored_object(
    #[case] old: Option<Value>,
    #[case] new: Value,
    #[case] errors: usize,
) {
    let schema = schema(
        json!({"type": "object", "properties": {"a": {"type": "integer",
        "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "never less"}]}}}),
    );
    let old = old.map(|old| json!({ "spec": old }));
    assert_eq!(
        schema.validate(&json!({ "spec": new }), old.as_ref()).len(),
        errors
    );
}

#[test]
fn a_transition_rule_in_a_map_list_follows_the_item_not_its_place() {
    let schema = schema(
        json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer",
            "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}}}}),
    );
    let old = json!({"spec": [{"k": "a", "v": 1}, {"k": "b", "v": 2}]});
    let moved = json!({"spec": [{"k": "b", "v": 2}, {"k": "a", "v": 1}]});
    assert_eq!(schema.validate(&moved, Some(&old)), []);
    let changed = json!({"spec": [{"k": "b", "v": 1}]});
    assert_eq!(schema.validate(&changed, Some(&old))[0].field, "spec[0].v");
}

#[test]
fn what_was_wrong_before_and_is_left_alone_is_not_held_against_an_update() {
    let schema = schema(
        json!({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"type": "string"}}}),
    );
    let old = json!({"spec": {"a": "legacy"}});
    assert_eq!(
        schema.validate(&json!({"spec": {"a": "legacy", "b": "new"}}), Some(&old)),
        []
    );
    assert_eq!(
        schema
            .validate(&json!({"spec": {"a": "worse"}}), Some(&old))
            .len(),
        1
    );
}

#[rstest]
#[case::pattern(json!({"type": "string", "pattern": "("}), "properties[spec].pattern")]
#[case::kind(json!({"type": "text"}), "properties[spec].type")]
#[case::rule(json!({"type": "string", "x-kubernetes-validations": [{"rule": "self >"}]}),
    "properties[spec].x-kubernetes-validations[0].rule")]
#[case::map_keys(json!({"type": "array", "x-kubernetes-list-type": "map"}), "properties[spec].x-kubernetes-list-map-keys")]
#[case::keyword(json!({"type": "string", "maxLength": "5"}), "properties[spec].maxLength")]
fn a_schema_that_cannot_work_names_the_place(#[case] spec: Value, #[case] path: &str) {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    assert_eq!(Structural::compile(&schema).err().unwrap().path, path);
}

#[test]
fn pruning_keeps_what_the_schema_knows_or_preserves() {
    let schema = schema(json!({"type": "object", "properties": {
        "known": {"type": "object", "properties": {"a": {"type": "string"}}},
        "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                 "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
        "embedded": {"type": "object", "x-kubernetes-embedded-resource": true},
    }}));
    let mut object = json!({
        "apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e", "odd": 1}, "stray": 1,
        "spec": {
            "known": {"a": "1", "b": 1}, "map": {"x": {"a": "1", "b": 1}}, "list": [{"a": "1", "b": 1}], "typo": 1,
            "free": {"any": {"b": 1}, "known": {"a": "1", "b": 1}},
            "embedded": {"apiVersion": "v1", "kind": "K", "metadata": {}, "other": 1},
        }
    });
    assert_eq!(
        schema.unknown_fields(&object),
        [
            r#"unknown field "spec.embedded.other""#,
            r#"unknown field "spec.free.known.b""#,
            r#"unknown field "spec.known.b""#,
            r#"unknown field "spec.list[0].b""#,
            r#"unknown field "spec.map.x.b""#,
            r#"unknown field "spec.typo""#,
            r#"unknown field "stray""#,
        ]
    );
    schema.prune(&mut object);
    assert_eq!(
        object,
        json!({
            "apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e", "odd": 1},
            "spec": {
                "known": {"a": "1"}, "map": {"x": {"a": "1"}}, "list": [{"a": "1"}],
                "free": {"any": {"b": 1}, "known": {"a": "1"}},
                "embedded": {"apiVersion": "v1", "kind": "K", "metadata": {}},
            }
        })
    );
}

#[rstest]
#[case::absent(json!({}), json!({"policy": "Owner", "target": {"kind": "Secret"}}))]
#[case::given(json!({"policy": "Merge", "target": {"kind": "X"}}), json!({"policy": "Merge", "target": {"kind": "X"}}))]
#[case::null(json!({"policy": null}), json!({"policy": "Owner", "target": {"kind": "Secret"}}))]
#[case::inside_lists(json!({"list": [{}]}), json!({"list": [{"p": "None"}], "policy": "Owner", "target": {"kind": "Secret"}}))]
#[case::inside_maps(json!({"map": {"x": {}}}), json!({"map": {"x": {"p": "None"}}, "policy": "Owner", "target": {"kind": "Secret"}}))]
fn defaults_fill_what_is_absent_also_inside_of_other_defaults(
    #[case] mut spec: Value,
    #[case] expected: Value,
) {
    let inner =
        json!({"type": "object", "properties": {"p": {"type": "string", "default": "None"}}});
    let schema = schema(json!({"type": "object", "properties": {
        "policy": {"type": "string", "default": "Owner"},
        "target": {"type": "object", "default": {}, "properties": {"kind": {"type": "string", "default": "Secret"}}},
        "list": {"type": "array", "items": inner},
        "map": {"type": "object", "additionalProperties": inner},
    }}));
    let mut object = json!({ "spec": spec.take() });
    schema.apply_defaults(&mut object);
    assert_eq!(object["spec"], expected);
}

#[rstest]
#[case(true, json!(null))]
#[case(false, json!("x"))]
fn null_stays_only_where_the_field_is_nullable(#[case] nullable: bool, #[case] expected: Value) {
    let schema = schema(json!({"type": "object", "properties": {
        "maybe": {"type": "string", "nullable": nullable, "default": "x"}}}));
    let mut object = json!({"spec": {"maybe": null}});
    schema.apply_defaults(&mut object);
    assert_eq!(object["spec"]["maybe"], expected);
}

#[test]
fn a_null_without_default_is_as_good_as_absent() {
    let schema = schema(json!({"type": "object", "properties": {
        "plain": {"type": "string"}, "list": {"type": "array", "items": {"type": "object", "properties": {"key": {"type": "string"}}}}}}));
    let mut object = json!({"spec": {"plain": null, "list": [{"key": null}], "unknown": null}});
    schema.drop_nulls(&mut object);
    assert_eq!(object["spec"], json!({"list": [{}], "unknown": null}));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 5, |inner| {
        let name = prop_oneof![
            "[a-d]".prop_map(String::from),
            Just("spec".to_owned()),
            Just("metadata".to_owned())
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// A schema with one of everything.
fn everything() -> Structural {
    let leaf = json!({"type": "object", "properties": {
        "a": {"type": "string", "default": "x", "format": "date-time", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
        "b": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "c": {"x-kubernetes-int-or-string": true, "x-kubernetes-validations": [{"rule": "self != 1"}]},
        "d": {"type": "number", "multipleOf": 0, "maximum": 3, "nullable": true},
    }});
    schema(json!({"type": "object", "properties": {
        "a": leaf,
        "b": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"], "items": leaf},
        "c": {"type": "object", "additionalProperties": leaf},
        "d": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    }}))
}

proptest! {
    #[test]
    fn pruning_twice_is_pruning_once(mut object in any_json()) {
        let schema = everything();
        schema.prune(&mut object);
        let once = object.clone();
        schema.prune(&mut object);
        prop_assert_eq!(&once, &object);
        prop_assert_eq!(schema.unknown_fields(&object), Vec::<String>::new());
    }

    #[test]
    fn defaulting_twice_is_defaulting_once(mut object in any_json()) {
        let schema = everything();
        schema.apply_defaults(&mut object);
        let once = object.clone();
        schema.apply_defaults(&mut object);
        prop_assert_eq!(once, object);
    }

    #[test]
    fn validation_of_anything_is_repeatable_and_never_panics(new in any_json(), old in any_json()) {
        let schema = everything();
        prop_assert_eq!(schema.validate(&new, Some(&old)), schema.validate(&new, Some(&old)));
    }

    #[test]
    fn compiling_anything_never_panics(schema in any_json()) {
        let compiled = Structural::compile(&schema);
        prop_assert!(schema.is_object() || compiled.is_err());
    }
}
