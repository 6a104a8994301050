//! The JSONPath of printer columns, as `k8s.io/client-go/util/jsonpath` evaluates it with missing keys allowed.

use serde_json::{Number, Value};

/// A parsed path.
#[derive(Debug, PartialEq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Debug, PartialEq)]
enum Step {
    Field(String),
    /// `..`: what is here and everything below.
    Descend,
    Wildcard,
    /// `[from:to:step]`; a single index is a slice of one.
    Slice {
        from: Option<i64>,
        to: Option<i64>,
        step: i64,
    },
    Union(Vec<Step>),
    Filter {
        left: Operand,
        /// None where the operand only has to exist.
        test: Option<(Comparison, Operand)>,
    },
}

#[derive(Debug, PartialEq)]
enum Operand {
    /// From `@` on.
    Path(JsonPath),
    Literal(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Bounds the recursion of filters within filters.
const MAX_DEPTH: usize = 8;

impl JsonPath {
    /// Reads `.spec.list[0]['a.b'][?(@.type=="Ready")].status`; `None` where it is not a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        parse(text, MAX_DEPTH)
    }

    /// The first value that the path finds.
    pub(super) fn first<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.find(root).into_iter().next()
    }

    fn find<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        self.0.iter().fold(vec![root], |found, step| {
            found.into_iter().flat_map(|at| step.from(at)).collect()
        })
    }
}

impl Step {
    fn from<'v>(&self, at: &'v Value) -> Vec<&'v Value> {
        match self {
            Self::Field(name) => at.get(name.as_str()).into_iter().collect(),
            Self::Wildcard => children(at),
            Self::Descend => {
                let mut all = vec![at];
                let mut next = 0;
                while let Some(here) = all.get(next).copied() {
                    all.extend(children(here));
                    next += 1;
                }
                all
            }
            Self::Slice { from, to, step } => slice(at, *from, *to, *step),
            Self::Union(steps) => steps.iter().flat_map(|step| step.from(at)).collect(),
            Self::Filter { left, test } => {
                let items = at.as_array().into_iter().flatten();
                items
                    .filter(|item| passes(item, left, test.as_ref()))
                    .collect()
            }
        }
    }
}

fn children(at: &Value) -> Vec<&Value> {
    match at {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}

fn slice(at: &Value, from: Option<i64>, to: Option<i64>, step: i64) -> Vec<&Value> {
    let Some(items) = at.as_array() else {
        return Vec::new();
    };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let place = |index: i64| {
        if index < 0 {
            index.saturating_add(length)
        } else {
            index
        }
    };
    let from = place(from.unwrap_or(0));
    let to = to.map_or(length, place).min(length);
    if from < 0 {
        return Vec::new();
    }
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let count = usize::try_from(to).unwrap_or(0).saturating_sub(from);
    let step = usize::try_from(step).unwrap_or(1).max(1);
    items.iter().skip(from).take(count).step_by(step).collect()
}

fn passes(item: &Value, left: &Operand, test: Option<&(Comparison, Operand)>) -> bool {
    let value = |operand: &Operand| match operand {
        Operand::Path(path) => path.first(item).cloned(),
        Operand::Literal(value) => Some(value.clone()),
    };
    let Some(left) = value(left) else {
        return false;
    };
    let Some((comparison, right)) = test else {
        return true;
    };
    value(right).is_some_and(|right| comparison.holds(&left, &right))
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> bool {
        use std::cmp::Ordering;
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
                float(left).partial_cmp(&float(right))
            }
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (left, right) if left == right => Some(Ordering::Equal),
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

fn parse(text: &str, depth: usize) -> Option<JsonPath> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Descend);
            // `..name` as well as `..[0]`.
            rest = after;
            if !rest.starts_with(['[', '.']) {
                rest = name(rest, &mut steps)?;
            }
        } else if let Some(after) = rest.strip_prefix('.') {
            // `.` alone is the object itself, and `.[0]` is `[0]`.
            rest = match after.is_empty() || after.starts_with('[') {
                true => after,
                false => name(after, &mut steps)?,
            };
        } else {
            let inside = rest.strip_prefix('[')?;
            let end = closing(inside)?;
            let (inside, after) = inside.split_at(end);
            steps.push(brackets(inside.trim(), depth)?);
            rest = after.strip_prefix(']')?;
        }
    }
    Some(JsonPath(steps))
}

/// A field up to the next separator; a backslash takes a dot into the name.
fn name<'t>(text: &'t str, steps: &mut Vec<Step>) -> Option<&'t str> {
    let mut field = String::new();
    let mut characters = text.char_indices();
    let mut end = text.len();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => field.push(characters.next()?.1),
            '.' | '[' | ']' => {
                end = at;
                break;
            }
            _ => field.push(character),
        }
    }
    match field.as_str() {
        "" => return None,
        "*" => steps.push(Step::Wildcard),
        _ => steps.push(Step::Field(field)),
    }
    text.get(end..)
}

/// Where the bracket closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    find_outside(text, |character, depth| character == ']' && depth == 0)
}

