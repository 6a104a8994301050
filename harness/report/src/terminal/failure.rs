//! A failure, rendered so that a stranger can act on it.

use rotaproof_events::Failure;

use super::{BOLD, DIM, RED};

/// The failure as text with styles.
pub(crate) fn failure_text(failure: &Failure) -> String {
    let mut text = String::new();
    let number = failure.location.line.to_string();
    let gutter = " ".repeat(number.len());
    text.push_str(&format!("{gutter} {DIM}-->{DIM:#} {}\n", failure.location));
    text.push_str(&format!("{number} {DIM}|{DIM:#} {}\n", failure.source));
    let indent = " ".repeat(failure.location.column.saturating_sub(1));
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
