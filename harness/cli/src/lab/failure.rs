//! What a test shows when it fails: the report's explanation, at the line of the test.

use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

use rotaproof_events::{self as events, FailureKind};
use rotaproof_runner::Place;
use rotaproof_scenario::{Source, Span};

/// A step was refused, an expectation does not hold, or the lab could not be had.
///
/// `Debug` is the same text as `Display`, so that a test that returns it, and one that unwraps it, print the
/// explanation: where, what was expected and what was there by the names of versions, the conditions, Events and
/// requests that explain it, and what to do next. It never has a value of a secret in it.
pub struct Failure(Box<events::Failure>);

/// What a test returns: `fn rotates() -> rotaproof::Result`.
pub type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    /// The same as data.
    pub fn details(&self) -> &events::Failure {
        &self.0
    }

    /// The test asks for something that cannot be.
    pub(super) fn of_the_test(caller: &'static Location<'static>, what: impl Into<String>) -> Self {
        let place = place(caller);
        let text = place.source.text();
        let line = text.lines().nth(place.span.line.saturating_sub(1));
        Self(Box::new(events::Failure {
            kind: FailureKind::Expectation,
            location: events::Location {
                file: caller.file().to_owned(),
                line: place.span.line,
                column: place.span.column,
            },
            source: line.unwrap_or_default().to_owned(),
            what: what.into(),
            expected: None,
            actual: None,
            next: vec!["correct the test".into()],
            evidence: Vec::new(),
            reproduce: reproduce(),
        }))
    }
}

impl From<Box<events::Failure>> for Failure {
    fn from(failure: Box<events::Failure>) -> Self {
        Self(failure)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let styled = rotaproof_report::failure_text(&self.0);
        write!(f, "\n{}", anstream::adapter::strip_str(&styled))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

/// The test that runs on this thread, as the test runner names it.
pub(super) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    // With one test thread, and outside of tests, it is the main thread.
    thread
        .name()
        .filter(|name| *name != "main")
        .map(str::to_owned)
}

/// The command that runs this test alone.
pub(super) fn reproduce() -> String {
    match test_name() {
        Some(name) => format!("cargo test -- --exact {name}"),
        None => "cargo test".into(),
    }
}

/// The place of a call in the test's source.
pub(super) fn place(caller: &'static Location<'static>) -> Place {
    let path = Path::new(caller.file());
    let text = found(path).and_then(|path| std::fs::read_to_string(path).ok());
    Place {
        source: Source::new(path, text.unwrap_or_default()),
        span: Span {
            line: caller.line() as usize,
            column: caller.column() as usize,
            ..Span::default()
        },
    }
}

/// The compiler names a file from the workspace's root, a test runs in its package's folder.
fn found(path: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|folder| folder.join(path))
        .find(|path| path.is_file())
}