/// The first character, outside of quotes, that is wanted at its depth of brackets.
fn find_outside(text: &str, wanted: impl Fn(char, usize) -> bool) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match (quote, character) {
            (_, '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, _) if wanted(character, depth) => return Some(at),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

fn brackets(inside: &str, depth: usize) -> Option<Step> {
    if let Some(filter) = inside.strip_prefix("?(") {
        return filter_of(filter.strip_suffix(')')?, depth.checked_sub(1)?);
    }
    if inside == "*" {
        return Some(Step::Wildcard);
    }
    if let Some(comma) = find_outside(inside, |character, depth| character == ',' && depth == 0) {
        let (first, rest) = inside.split_at(comma);
        let mut steps = vec![brackets(first.trim(), depth)?];
        match brackets(rest.strip_prefix(',')?.trim(), depth)? {
            Step::Union(more) => steps.extend(more),
            one => steps.push(one),
        }
        return Some(Step::Union(steps));
    }
    if let Some(text) = quoted(inside) {
        return Some(Step::Field(text));
    }
    let numbers: Vec<&str> = inside.split(':').collect();
    let number = |text: &&str| match text.trim() {
        "" => Some(None),
        text => text.parse::<i64>().ok().map(Some),
    };
    let numbers: Vec<Option<i64>> = numbers.iter().map(number).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [Some(index)] => Some(Step::Slice {
            from: Some(*index),
            // The one after -1 is the end.
            to: Some(index.checked_add(1)?).filter(|to| *to != 0),
            step: 1,
        }),
        [from, to] => Some(Step::Slice {
            from: *from,
            to: *to,
            step: 1,
        }),
        [from, to, step] => Some(Step::Slice {
            from: *from,
            to: *to,
            step: step.unwrap_or(1),
        }),
        _ => None,
    }
}

fn filter_of(text: &str, depth: usize) -> Option<Step> {
    let at = find_outside(text, |character, depth| {
        matches!(character, '=' | '!' | '<' | '>') && depth == 0
    });
    let Some(at) = at else {
        let left = operand(text, depth)?;
        return Some(Step::Filter { left, test: None });
    };
    let (left, rest) = text.split_at(at);
    let (sign, comparison) = COMPARISONS
        .iter()
        .find(|(sign, _)| rest.starts_with(sign))?;
    Some(Step::Filter {
        left: operand(left, depth)?,
        test: Some((*comparison, operand(rest.strip_prefix(sign)?, depth)?)),
    })
}

fn operand(text: &str, depth: usize) -> Option<Operand> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix('@') {
        return parse(path, depth).map(Operand::Path);
    }
    Some(Operand::Literal(match (quoted(text), text) {
        (Some(text), _) => text.into(),
        (None, "true") => true.into(),
        (None, "false") => false.into(),
        (None, number) => Value::Number(number.parse().ok()?),
    }))
}

fn quoted(text: &str) -> Option<String> {
    let quote = text
        .chars()
        .next()
        .filter(|first| matches!(first, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut plain = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.push(characters.next()?),
            _ => plain.push(character),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// Forms of `jsonpath_test.go` (client-go 0.34).
    #[rstest]
    #[case(".spec.name", json!("one"))]
    #[case(".spec['name']", json!("one"))]
    #[case(".spec['a.b']", json!("dotted"))]
    #[case(".spec.a\\.b", json!("dotted"))]
    #[case(".list[0].n", json!(1))]
    #[case(".list[-1].n", json!(3))]
    #[case(".list[1:].n", json!(2))]
    #[case(".list[*].n", json!(1))]
    #[case(".list[0,2].n", json!(1))]
    #[case(".list[?(@.type==\"Ready\")].n", json!(2))]
    #[case(".list[?(@.type=='Ready')].n", json!(2))]
    #[case(".list[?(@.type != \"Ready\")].n", json!(1))]
    #[case(".list[?(@.n>2)].type", json!("Last"))]
    #[case(".list[?(@.on)].n", json!(3))]
    #[case(".list[?(@.on==true)].n", json!(3))]
    #[case("..name", json!("one"))]
    #[case(".spec.none", json!(null))]
    #[case(".list[9].n", json!(null))]
    #[case(".spec.name.deeper", json!(null))]
    fn a_path_finds_what_client_go_finds(#[case] path: &str, #[case] found: Value) {
        let object = json!({
            "spec": {"name": "one", "a.b": "dotted"},
            "list": [{"type": "First", "n": 1}, {"type": "Ready", "n": 2}, {"type": "Last", "n": 3, "on": true}],
        });
        let path = JsonPath::parse(path).unwrap();
        assert_eq!(path.first(&object).cloned().unwrap_or(Value::Null), found);
    }

    #[rstest]
    #[case("spec")]
    #[case(".a[")]
    #[case(".a[x]")]
    #[case(".a[?(@.b==)]")]
    #[case(".a..")]
    fn a_broken_path_is_no_path(#[case] path: &str) {
        assert_eq!(JsonPath::parse(path), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(path in "[.\\[\\]?@()=<'\"a\\\\:,*0-9-]{0,24}") {
            if let Some(path) = JsonPath::parse(&path) {
                path.first(&json!({"a": [1, {"a": "b"}]}));
            }
        }
    }
}
