//! One execution of one template.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::parse::{BranchNode, Expr, ListNode, Node, Parser, PipeNode, Pos};
use gotmpl::{MissingKey, Template, Value};

use super::{TemplateError, functions, text};
use crate::value::SecretMap;

/// Iterations of all ranges of one template; Go has no limit, a test harness must end.
const MAX_ITERATIONS: u64 = 100_000;

/// Renders `source` over the data. Errors are worded as ESO and Go word them.
pub(super) fn execute(
    key: &str,
    source: &str,
    data: &SecretMap,
    missing: MissingKey,
) -> Result<Vec<u8>, TemplateError> {
    let syntax = Syntax::read(key, source)?;
    let dot = Value::Map(Arc::new(
        data.iter()
            .map(|(name, value)| {
                let text: Arc<str> = text::from_bytes(value.expose()).into();
                (Arc::from(name.as_str()), Value::String(text))
            })
            .collect::<BTreeMap<Arc<str>, Value>>(),
    ));
    let rendered = Template::new(key)
        .missing_key(missing)
        .max_range_iters(MAX_ITERATIONS)
        .funcs(functions::named(
            syntax.functions.iter().map(|(_, name)| name.as_str()),
        ))
        .parse(source)
        .and_then(|template| template.execute_to_string(&dot));
    match rendered {
        Ok(rendered) => Ok(text::to_bytes(&rendered)),
        Err(error) => Err(TemplateError::new(format!(
            "unable to execute template at key {key}: {}",
            syntax.explain(key, source, &error)
        ))),
    }
}

/// What a template mentions, and where.
#[derive(Default)]
struct Syntax {
    functions: Vec<(Pos, String)>,
    fields: Vec<(Pos, Vec<String>)>,
}

impl Syntax {
    /// Parses, and refuses functions that are not there, as Go does before anything runs.
    fn read(key: &str, source: &str) -> Result<Self, TemplateError> {
        let unparsable = |line: usize, message: &str| {
            TemplateError::new(format!(
                "unable to parse template at key {key}: template: {key}:{line}: {message}"
            ))
        };
        let (tree, defines) = Parser::new(source, "{{", "}}")
            .and_then(Parser::parse)
            .map_err(|error| match error {
                gotmpl::TemplateError::Parse { line, message, .. }
                | gotmpl::TemplateError::Lex { line, message, .. } => unparsable(line, &message),
                other => unparsable(1, &other.to_string()),
            })?;
        let mut syntax = Self::default();
        syntax.list(&tree);
        for define in &defines {
            syntax.list(&define.body);
        }
        let unknown = syntax
            .functions
            .iter()
            .find(|(_, name)| !functions::is_known(name));
        match unknown {
            Some((pos, name)) if functions::is_esos(name) => Err(unparsable(
                pos.line,
                &format!(
                    "function {name:?} is one of ESO's that the built-in engine does not have"
                ),
            )),
            Some((pos, name)) => Err(unparsable(
                pos.line,
                &format!("function {name:?} not defined"),
            )),
            None => Ok(syntax),
        }
    }

    fn list(&mut self, list: &ListNode) {
        for node in &list.nodes {
            match node {
                Node::List(inner) => self.list(inner),
                Node::Action(action) => self.pipe(&action.pipe),
                Node::If(branch) | Node::Range(branch) | Node::With(branch) => self.branch(branch),
                Node::Template(template) => template.pipe.iter().for_each(|pipe| self.pipe(pipe)),
                Node::Define(define) => self.list(&define.body),
                Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
            }
        }
    }

    fn branch(&mut self, branch: &BranchNode) {
        self.pipe(&branch.pipe);
        self.list(&branch.body);
        branch.else_body.iter().for_each(|list| self.list(list));
    }

    fn pipe(&mut self, pipe: &PipeNode) {
        for command in &pipe.commands {
            command
                .args
                .iter()
                .for_each(|argument| self.expression(argument));
        }
    }

    fn expression(&mut self, expression: &Expr) {
        let names =
            |path: &[gotmpl::parse::SmolStr]| path.iter().map(ToString::to_string).collect();
        match expression {
            Expr::Identifier(pos, name) => self.functions.push((*pos, name.to_string())),
            Expr::Field(pos, path) => self.fields.push((*pos, names(path))),
            Expr::Variable(pos, _, path) => self.fields.push((*pos, names(path))),
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(pos, inner, path) => {
                self.fields.push((*pos, names(path)));
                self.expression(inner);
            }
            Expr::Dot(_) | Expr::String(..) | Expr::Number(..) | Expr::Bool(..) | Expr::Nil(_) => {}
        }
    }

    /// An execution error in Go's words. Go knows the exact node; we name the first that mentions the key.
    fn explain(&self, key: &str, source: &str, error: &gotmpl::TemplateError) -> String {
        let missing = match error {
            gotmpl::TemplateError::MissingKey { key } => key,
            gotmpl::TemplateError::Exec(message) => {
                return format!("template: {key}: executing {key:?}: {message}");
            }
            other => return format!("template: {key}: executing {key:?}: {other}"),
        };
        let found = self.fields.iter().find(|(_, path)| path.contains(missing));
        let Some((pos, path)) = found else {
            return format!(
                "template: {key}: executing {key:?}: map has no entry for key {missing:?}"
            );
        };
        let before = source.get(..pos.offset).unwrap_or_default();
        let column = before
            .rfind('\n')
            .map_or(before.len(), |newline| before.len() - newline - 1);
        format!(
            "template: {key}:{}:{column}: executing {key:?} at <.{}>: map has no entry for key {missing:?}",
            pos.line,
            path.join(".")
        )
    }
}
