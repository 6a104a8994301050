//! From the bytes of a file to its scenarios, before anything is checked.

use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::matrix::{self, Combination};
use crate::model::Scenario;
use crate::source::Source;
use crate::tree::{Limits, from_node, read_tree};

/// No scenario file is larger: 4 MiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// No file grows to more than this by its matrix: 32 MiB.
const MAX_EXPANDED_BYTES: usize = 32 * 1024 * 1024;

/// Reads the bytes of a scenario file: one scenario per combination of its matrix, in order.
///
/// # Errors
/// What is wrong with the text; the first of it per combination.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<(Scenario, Combination)>, Diagnostics> {
    parse_source(&source_of(path, bytes)?)
}

/// The text of a file, refused where it is too large or not UTF-8.
pub(crate) fn source_of(path: &Path, bytes: &[u8]) -> Result<Source, Diagnostics> {
    if bytes.len() > MAX_BYTES {
        return Err(Diagnostic::of_file(path, "scenario files are at most 4 MiB").into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Diagnostic::of_file(path, format!("not UTF-8 (first in line {line})"))
    })?;
    Ok(Source::new(path, text))
}

pub(crate) fn parse_source(source: &Source) -> Result<Vec<(Scenario, Combination)>, Diagnostics> {
    let rejected = |reject| Diagnostics::from(Diagnostic::rejected(source, reject));
    let documents = read_tree(source.text(), Limits::SCENARIO).map_err(rejected)?;
    let Some(root) = documents.into_iter().next().filter(|root| !root.is_null()) else {
        return Err(Diagnostic::of_file(source.path(), "the file is empty").into());
    };
    let combinations = matrix::combinations(&root).map_err(rejected)?;
    if combinations.len().saturating_mul(source.text().len()) > MAX_EXPANDED_BYTES {
        let message = format!(
            "its matrix makes {} scenarios of it; together they are too large",
            combinations.len()
        );
        return Err(Diagnostic::of_file(source.path(), message).into());
    }
    let mut scenarios = Vec::new();
    let mut found = Diagnostics::default();
    for combination in combinations {
        let read =
            matrix::substitute(&root, &combination).and_then(|tree| from_node::<Scenario>(&tree));
        match read {
            Ok(scenario) => scenarios.push((scenario, combination)),
            Err(reject) => found.push(Diagnostic::rejected(source, reject)),
        }
    }
    if found.is_empty() {
        Ok(scenarios)
    } else {
        Err(found)
    }
}
