//! Validation of a value against its node, in the words of kube-openapi `pkg/validation`.

use serde_json::{Map, Number, Value};

use super::field_error::in_body;
use super::node::{Additional, Bound, Node, Type};
use super::{FieldError, Path, format};

pub(super) fn validate(
    node: &Node,
    value: &Value,
    old: Option<&Value>,
    path: &mut Path,
    errors: &mut Vec<FieldError>,
) {
    // Ratcheting: what was stored and is not touched is not judged again.
    if old == Some(value) {
        return;
    }
    if value.is_null() && node.nullable {
        return;
    }
    if !has_type(node, value) {
        let wanted = match node.kind {
            Some(kind) if !node.int_or_string => kind.as_str(),
            _ => "integer,string",
        };
        errors.push(FieldError::type_invalid(
            path.as_str(),
            wanted,
            type_name(value),
        ));
        return;
    }
    if !node.allowed.is_empty() && !node.allowed.contains(value) {
        errors.push(FieldError::not_supported(
            path.as_str(),
            value,
            &node.allowed,
        ));
    }
    match value {
        Value::String(text) => validate_text(node, text, value, path, errors),
        Value::Number(number) => validate_number(node, number, value, path, errors),
        Value::Array(items) => validate_list(node, items, value, old, path, errors),
        Value::Object(object) => validate_object(node, object, old, path, errors),
        Value::Null | Value::Bool(_) => {}
    }
    validate_branches(node, value, path, errors);
}

