//! `dataFrom[].rewrite` (ESO 2.9.0, `esutils.RewriteMap`): `regexp`, `transform` and `merge`.

use std::collections::BTreeMap;

use regex::Regex;
use rotaproof_base::SecretValue;
use serde_json::{Map, Value};

use super::{SecretMap, ValueError, bytes_of};

/// Applies the operations in their order. Of two keys that become one, the later in the alphabet stays (ESO: any).
pub fn rewrite(operations: &[Value], map: SecretMap) -> Result<SecretMap, ValueError> {
    let mut map = map;
    for (index, operation) in operations.iter().enumerate() {
        map = apply(operation, map).map_err(|error| {
            ValueError::new(format!("failed rewrite operation[{index}]: {error}"))
        })?;
    }
    Ok(map)
}

fn apply(operation: &Value, map: SecretMap) -> Result<SecretMap, ValueError> {
    let text = |at: &str| {
        operation
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if let Some(merge) = operation.get("merge").filter(|merge| !merge.is_null()) {
        return self::merge(merge, map);
    }
    if operation.get("regexp").is_some_and(Value::is_object) {
        return by_regexp(text("/regexp/source"), text("/regexp/target"), map);
    }
    if operation.get("transform").is_some_and(Value::is_object) {
        return by_template(text("/transform/template"), map);
    }
    Ok(map)
}

fn by_regexp(source: &str, target: &str, map: SecretMap) -> Result<SecretMap, ValueError> {
    let pattern = Regex::new(source).map_err(|_| {
        ValueError::new(format!(
            "regexp failed with failed to compile: error parsing regexp: {source:?}"
        ))
    })?;
    // `$1`, `${name}` and `$$` mean the same in Go and here.
    Ok(map
        .into_iter()
        .map(|(key, value)| (pattern.replace_all(&key, target).into_owned(), value))
        .collect())
}

fn by_template(template: &str, map: SecretMap) -> Result<SecretMap, ValueError> {
    map.into_iter()
        .map(|(key, value)| {
            let data = BTreeMap::from([("value".to_owned(), SecretValue::new(key.as_bytes()))]);
            let renamed = crate::template::transform_key(template, &data).map_err(|error| {
                ValueError::new(format!(
                    "transform failed with failed to execute template for key {key:?}: {error}"
                ))
            })?;
            Ok((renamed, value))
        })
        .collect()
}

fn merge(operation: &Value, map: SecretMap) -> Result<SecretMap, ValueError> {
    let text = |name: &str| {
        operation
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let priority: Vec<&str> = operation
        .get("priority")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let others = map
        .keys()
        .map(String::as_str)
        .filter(|key| !priority.contains(key));
    let mut merged = Map::new();
    let mut conflicts = Vec::new();
    for key in others.chain(priority.iter().copied()) {
        let Some(value) = map.get(key) else {
            if text("priorityPolicy") == "IgnoreNotFound" {
                continue;
            }
            return Err(ValueError::new(format!(
                "merge failed with key {key:?} not found in input map"
            )));
        };
        let object: Option<Map<String, Value>> = serde_json::from_slice(value.expose()).map_err(|_| {
            ValueError::new(format!("merge failed with failed to unmarshal JSON: the value of key {key:?} is no object"))
        })?;
        for (inner, value) in object.unwrap_or_default() {
            if merged.insert(inner.clone(), value).is_some() {
                conflicts.push(inner);
            }
        }
    }
    if text("conflictPolicy") != "Ignore" && !conflicts.is_empty() {
        return Err(ValueError::new(format!(
            "merge failed with conflicts: {}",
            conflicts.join(", ")
        )));
    }
    match text("strategy") {
        "" | "Extract" => Ok(merged
            .iter()
            .map(|(key, value)| (key.clone(), bytes_of(value)))
            .collect()),
        "JSON" => {
            let into = text("into");
            if into.is_empty() {
                return Err(ValueError::new("merge failed with missing 'into' field"));
            }
            // As Go writes a map: keys sorted.
            let sorted: BTreeMap<String, Value> = merged.into_iter().collect();
            let json = serde_json::to_vec(&sorted)
                .map_err(|_| ValueError::new("merge failed with failed to marshal merged map"))?;
            let mut map = map;
            map.insert(into.to_owned(), SecretValue::new(json));
            Ok(map)
        }
        other => Err(ValueError::new(format!(
            "merge strategy {other} is not supported"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn map(entries: &[(&str, &str)]) -> SecretMap {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value)))
            .collect()
    }

    fn shown(map: &SecretMap) -> Vec<(&str, &str)> {
        map.iter()
            .map(|(key, value)| (key.as_str(), value.expose_str().unwrap()))
            .collect()
    }

    #[rstest]
    #[case::regexp(json!([{"regexp": {"source": "^prod/(.*)$", "target": "$1"}}]), &[("prod/a", "1")], &[("a", "1")])]
    #[case::a_group_before_text(json!([{"regexp": {"source": "(a)/", "target": "${1}_x"}}]), &[("a/b", "1")], &[("a_xb", "1")])]
    #[case::transform(json!([{"transform": {"template": "{{ .value | upper }}"}}]), &[("a", "1")], &[("A", "1")])]
    #[case::chained(json!([{"regexp": {"source": "-", "target": "_"}}, {"transform": {"template": "X_{{ .value }}"}}]),
        &[("a-b", "1")], &[("X_a_b", "1")])]
    #[case::merge_extract(json!([{"merge": {}}]), &[("x", r#"{"a": 1}"#), ("y", r#"{"b": "2"}"#)], &[("a", "1"), ("b", "2")])]
    #[case::merge_priority(json!([{"merge": {"conflictPolicy": "Ignore", "priority": ["x"]}}]),
        &[("x", r#"{"a": "x"}"#), ("y", r#"{"a": "y"}"#)], &[("a", "x")])]
    #[case::merge_json(json!([{"merge": {"strategy": "JSON", "into": "all"}}]), &[("x", r#"{"b": 1}"#), ("y", r#"{"a": 2}"#)],
        &[("all", r#"{"a":2,"b":1}"#), ("x", r#"{"b": 1}"#), ("y", r#"{"a": 2}"#)])]
    fn keys_are_rewritten(
        #[case] operations: Value,
        #[case] before: &[(&str, &str)],
        #[case] after: &[(&str, &str)],
    ) {
        let rewritten = rewrite(operations.as_array().unwrap(), map(before))
            .ok()
            .unwrap();
        assert_eq!(shown(&rewritten), after);
    }

    #[rstest]
    #[case::conflict(json!([{"merge": {}}]), "failed rewrite operation[0]: merge failed with conflicts: a")]
    #[case::absent(json!([{"merge": {"conflictPolicy": "Ignore", "priority": ["z"]}}]),
        "failed rewrite operation[0]: merge failed with key \"z\" not found in input map")]
    #[case::into(json!([{"merge": {"conflictPolicy": "Ignore", "strategy": "JSON"}}]),
        "failed rewrite operation[0]: merge failed with missing 'into' field")]
    #[case::pattern(json!([{"regexp": {"source": "(", "target": ""}}]),
        "failed rewrite operation[0]: regexp failed with failed to compile: error parsing regexp: \"(\"")]
    fn a_failure_names_the_operation(#[case] operations: Value, #[case] message: &str) {
        let before = map(&[("x", r#"{"a": 1}"#), ("y", r#"{"a": 2}"#)]);
        assert_eq!(
            rewrite(operations.as_array().unwrap(), before)
                .err()
                .unwrap()
                .to_string(),
            message
        );
    }
}
