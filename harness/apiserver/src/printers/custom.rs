//! `additionalPrinterColumns` (`k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor`).

use jiff::Timestamp;
use serde_json::Value;

use super::json_path::JsonPath;
use super::{Cells, Column, Printer, since, text};
use crate::object;

/// The paths of the columns after the name, each with its column's type.
pub(super) struct Paths(Vec<(JsonPath, Type)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    /// Not one that a valid definition has.
    Other,
}

/// The printer of one version of a CustomResourceDefinition; where it asks for no columns, there is the age.
pub(crate) fn from_definition(version: &Value) -> Printer {
    let mut columns = vec![Column::name()];
    let mut paths = Vec::new();
    let declared = version
        .get("additionalPrinterColumns")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    for column in declared.into_iter().flatten() {
        // As Kubernetes does: the columns up to the first that cannot be read.
        let Some(path) = JsonPath::parse(text(column, "/jsonPath")) else {
            break;
        };
        columns.push(declared_column(column));
        paths.push((path, Type::of(text(column, "/type"))));
    }
    if declared.is_none()
        && let Some(path) = JsonPath::parse(".metadata.creationTimestamp")
    {
        columns.push(Column::new(
            "Age",
            "date",
            "How long ago the object was created.",
        ));
        paths.push((path, Type::Date));
    }
    Printer {
        columns,
        cells: Cells::Paths(Paths(paths)),
    }
}

fn declared_column(column: &Value) -> Column {
    let path = text(column, "/jsonPath");
    Column {
        name: text(column, "/name").to_owned(),
        kind: text(column, "/type").to_owned(),
        format: text(column, "/format").to_owned(),
        description: match text(column, "/description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            description => description.to_owned(),
        },
        priority: super::number(column, "/priority"),
    }
}

impl Paths {
    pub(super) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let name = object::meta_text(object, "name").into();
        let cells = self.0.iter().map(|(path, kind)| match path.first(object) {
            Some(value) => kind.cell(value, now),
            None => Value::Null,
        });
        std::iter::once(name).chain(cells).collect()
    }
}

impl Type {
    fn of(text: &str) -> Self {
        match text {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            _ => Self::Other,
        }
    }

    /// A value of another type than the column's is left out, except in a column of texts, which takes everything.
    fn cell(self, value: &Value, now: Timestamp) -> Value {
        match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::Text, Value::String(text)) => text.as_str().into(),
            (Self::Text, other) => other.to_string().into(),
            (Self::Integer, Value::Number(number)) => match number.as_i64() {
                Some(whole) => whole.into(),
                // Go drops the fraction.
                None => number
                    .as_f64()
                    .and_then(|float| format!("{:.0}", float.trunc()).parse::<i64>().ok())
                    .map_or(Value::Null, Value::from),
            },
            (Self::Number, Value::Number(_)) | (Self::Boolean, Value::Bool(_)) => value.clone(),
            (Self::Date, Value::String(text)) => match text.parse::<Timestamp>() {
                Ok(_) => since(text, now).into(),
                Err(_) => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// What `cellForJSONValue` and `PrintResults` make of a value (apiextensions-apiserver 0.34).
    #[rstest]
    #[case("string", json!("a"), json!("a"))]
    #[case("string", json!(3), json!("3"))]
    #[case("string", json!(true), json!("true"))]
    #[case("string", json!(["a", "b"]), json!("[\"a\",\"b\"]"))]
    #[case("integer", json!(3), json!(3))]
    #[case("integer", json!(3.9), json!(3))]
    #[case("integer", json!("3"), json!(null))]
    #[case("number", json!(1.5), json!(1.5))]
    #[case("boolean", json!(false), json!(false))]
    #[case("boolean", json!("false"), json!(null))]
    #[case("date", json!("2025-11-07T23:00:00Z"), json!("60m"))]
    #[case("date", json!("yesterday"), json!("<invalid>"))]
    #[case("date", json!(null), json!(null))]
    fn a_cell_has_the_type_of_its_column(
        #[case] kind: &str,
        #[case] value: Value,
        #[case] cell: Value,
    ) {
        let version =
            json!({"additionalPrinterColumns": [{"name": "C", "type": kind, "jsonPath": ".v"}]});
        let printer = from_definition(&version);
        let now = "2025-11-08T00:00:00Z".parse().unwrap();
        let cells = printer.cells(&json!({"metadata": {"name": "n"}, "v": value}), now);
        assert_eq!(cells, [json!("n"), cell]);
    }
}
