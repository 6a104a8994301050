//! `x-kubernetes-validations`: CEL rules, compiled once and run where a value exists.

use std::collections::HashMap;
use std::sync::Arc;

use kube_cel::KubeCelExt;
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, ExecutionError, Program, Value as Cel};
use serde_json::Value;

use super::node::{Additional, Node, Type};
use super::{FieldError, Path};

/// One rule of a node.
#[derive(Debug)]
pub(crate) struct Rule {
    source: String,
    program: Program,
    message: Option<String>,
    message_program: Option<Program>,
    reason: Option<String>,
    /// Without its leading dot.
    field_path: Option<String>,
    /// Speaks of `oldSelf`, so runs on updates only.
    transition: bool,
    optional_old_self: bool,
}

impl Rule {
    /// Compiles one entry of `x-kubernetes-validations`; an error names the entry's field.
    pub(super) fn compile(rule: &Value) -> Result<Self, (&'static str, String)> {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).map(str::to_owned);
        let source = text("rule")
            .filter(|source| !source.trim().is_empty())
            .ok_or_else(|| ("rule", "Required value: rule is not specified".to_owned()))?;
        let program = parse(&source).map_err(|message| ("rule", message))?;
        let message_program = text("messageExpression")
            .map(|source| parse(&source))
            .transpose()
            .map_err(|message| ("messageExpression", message))?;
        let optional_old_self = rule.get("optionalOldSelf") == Some(&Value::Bool(true));
        Ok(Self {
            transition: program.references().has_variable("oldSelf"),
            program,
            message: text("message").map(|message| message.trim().to_owned()),
            message_program,
            reason: text("reason"),
            field_path: text("fieldPath").map(|path| path.trim_start_matches('.').to_owned()),
            optional_old_self,
            source,
        })
    }

    fn run(
        &self,
        scope: &Context<'_>,
        updates: bool,
        kind: Option<Type>,
        path: &Path,
    ) -> Option<FieldError> {
        if self.transition && !updates && !self.optional_old_self {
            return None;
        }
        let field = match &self.field_path {
            Some(inner) if path.as_str().is_empty() => inner.clone(),
            Some(inner) => format!("{}.{inner}", path.as_str()),
            None => path.as_str().to_owned(),
        };
        match self.program.execute(scope) {
            Ok(Cel::Bool(true)) => None,
            Ok(Cel::Bool(false)) => Some(self.failure(scope, &field, kind)),
            Ok(_) => Some(FieldError::invalid_unshown(
                &field,
                &format!("rule does not evaluate to a boolean: {}", self.source),
            )),
            Err(error) => Some(FieldError::invalid_unshown(
                &field,
                &format!("{} evaluating rule: {}", explain(&error), self.described()),
            )),
        }
    }

    fn described(&self) -> &str {
        self.message.as_deref().unwrap_or(&self.source)
    }

    fn failure(&self, scope: &Context<'_>, field: &str, kind: Option<Type>) -> FieldError {
        // The type, not the value, which may be long, or secret.
        let shown = Value::from(kind.map_or("", Type::as_str));
        let spoken =
            self.message_program
                .as_ref()
                .and_then(|program| match program.execute(scope) {
                    Ok(Cel::String(text)) if !text.trim().is_empty() => {
                        Some(text.trim().to_owned())
                    }
                    _ => None,
                });
        let detail = spoken.unwrap_or_else(|| {
            self.message
                .clone()
                .unwrap_or_else(|| format!("failed rule: {}", self.source))
        });
        match self.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::forbidden(field, &detail),
            Some("FieldValueRequired") => FieldError::required(field, &detail),
            Some("FieldValueDuplicate") => FieldError::duplicate(field, &shown),
            _ => FieldError::invalid(field, &shown, &detail),
        }
    }
}

fn parse(source: &str) -> Result<Program, String> {
    Program::compile(source)
        .map_err(|error| format!("Invalid value: {source:?}: compilation failed: {error}"))
}

/// An evaluation error without the values that cel's own text would show.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::UndeclaredReference(name) => format!("undeclared reference to '{name}'"),
        ExecutionError::NoSuchOverload => "no such overload".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("error in function {function}"),
        _ => "type error".to_owned(),
    }
}

