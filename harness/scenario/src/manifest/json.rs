//! A manifest's tree as JSON, as kubectl makes it: sigs.k8s.io/yaml reads YAML 1.1 scalars (go-yaml v2, `resolve.go`).

use serde_json::Value;

use crate::tree::{Node, NodeValue, Plain};

pub(super) fn to_json(node: &Node) -> Value {
    match &node.value {
        NodeValue::List(items) => items.iter().map(to_json).collect(),
        NodeValue::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), to_json(&entry.value)))
                .collect(),
        ),
        NodeValue::Scalar { text, plain: false } => Value::String(text.clone()),
        NodeValue::Scalar { text, plain: true } => plain(text),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    match Plain::of(text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) => value.into(),
        Plain::Unsigned(value) => value.into(),
        Plain::Signed(value) => value.into(),
        Plain::Float(value) => value.into(),
        Plain::Text(text) => radix(text).map_or_else(|| text.into(), Value::from),
    }
}

/// `0644`, `0o644`, `0x1f`, `0b11`.
fn radix(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('0')?;
    let (digits, radix) = match digits.as_bytes().first()? {
        b'x' => (&digits[1..], 16),
        b'b' => (&digits[1..], 2),
        b'o' => (&digits[1..], 8),
        _ => (digits, 8),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("0644", json!(420))]
    #[case("0o644", json!(420))]
    #[case("0x1f", json!(31))]
    #[case("0899", json!("0899"))]
    #[case("yes", json!(true))]
    #[case("off", json!(false))]
    #[case("1h", json!("1h"))]
    #[case("-3", json!(-3))]
    #[case("1.5", json!(1.5))]
    #[case("1.2.3", json!("1.2.3"))]
    #[case("~", json!(null))]
    #[case("inf", json!("inf"))]
    #[case("0", json!(0))]
    fn a_plain_scalar_of_a_manifest_is_read_as_kubectl_reads_it(
        #[case] text: &str,
        #[case] want: Value,
    ) {
        assert_eq!(plain(text), want);
    }
}
