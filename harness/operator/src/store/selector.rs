//! Kubernetes label selectors.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Whether the labels match; the error is the operator that Kubernetes does not know.
pub(super) fn matches(
    selector: &LabelSelector,
    labels: &BTreeMap<String, String>,
) -> Result<bool, String> {
    for (key, value) in selector.match_labels.iter().flatten() {
        if labels.get(key) != Some(value) {
            return Ok(false);
        }
    }
    for expression in selector.match_expressions.iter().flatten() {
        let have = labels.get(&expression.key);
        let listed = || {
            have.is_some_and(|have| {
                expression
                    .values
                    .iter()
                    .flatten()
                    .any(|value| value == have)
            })
        };
        let holds = match expression.operator.as_str() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => have.is_some(),
            "DoesNotExist" => have.is_none(),
            other => return Err(format!("{other:?} is not a valid label selector operator")),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(json!({}), true)]
    #[case(json!({"matchLabels": {"team": "a"}}), true)]
    #[case(json!({"matchLabels": {"team": "b"}}), false)]
    #[case(json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["b", "a"]}]}), true)]
    #[case(json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}), false)]
    #[case(json!({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["a"]}]}), true)]
    #[case(json!({"matchExpressions": [{"key": "none", "operator": "Exists"}]}), false)]
    #[case(json!({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}), true)]
    fn a_selector_matches_as_kubernetes_says(#[case] selector: Value, #[case] expected: bool) {
        let selector: LabelSelector = serde_json::from_value(selector).unwrap();
        let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        assert_eq!(matches(&selector, &labels), Ok(expected));
    }
}