/// What is costly to make and the same for every rule; cel's contexts cannot be shared between threads.
struct Engine {
    context: Context<'static>,
    timestamp: Option<Program>,
    duration: Option<Program>,
}

thread_local! {
    static ENGINE: Engine = Engine {
        context: Context::default().with_all(),
        timestamp: Program::compile("timestamp(self)").ok(),
        duration: Program::compile("duration(self)").ok(),
    };
}

/// Runs every rule of the tree; `old` is the stored object on an update.
pub(super) fn check(root: &Node, value: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    ENGINE.with(|engine| engine.walk(root, value, old, &mut Path::new(), errors));
}

impl Engine {
    fn walk(
        &self,
        node: &Node,
        value: &Value,
        old: Option<&Value>,
        path: &mut Path,
        errors: &mut Vec<FieldError>,
    ) {
        if !node.rules_below || value.is_null() {
            return;
        }
        if !node.rules.is_empty() {
            self.run_rules(node, value, old, path, errors);
        }
        match value {
            Value::Object(object) => {
                for (name, field) in object {
                    if let Some(child) = node.child(name) {
                        let old = old.and_then(|old| old.get(name));
                        path.field(name, |path| self.walk(child, field, old, path, errors));
                    }
                }
            }
            Value::Array(items) => {
                if let Some(child) = &node.items {
                    for (index, item) in items.iter().enumerate() {
                        let old = node.correlate(old, item);
                        path.index(index, |path| self.walk(child, item, old, path, errors));
                    }
                }
            }
            _ => {}
        }
    }

    fn run_rules(
        &self,
        node: &Node,
        value: &Value,
        old: Option<&Value>,
        path: &Path,
        errors: &mut Vec<FieldError>,
    ) {
        let unchanged = old == Some(value);
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", self.convert(Some(node), value));
        let before = old.map_or(Cel::Null, |old| self.convert(Some(node), old));
        scope.add_variable_from_value("oldSelf", before);
        for rule in &node.rules {
            // Ratcheting: an unchanged value answers only to its transition rules.
            if unchanged && !rule.transition {
                continue;
            }
            errors.extend(rule.run(&scope, old.is_some(), node.kind, path));
        }
    }

    fn convert(&self, node: Option<&Node>, value: &Value) -> Cel {
        match value {
            Value::Null => Cel::Null,
            Value::Bool(truth) => Cel::Bool(*truth),
            Value::Number(number) => {
                let fractional = node.is_some_and(|node| node.kind == Some(Type::Number));
                match (number.as_i64(), number.as_u64()) {
                    (Some(whole), _) if !fractional => Cel::Int(whole),
                    (None, Some(whole)) if !fractional => Cel::UInt(whole),
                    _ => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
                }
            }
            Value::String(text) => self.convert_text(node, text),
            Value::Array(items) => {
                let child = node.and_then(Node::item);
                Cel::List(Arc::new(
                    items.iter().map(|item| self.convert(child, item)).collect(),
                ))
            }
            Value::Object(object) => {
                // The keys of a map are data; only declared names are escaped.
                let is_map =
                    node.is_some_and(|node| !matches!(node.additional, Additional::Absent));
                let fields: HashMap<Key, Cel> = object
                    .iter()
                    .map(|(name, field)| {
                        let key = if is_map { name.clone() } else { escape(name) };
                        let child = node.and_then(|node| node.child(name));
                        (Key::String(Arc::new(key)), self.convert(child, field))
                    })
                    .collect();
                Cel::Map(Map {
                    map: Arc::new(fields),
                })
            }
        }
    }

    fn convert_text(&self, node: Option<&Node>, text: &str) -> Cel {
        let plain = Cel::String(Arc::new(text.to_owned()));
        let typed = node.filter(|node| !node.int_or_string).and_then(|node| {
            match node.format.as_deref()? {
                "date-time" => self.timestamp.as_ref(),
                "duration" => self.duration.as_ref(),
                _ => None,
            }
        });
        let Some(program) = typed else {
            return plain;
        };
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("self", plain.clone());
        program.execute(&scope).unwrap_or(plain)
    }
}

/// Names that CEL reserves.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A field's name as CEL rules write it (k8s.io/apiserver `pkg/cel/escaping.go`).
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['_', '.', '-', '/']) {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}
