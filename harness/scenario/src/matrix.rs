//! One file, several scenarios: the combinations of a matrix, and `${name}` in texts.

use indexmap::IndexMap;

use crate::diagnostic::did_you_mean;
use crate::tree::{Entry, Node, NodeValue, Reject};

/// The values of one combination, by name; empty where a file has no matrix.
pub type Combination = IndexMap<String, String>;

/// More combinations than this are a mistake.
const MAX_COMBINATIONS: usize = 1_000;

/// The combinations of a file's matrix, the last name varying fastest.
pub(crate) fn combinations(root: &Node) -> Result<Vec<Combination>, Reject> {
    let mut combinations = vec![Combination::new()];
    let Some(matrix) = root.get("matrix") else {
        return Ok(combinations);
    };
    let NodeValue::Map(names) = &matrix.value.value else {
        return Err(Reject::new(format!(
            "expected a mapping of names to lists of values, found {}",
            matrix.value.describe()
        ))
        .or_at(matrix.value.span));
    };
    for name in names {
        let NodeValue::List(values) = &name.value.value else {
            return Err(Reject::new(format!(
                "expected a list of values, found {}",
                name.value.describe()
            ))
            .or_at(name.value.span));
        };
        if values.is_empty() {
            return Err(Reject::new(format!("`{}` has no values", name.key)).or_at(name.value.span));
        }
        if combinations.len() * values.len() > MAX_COMBINATIONS {
            return Err(
                Reject::new(format!("more than {MAX_COMBINATIONS} combinations"))
                    .or_at(name.key_span),
            );
        }
        let mut next = Vec::with_capacity(combinations.len() * values.len());
        for combination in &combinations {
            for value in values {
                let Some(text) = value.text() else {
                    return Err(Reject::new(format!(
                        "expected a text, found {}",
                        value.describe()
                    ))
                    .or_at(value.span));
                };
                let mut combination = combination.clone();
                combination.insert(name.key.clone(), text.to_owned());
                next.push(combination);
            }
        }
        combinations = next;
    }
    Ok(combinations)
}

/// Puts the values in: `${name}` in any key or text outside the matrix itself; `$${` stands for `${`.
pub(crate) fn substitute(root: &Node, values: &Combination) -> Result<Node, Reject> {
    let NodeValue::Map(entries) = &root.value else {
        return Ok(root.clone());
    };
    let entries = entries
        .iter()
        .map(|entry| {
            if entry.key == "matrix" {
                Ok(entry.clone())
            } else {
                in_entry(entry, values)
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Node {
        value: NodeValue::Map(entries),
        span: root.span,
    })
}

fn in_entry(entry: &Entry, values: &Combination) -> Result<Entry, Reject> {
    let (key, _) = in_text(&entry.key, values).map_err(|reject| reject.or_at(entry.key_span))?;
    Ok(Entry {
        key,
        key_span: entry.key_span,
        value: in_node(&entry.value, values)?,
    })
}

fn in_node(node: &Node, values: &Combination) -> Result<Node, Reject> {
    let value = match &node.value {
        NodeValue::Scalar { text, plain } => {
            let (text, whole) = in_text(text, values).map_err(|reject| reject.or_at(node.span))?;
            // A text that is nothing but `${name}` becomes what the matrix says, a number too: it had to be quoted
            // inside `{ }`.
            NodeValue::Scalar {
                text,
                plain: *plain || whole,
            }
        }
        NodeValue::List(items) => NodeValue::List(
            items
                .iter()
                .map(|item| in_node(item, values))
                .collect::<Result<_, _>>()?,
        ),
        NodeValue::Map(entries) => NodeValue::Map(
            entries
                .iter()
                .map(|entry| in_entry(entry, values))
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok(Node {
        value,
        span: node.span,
    })
}

/// The text with values put in, and whether it was nothing but one name.
fn in_text(text: &str, values: &Combination) -> Result<(String, bool), Reject> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut whole = false;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at]);
            out.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            return Err(
                Reject::new("`${` is never closed").help("write `$${` for the characters `${`")
            );
        };
        let name = &rest[at + 2..at + end];
        let Some(value) = values.get(name) else {
            let help = match did_you_mean(name, values.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None => {
                    "name it under `matrix:`, or write `$${` for the characters `${`".to_owned()
                }
            };
            return Err(Reject::new(format!("`${{{name}}}` is not in the matrix")).help(help));
        };
        out.push_str(value);
        whole = at == 0 && end + 1 == rest.len() && rest.len() == text.len();
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok((out, whole))
}
