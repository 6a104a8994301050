//! From a path to the cases that can run: parsed, expanded, with manifests, checked.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use crate::Located;
use crate::check;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::discover::beside;
use crate::manifest::{Manifest, Manifests, Mapping};
use crate::matrix::Combination;
use crate::model::step::{Action, Delete, Step};
use crate::model::vault::Vault;
use crate::model::{Eso, Scenario};
use crate::parse::{parse_source, source_of};
use crate::source::Source;

/// One scenario that can run: a file, or one combination of its matrix.
#[derive(Clone, Debug)]
pub struct Case {
    /// The title; with the combination where there is a matrix: `Title [strategy=staged]`.
    pub title: String,
    /// The file.
    pub file: PathBuf,
    /// Its text, for quoting it.
    pub source: Source,
    /// The tags.
    pub tags: Vec<String>,
    /// What it shows, and why.
    pub about: Option<String>,
    /// What the operator must be like.
    pub eso: Eso,
    /// The vaults by name.
    pub vaults: IndexMap<Located<String>, Vault>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Every manifest that a step names.
    pub manifests: Manifests,
    /// Where Secret keys come from, once every manifest is applied that is not refused. For the state between two
    /// steps, make one with [`Mapping::of`].
    pub mapping: Mapping,
    /// The values of the matrix; empty without one.
    pub matrix: Combination,
    /// What the checks found that does not keep it from running.
    pub warnings: Diagnostics,
}

/// Reads a scenario file with its manifests and checks it.
///
/// # Errors
/// Everything that the checks found, warnings too, as soon as there is one error.
pub fn load(path: &Path) -> Result<Vec<Case>, Diagnostics> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let source = source_of(path, &bytes)?;
    let mut cases = Vec::new();
    let mut found = Diagnostics::default();
    for (scenario, matrix) in parse_source(&source)? {
        match case(&source, scenario, matrix) {
            Ok(case) => {
                for warning in case.warnings.iter() {
                    found.push(warning.clone());
                }
                cases.push(case);
            }
            Err(more) => found.extend(more),
        }
    }
    if found.has_errors() {
        Err(found)
    } else {
        Ok(cases)
    }
}

fn case(source: &Source, scenario: Scenario, matrix: Combination) -> Result<Case, Diagnostics> {
    let manifests = read_manifests(source, &scenario.steps)?;
    let applied = check::applied(&scenario.steps, &manifests);
    let mapping = Mapping::of(applied.iter().copied(), &scenario.vaults);
    let warnings = check::check(source, &scenario, &manifests, &mapping)?;
    let values: Vec<String> = matrix
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let title = if values.is_empty() {
        scenario.scenario.value
    } else {
        format!("{} [{}]", scenario.scenario.value, values.join(", "))
    };
    Ok(Case {
        title,
        file: source.path().to_owned(),
        source: source.clone(),
        tags: scenario.tags,
        about: scenario.about,
        eso: scenario.eso,
        vaults: scenario.vaults,
        steps: scenario.steps,
        manifests,
        mapping,
        matrix,
        warnings,
    })
}

/// Reads every manifest that a step names, once; says of each that is missing or wrong, at the first step that names it.
fn read_manifests(source: &Source, steps: &[Step]) -> Result<Manifests, Diagnostics> {
    let folder = source.path().parent().unwrap_or(Path::new(""));
    let mut manifests = Manifests::default();
    let mut wrong = Diagnostics::default();
    check::each_step(steps, &mut |step| {
        let path = match &step.value {
            Action::Apply(apply) => &apply.manifest,
            Action::Start(start) => &start.manifest,
            Action::Delete(delete) => match &delete.value {
                Delete::Manifest(path) => path,
                _ => return,
            },
            _ => return,
        };
        if manifests.get(path).is_some() {
            return;
        }
        let file = folder.join(path.as_str());
        match std::fs::read(&file) {
            Ok(bytes) => match Manifest::read(&file, &bytes) {
                Ok(manifest) => manifests.insert(path.value.clone(), manifest),
                Err(more) => wrong.extend(more),
            },
            Err(error) => {
                let reason = match error.kind() {
                    std::io::ErrorKind::NotFound => "does not exist".to_owned(),
                    _ => format!("cannot be read: {error}"),
                };
                wrong.push(
                    Diagnostic::error(source, path.span, format!("manifest `{path}` {reason}"))
                        .label(format!("looked for {}", file.display()))
                        .maybe_help(beside(&file)),
                );
            }
        }
    });
    if wrong.is_empty() {
        Ok(manifests)
    } else {
        Err(wrong)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostics {
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Diagnostic::of_file(path, message)
        .maybe_help(beside(path))
        .into()
}

/// The objects of a manifest.
pub(crate) fn objects(manifest: &Manifest) -> impl Iterator<Item = &Value> {
    manifest.documents.iter().map(|document| &document.object)
}
