//! Label and field selectors (`k8s.io/apimachinery/pkg/labels` and `.../fields`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object;
use crate::resource::Resource;
use crate::status::ApiError;

/// A parsed `labelSelector` and `fieldSelector`; the default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldRequirement {
    field: String,
    equal: bool,
    value: String,
}

impl Selector {
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let fields = parse_fields(fields).map_err(ApiError::bad_request)?;
        for field in &fields {
            if field_value(resource, &Value::Null, &field.field).is_none() {
                let field = &field.field;
                let message = match resource.qualified() {
                    // Those without a conversion of their own.
                    "configmaps" | "serviceaccounts" => format!(
                        "\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                    _ => format!("field label not supported: {field}"),
                };
                return Err(ApiError::bad_request(message));
            }
        }
        let labels = parse_labels(labels)
            .map_err(|why| ApiError::bad_request(format!("unable to parse requirement: {why}")))?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// A label that everything selected has.
    pub(crate) fn label(&self) -> Option<(&str, &str)> {
        self.labels.iter().find_map(|wanted| match &wanted.test {
            Test::In(set) if set.len() == 1 => Some((wanted.key.as_str(), set.first()?.as_str())),
            _ => None,
        })
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        let labels = object::meta(object, "labels");
        let label = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
        self.labels
            .iter()
            .all(|wanted| wanted.accepts(label(&wanted.key)))
            && self.fields.iter().all(|wanted| {
                let value = field_value(resource, object, &wanted.field).unwrap_or_default();
                (value == wanted.value) == wanted.equal
            })
    }
}

fn field_value(resource: &Resource, object: &Value, field: &str) -> Option<String> {
    match field {
        "metadata.name" => Some(object::meta_text(object, "name").to_owned()),
        "metadata.namespace" if resource.is_namespaced() => {
            Some(object::meta_text(object, "namespace").to_owned())
        }
        _ => resource.strategy.field(object, field),
    }
}

impl Requirement {
    fn accepts(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(set) => value.is_some_and(|value| set.contains(value)),
            Test::NotIn(set) => value.is_none_or(|value| !set.contains(value)),
            Test::Above(bound) => number().is_some_and(|value| value > *bound),
            Test::Below(bound) => number().is_some_and(|value| value < *bound),
        }
    }
}

fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, String> {
    let terms = text.split(',').filter(|term| !term.is_empty());
    terms
        .map(|term| {
            let (field, equal, value) = if let Some((field, value)) = term.split_once("!=") {
                (field, false, value)
            } else if let Some((field, value)) = term.split_once("==") {
                (field, true, value)
            } else if let Some((field, value)) = term.split_once('=') {
                (field, true, value)
            } else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                ));
            };
            Ok(FieldRequirement {
                field: field.to_owned(),
                equal,
                value: value.to_owned(),
            })
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
}

/// Longest first, as a scanner must try them.
const SIGNS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", ">", "<"];

fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return found;
        }
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || "=!,()<>".contains(c))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        found.push(Token::Word(word.to_owned()));
        rest = after;
    }
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, String> {
    let tokens = tokens(text);
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    let mut requirements = Vec::new();
    if tokens.is_empty() {
        return Ok(requirements);
    }
    loop {
        requirements.push(parser.requirement()?);
        match parser.next() {
            None => return Ok(requirements),
            Some(Token::Sign(",")) => {}
            Some(other) => {
                return Err(format!(
                    "found '{}', expected: ',' or 'end of string'",
                    show(Some(other))
                ));
            }
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

fn show(token: Option<&Token>) -> &str {
    match token {
        None => "",
        Some(Token::Word(word)) => word,
        Some(Token::Sign(sign)) => sign,
    }
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn key(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) => match crate::write::key_errors(word).first() {
                None => Ok(word.clone()),
                Some(why) => Err(format!("<nil>: Invalid value: {word:?}: {why}")),
            },
            other => Err(format!(
                "found '{}', expected: !, identifier, or 'end of string'",
                show(other)
            )),
        }
    }

    /// A value, which may be empty before a comma or the end.
    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            None | Some(Token::Sign(",")) => Ok(String::new()),
            other => Err(format!("found '{}', expected: identifier", show(other))),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        if self.peek() == Some(&Token::Sign("!")) {
            self.at += 1;
            if let Some(Token::Sign(sign)) = self.peek() {
                return Err(format!("found '{sign}', expected: identifier"));
            }
            let key = self.key()?;
            return Ok(Requirement {
                key,
                test: Test::Absent,
            });
        }
        let key = self.key()?;
        let test = match self.peek() {
            None | Some(Token::Sign(",")) => Test::Exists,
            Some(Token::Sign("=" | "==")) => {
                self.at += 1;
                Test::In(BTreeSet::from([self.value()?]))
            }
            Some(Token::Sign("!=")) => {
                self.at += 1;
                Test::NotIn(BTreeSet::from([self.value()?]))
            }
            Some(Token::Sign(sign @ (">" | "<"))) => {
                self.at += 1;
                let bound = self.value()?;
                let bound = bound.parse().map_err(|_| {
                    format!("values[0][{key}]: Invalid value: \"{bound}\": for 'Gt', 'Lt' operators, the value must be an integer")
                })?;
                if *sign == ">" {
                    Test::Above(bound)
                } else {
                    Test::Below(bound)
                }
            }
            Some(Token::Word(word)) if word == "in" => {
                self.at += 1;
                Test::In(self.set()?)
            }
            Some(Token::Word(word)) if word == "notin" => {
                self.at += 1;
                Test::NotIn(self.set()?)
            }
            other => {
                return Err(format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    show(other)
                ));
            }
        };
        Ok(Requirement { key, test })
    }

    fn set(&mut self) -> Result<BTreeSet<String>, String> {
        match self.next() {
            Some(Token::Sign("(")) => {}
            other => return Err(format!("found '{}' expected: '('", show(other))),
        }
        let mut set = BTreeSet::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => {
                    set.insert(word.clone());
                    match self.next() {
                        Some(Token::Sign(",")) => {
                            // A trailing comma stands for an empty value.
                            if self.peek() == Some(&Token::Sign(")")) {
                                set.insert(String::new());
                            }
                        }
                        Some(Token::Sign(")")) => return Ok(set),
                        other => {
                            return Err(format!("found '{}', expected: ',' or ')'", show(other)));
                        }
                    }
                }
                Some(Token::Sign(",")) => {
                    set.insert(String::new());
                }
                Some(Token::Sign(")")) => {
                    if set.is_empty() {
                        set.insert(String::new());
                    }
                    return Ok(set);
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',', ')' or identifier",
                        show(other)
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
