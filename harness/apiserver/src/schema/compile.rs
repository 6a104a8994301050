//! From the JSON of an `openAPIV3Schema` to nodes.

use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::SchemaError;
use super::cel::Rule;
use super::node::{Additional, Bound, ListType, Node, Type};

/// Deeper schemas are refused: the walks recurse.
const MAX_DEPTH: usize = 100;

pub(super) fn compile(schema: &Value) -> Result<Node, SchemaError> {
    node(schema, "", 0, &mut Patterns::default())
}

fn error(path: &str, message: impl Into<String>) -> SchemaError {
    SchemaError {
        path: if path.is_empty() { "." } else { path }.to_owned(),
        message: message.into(),
    }
}

/// The patterns of one schema by their text: a CRD repeats those of names a hundred times, and each takes a while.
#[derive(Default)]
struct Patterns(HashMap<String, Regex>);

impl Patterns {
    fn compile(&mut self, pattern: &str) -> Result<Regex, regex::Error> {
        if let Some(known) = self.0.get(pattern) {
            return Ok(known.clone());
        }
        let regex = Regex::new(pattern)?;
        self.0.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

fn node(
    schema: &Value,
    path: &str,
    depth: usize,
    patterns: &mut Patterns,
) -> Result<Node, SchemaError> {
    let Value::Object(schema) = schema else {
        return Err(error(path, "a schema must be an object"));
    };
    if depth > MAX_DEPTH {
        return Err(error(
            path,
            format!("nested deeper than {MAX_DEPTH} levels"),
        ));
    }
    let keyword = Keywords { schema, path };
    let mut node = Node {
        kind: kind(&keyword)?,
        nullable: keyword.flag("nullable"),
        int_or_string: keyword.flag("x-kubernetes-int-or-string"),
        preserve_unknown: keyword.flag("x-kubernetes-preserve-unknown-fields"),
        embedded: keyword.flag("x-kubernetes-embedded-resource"),
        required: keyword.texts("required")?,
        default: schema.get("default").cloned(),
        allowed: keyword.list("enum")?.to_vec(),
        pattern: pattern(&keyword, patterns)?,
        format: keyword.text("format")?.map(str::to_owned),
        minimum: keyword.bound("minimum", "exclusiveMinimum")?,
        maximum: keyword.bound("maximum", "exclusiveMaximum")?,
        multiple_of: keyword.number("multipleOf")?,
        min_length: keyword.count("minLength")?,
        max_length: keyword.count("maxLength")?,
        min_items: keyword.count("minItems")?,
        max_items: keyword.count("maxItems")?,
        min_properties: keyword.count("minProperties")?,
        max_properties: keyword.count("maxProperties")?,
        unique_items: keyword.flag("uniqueItems"),
        list_type: list_type(&keyword)?,
        atomic_map: keyword.text("x-kubernetes-map-type")? == Some("atomic"),
        ..Node::default()
    };
    if let Some(properties) = schema.get("properties") {
        let Value::Object(properties) = properties else {
            return Err(keyword.wrong("properties", "an object"));
        };
        for (name, property) in properties {
            let child = self::node(
                property,
                &at(path, &format!("properties[{name}]")),
                depth + 1,
                patterns,
            )?;
            node.properties.insert(name.clone(), child);
        }
    }
    node.additional = match schema.get("additionalProperties") {
        None | Some(Value::Bool(false)) => Additional::Absent,
        Some(Value::Bool(true)) => Additional::Any,
        Some(inner) => Additional::Schema(Box::new(self::node(
            inner,
            &at(path, "additionalProperties"),
            depth + 1,
            patterns,
        )?)),
    };
    if let Some(items) = schema.get("items") {
        node.items = Some(Box::new(self::node(
            items,
            &at(path, "items"),
            depth + 1,
            patterns,
        )?));
    }
    if let Some(not) = schema.get("not") {
        node.not = Some(Box::new(self::node(
            not,
            &at(path, "not"),
            depth + 1,
            patterns,
        )?));
    }
    node.all_of = branches(&keyword, "allOf", depth, patterns)?;
    node.any_of = branches(&keyword, "anyOf", depth, patterns)?;
    node.one_of = branches(&keyword, "oneOf", depth, patterns)?;
    for (index, rule) in keyword.list("x-kubernetes-validations")?.iter().enumerate() {
        let here = at(path, &format!("x-kubernetes-validations[{index}]"));
        node.rules.push(
            Rule::compile(rule).map_err(|(field, message)| error(&at(&here, field), message))?,
        );
    }
    note_what_is_below(&mut node);
    Ok(node)
}

fn note_what_is_below(node: &mut Node) {
    let additional = match &node.additional {
        Additional::Schema(inner) => Some(inner.as_ref()),
        Additional::Absent | Additional::Any => None,
    };
    let mut rules = !node.rules.is_empty();
    let mut defaults = false;
    let mut unique = node.list_type != ListType::Atomic;
    for child in node
        .properties
        .values()
        .chain(node.items.as_deref())
        .chain(additional)
    {
        rules |= child.rules_below;
        defaults |= child.defaults_below || child.default.is_some();
        unique |= child.unique_below;
    }
    node.rules_below = rules;
    node.defaults_below = defaults;
    node.unique_below = unique;
}

fn branches(
    keyword: &Keywords<'_>,
    name: &str,
    depth: usize,
    patterns: &mut Patterns,
) -> Result<Vec<Node>, SchemaError> {
    keyword
        .list(name)?
        .iter()
        .enumerate()
        .map(|(index, branch)| {
            node(
                branch,
                &at(keyword.path, &format!("{name}[{index}]")),
                depth + 1,
                patterns,
            )
        })
        .collect()
}

fn kind(keyword: &Keywords<'_>) -> Result<Option<Type>, SchemaError> {
    Ok(Some(match keyword.text("type")? {
        None | Some("") => return Ok(None),
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        Some(other) => {
            return Err(error(
                &at(keyword.path, "type"),
                format!(
                    "Unsupported value: {other:?}: supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\""
                ),
            ));
        }
    }))
}

fn pattern(keyword: &Keywords<'_>, patterns: &mut Patterns) -> Result<Option<Regex>, SchemaError> {
    let Some(pattern) = keyword.text("pattern")? else {
        return Ok(None);
    };
    patterns.compile(pattern).map(Some).map_err(|_| {
        error(
            &at(keyword.path, "pattern"),
            format!("Invalid value: {pattern:?}: must be a valid regular expression"),
        )
    })
}

fn list_type(keyword: &Keywords<'_>) -> Result<ListType, SchemaError> {
    const NAME: &str = "x-kubernetes-list-type";
    match keyword.text(NAME)? {
        None | Some("atomic") => Ok(ListType::Atomic),
        Some("set") => Ok(ListType::Set),
        Some("map") => {
            let keys = keyword.texts("x-kubernetes-list-map-keys")?;
            if keys.is_empty() {
                return Err(error(
                    &at(keyword.path, "x-kubernetes-list-map-keys"),
                    "Required value: must not be empty if x-kubernetes-list-type is map",
                ));
            }
            Ok(ListType::Map(keys))
        }
        Some(other) => Err(error(
            &at(keyword.path, NAME),
            format!("Unsupported value: {other:?}: supported values: \"atomic\", \"set\", \"map\""),
        )),
    }
}

fn at(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// Reads the keywords of one schema object.
struct Keywords<'s> {
    schema: &'s Map<String, Value>,
    path: &'s str,
}

impl<'s> Keywords<'s> {
    fn wrong(&self, name: &str, wanted: &str) -> SchemaError {
        error(&at(self.path, name), format!("must be {wanted}"))
    }

    /// A keyword that is set; `null` is as good as absent.
    fn get(&self, name: &str) -> Option<&'s Value> {
        self.schema.get(name).filter(|value| !value.is_null())
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    fn text(&self, name: &str) -> Result<Option<&'s str>, SchemaError> {
        self.get(name)
            .map(|value| value.as_str().ok_or_else(|| self.wrong(name, "a string")))
            .transpose()
    }

    fn list(&self, name: &str) -> Result<&'s [Value], SchemaError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, SchemaError> {
        self.list(name)?
            .iter()
            .map(|item| {
                item.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| self.wrong(name, "a list of strings"))
            })
            .collect()
    }

    fn number(&self, name: &str) -> Result<Option<serde_json::Number>, SchemaError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.clone())),
            Some(_) => Err(self.wrong(name, "a number")),
        }
    }

    fn count(&self, name: &str) -> Result<Option<u64>, SchemaError> {
        self.get(name)
            .map(|value| {
                value
                    .as_u64()
                    .ok_or_else(|| self.wrong(name, "a whole number of at least 0"))
            })
            .transpose()
    }

    fn bound(&self, name: &str, exclusive: &str) -> Result<Option<Bound>, SchemaError> {
        Ok(self.number(name)?.map(|number| Bound {
            number,
            exclusive: self.flag(exclusive),
        }))
    }
}