fn has_type(node: &Node, value: &Value) -> bool {
    let whole = |number: &Number| {
        number.is_i64()
            || number.is_u64()
            || number.as_f64().is_some_and(|float| float.fract() == 0.0)
    };
    if node.int_or_string {
        return value.is_string() || value.as_number().is_some_and(whole);
    }
    match (node.kind, value) {
        (None, _)
        | (Some(Type::Object), Value::Object(_))
        | (Some(Type::Array), Value::Array(_))
        | (Some(Type::String), Value::String(_))
        | (Some(Type::Number), Value::Number(_))
        | (Some(Type::Boolean), Value::Bool(_)) => true,
        (Some(Type::Integer), Value::Number(number)) => whole(number),
        _ => false,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn validate_text(
    node: &Node,
    text: &str,
    value: &Value,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    let field = path.as_str();
    if node.max_length.is_some() || node.min_length.is_some() {
        let length = text.chars().count() as u64;
        if let Some(most) = node.max_length
            && length > most
        {
            errors.push(FieldError::too_long(field, most));
        }
        if let Some(least) = node.min_length
            && length < least
        {
            let detail = format!("{} should be at least {least} chars long", in_body(field));
            errors.push(FieldError::invalid(field, value, &detail));
        }
    }
    if let Some(pattern) = &node.pattern
        && !pattern.is_match(text)
    {
        let detail = format!("{} should match '{}'", in_body(field), pattern.as_str());
        errors.push(FieldError::invalid(field, value, &detail));
    }
    if let Some(format) = &node.format
        && !node.int_or_string
        && !format::conforms(format, text)
    {
        errors.push(FieldError::type_invalid(field, format, text));
    }
}

fn validate_number(
    node: &Node,
    number: &Number,
    value: &Value,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    let field = path.as_str();
    let float = |number: &Number| number.as_f64().unwrap_or_default();
    let mut wrong = |detail: String| {
        errors.push(FieldError::invalid(
            field,
            value,
            &format!("{} {detail}", in_body(field)),
        ));
    };
    if let Some(Bound {
        number: least,
        exclusive,
    }) = &node.minimum
    {
        match (exclusive, float(number) - float(least)) {
            (false, excess) if excess < 0.0 => {
                wrong(format!("should be greater than or equal to {least}"))
            }
            (true, excess) if excess <= 0.0 => wrong(format!("should be greater than {least}")),
            _ => {}
        }
    }
    if let Some(Bound {
        number: most,
        exclusive,
    }) = &node.maximum
    {
        match (exclusive, float(number) - float(most)) {
            (false, excess) if excess > 0.0 => {
                wrong(format!("should be less than or equal to {most}"))
            }
            (true, excess) if excess >= 0.0 => wrong(format!("should be less than {most}")),
            _ => {}
        }
    }
    if let Some(divisor) = &node.multiple_of {
        let quotient = float(number) / float(divisor);
        if quotient.is_finite() && quotient.fract() != 0.0 {
            wrong(format!("should be a multiple of {divisor}"));
        }
    }
    if node.format.as_deref() == Some("int32")
        && number
            .as_i64()
            .is_none_or(|whole| i32::try_from(whole).is_err())
    {
        errors.push(FieldError::type_invalid(
            field,
            "int32",
            &number.to_string(),
        ));
    }
}

fn validate_list(
    node: &Node,
    items: &[Value],
    value: &Value,
    old: Option<&Value>,
    path: &mut Path,
    errors: &mut Vec<FieldError>,
) {
    let count = items.len() as u64;
    if let Some(most) = node.max_items
        && count > most
    {
        errors.push(FieldError::too_many(path.as_str(), items.len(), most));
    }
    if let Some(least) = node.min_items
        && count < least
    {
        let detail = format!(
            "{} should have at least {least} items",
            in_body(path.as_str())
        );
        errors.push(FieldError::invalid(
            path.as_str(),
            &Value::from(count),
            &detail,
        ));
    }
    if node.unique_items && (1..items.len()).any(|at| items[..at].contains(&items[at])) {
        let detail = format!("{} shouldn't contain duplicates", in_body(path.as_str()));
        errors.push(FieldError::invalid(path.as_str(), value, &detail));
    }
    if let Some(child) = &node.items {
        for (index, item) in items.iter().enumerate() {
            let old = node.correlate(old, item);
            path.index(index, |path| validate(child, item, old, path, errors));
        }
    }
}

fn validate_object(
    node: &Node,
    object: &Map<String, Value>,
    old: Option<&Value>,
    path: &mut Path,
    errors: &mut Vec<FieldError>,
) {
    let count = object.len() as u64;
    if let Some(most) = node.max_properties
        && count > most
    {
        errors.push(FieldError::too_many(path.as_str(), object.len(), most));
    }
    if let Some(least) = node.min_properties
        && count < least
    {
        let detail = format!(
            "{} should have at least {least} properties",
            in_body(path.as_str())
        );
        errors.push(FieldError::invalid(
            path.as_str(),
            &Value::from(count),
            &detail,
        ));
    }
    for name in &node.required {
        if !object.contains_key(name) {
            path.field(name, |path| {
                errors.push(FieldError::required(path.as_str(), ""))
            });
        }
    }
    for (name, field) in object {
        let child = match (node.properties.get(name), &node.additional) {
            (Some(child), _) => child,
            (None, Additional::Schema(child)) => child,
            (None, Additional::Absent | Additional::Any) => continue,
        };
        let old = old.and_then(|old| old.get(name));
        path.field(name, |path| validate(child, field, old, path, errors));
    }
}

/// `allOf`, `anyOf`, `oneOf` and `not`. The failures of the nearest branch are reported too, as kube-openapi does.
fn validate_branches(node: &Node, value: &Value, path: &mut Path, errors: &mut Vec<FieldError>) {
    let mut try_branch = |branch: &Node| {
        let mut found = Vec::new();
        validate(branch, value, None, path, &mut found);
        found
    };
    let mut verdicts = Vec::new();
    if !node.any_of.is_empty() {
        let failures: Vec<_> = node.any_of.iter().map(&mut try_branch).collect();
        if failures.iter().all(|found| !found.is_empty()) {
            errors.extend(nearest(failures));
            verdicts.push("must validate at least one schema (anyOf)".to_owned());
        }
    }
    if !node.one_of.is_empty() {
        let failures: Vec<_> = node.one_of.iter().map(&mut try_branch).collect();
        match failures.iter().filter(|found| found.is_empty()).count() {
            1 => {}
            0 => {
                errors.extend(nearest(failures));
                verdicts.push(
                    "must validate one and only one schema (oneOf). Found none valid".to_owned(),
                );
            }
            valid => verdicts.push(format!(
                "must validate one and only one schema (oneOf). Found {valid} valid alternatives"
            )),
        }
    }
    if !node.all_of.is_empty() {
        let failures: Vec<_> = node.all_of.iter().map(&mut try_branch).collect();
        let failed = failures.iter().filter(|found| !found.is_empty()).count();
        if failed > 0 {
            errors.extend(failures.into_iter().flatten());
            let none = if failed == node.all_of.len() {
                ". None validated"
            } else {
                ""
            };
            verdicts.push(format!("must validate all the schemas (allOf){none}"));
        }
    }
    if let Some(not) = &node.not
        && try_branch(not).is_empty()
    {
        verdicts.push("must not validate the schema (not)".to_owned());
    }
    let empty = Value::String(String::new());
    for verdict in verdicts {
        let detail = format!("{:?} {verdict}", path.as_str());
        errors.push(FieldError::invalid("", &empty, &detail));
    }
}

fn nearest(failures: Vec<Vec<FieldError>>) -> Vec<FieldError> {
    failures
        .into_iter()
        .min_by_key(Vec::len)
        .unwrap_or_default()
}
