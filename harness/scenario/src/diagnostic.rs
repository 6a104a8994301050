//! What is wrong with a file, where, and what to do; rendered as rustc does.

use std::fmt;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::tree::Reject;
use crate::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot run.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where the finding is about the file as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 where the finding is about the file as a whole.
    pub column: usize,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    place: Option<(Source, Span)>,
}

/// The findings of one or more files, in order; at least one where it is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostic {
    pub(crate) fn error(source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self::at(Severity::Error, source, span, message.into())
    }

    pub(crate) fn warning(source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self::at(Severity::Warning, source, span, message.into())
    }

    /// About a file as a whole.
    pub(crate) fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: path.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            label: String::new(),
            help: None,
            place: None,
        }
    }

    pub(crate) fn rejected(source: &Source, reject: Reject) -> Self {
        let reject = reject.into_reason();
        let mut diagnostic = Self::error(source, reject.span.unwrap_or_default(), reject.message);
        diagnostic.label = reject.label;
        diagnostic.help = reject.help;
        diagnostic
    }

    fn at(severity: Severity, source: &Source, span: Span, message: String) -> Self {
        Self {
            severity,
            file: source.path().to_owned(),
            line: span.line,
            column: span.column,
            message,
            label: String::new(),
            help: None,
            place: Some((source.clone(), span)),
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The finding as text, with the line it is about and a caret.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = self.file.display().to_string();
        let title = if self.place.is_some() {
            self.message.clone()
        } else {
            format!("{path}: {}", self.message)
        };
        let mut group = level
            .primary_title(title)
            .elements(std::iter::empty::<annotate_snippets::Message<'_>>());
        if let Some((source, span)) = &self.place {
            group = group.element(snippet(source.text(), *span, &path, &self.label));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group])
    }
}

/// The lines of the span, cut to its first line where it is longer: a caret under half a file helps nobody.
fn snippet<'a>(
    text: &'a str,
    span: Span,
    path: &'a str,
    label: &'a str,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    let end = start + text[start..end.clamp(start, line_end)].trim_end().len();
    let annotation = AnnotationKind::Primary.span(start..end);
    let annotation = if label.is_empty() {
        annotation
    } else {
        annotation.label(label)
    };
    Snippet::source(text).path(path).annotation(annotation)
}

impl Diagnostics {
    /// Renders all findings, one after the other.
    pub fn render(&self, colour: bool) -> String {
        let parts: Vec<String> = self.0.iter().map(|one| one.render(colour)).collect();
        parts.join("\n\n")
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|one| one.severity == Severity::Error)
    }

    /// Adds the findings of another file.
    pub fn extend(&mut self, other: Self) {
        for one in other.0 {
            self.push(one);
        }
    }

    /// Adds a finding, unless it is there already: the cases of a matrix share most of theirs.
    pub(crate) fn push(&mut self, one: Diagnostic) {
        if !self.0.contains(&one) {
            self.0.push(one);
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The name that is nearest to a misspelt one, if any is near.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Comparing takes time in proportion to the length; a name of that length is no typing error.
    if word.len() > 200 {
        return None;
    }
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    names
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= allowed && *distance > 0 && *name != word)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
