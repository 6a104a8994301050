//! A failure, rendered so that a stranger can act on it.

use rotaproof_events::Failure;

use super::{BOLD, DIM, RED};

/// A failure as text with styles: where, what, expected and actual, what explains it, and what to do next.
pub fn failure_text(failure: &Failure) -> String {
    let mut text = String::new();
    let number = failure.location.line.to_string();
    let gutter = " ".repeat(number.len());
    text.push_str(&format!("{gutter} {DIM}-->{DIM:#} {}\n", failure.location));
    let mut indent = String::new();
    // The line is not quoted where it has a value in it, or could not be read.
    if !failure.source.is_empty() {
        text.push_str(&format!("{number} {DIM}|{DIM:#} {}\n", failure.source));
        indent = " ".repeat(failure.location.column.saturating_sub(1));
    }
    text.push_str(&format!(
        "{gutter} {DIM}|{DIM:#} {indent}{RED}^{RED:#} {}\n",
        failure.what
    ));
    for (label, value) in [("expected", &failure.expected), ("actual", &failure.actual)] {
        if let Some(value) = value {
            text.push_str(&format!("  {BOLD}{label:<8}{BOLD:#} {value}\n"));
        }
    }
    for evidence in &failure.evidence {
        text.push_str(&format!("  {BOLD}{}{BOLD:#}\n", evidence.title));
        for line in &evidence.lines {
            text.push_str(&format!("    {line}\n"));
        }
    }
    for (index, next) in failure.next.iter().enumerate() {
        let label = if index == 0 { "do next" } else { "" };
        text.push_str(&format!("  {BOLD}{label:<8}{BOLD:#} {next}\n"));
    }
    text.push_str(&format!(
        "  {BOLD}{:<8}{BOLD:#} {}\n",
        "alone", failure.reproduce
    ));
    text
}
