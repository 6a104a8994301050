//! Which scenarios a command means: paths, filters, a partition.

use std::path::PathBuf;
use std::str::FromStr;

use rotaproof_scenario::{Case, Diagnostics};

use crate::error::Error;

/// Which scenarios.
#[derive(clap::Args, Clone)]
pub(crate) struct Selection {
    /// Scenario files, or folders to search for `*.scenario.yaml`.
    #[arg(default_value = "scenarios")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only scenarios whose title or path contains TEXT, or that have the tag with `tag:NAME`; all given must match.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Only the K-th of N parts, dealt out in turn.
    #[arg(long, value_name = "K/N", env = "ROTAPROOF_PARTITION")]
    pub(crate) partition: Option<Partition>,
}

/// The K-th of N parts, from 1.
#[derive(Clone, Copy)]
pub(crate) struct Partition {
    part: usize,
    of: usize,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(part, of)| Some((part.parse::<usize>().ok()?, of.parse::<usize>().ok()?)));
        match numbers {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Self { part, of }),
            _ => Err("expected K/N with 1 <= K <= N, for example 2/4".into()),
        }
    }
}

impl Selection {
    /// Loads and checks every file first; then picks. All diagnostics come at once.
    pub(crate) fn load(&self) -> Result<Vec<Case>, Error> {
        let files = rotaproof_scenario::discover(&self.paths).map_err(Error::Scenarios)?;
        let mut cases = Vec::new();
        let mut wrong: Option<Diagnostics> = None;
        for file in files {
            match rotaproof_scenario::load(&file) {
                Ok(loaded) => cases.extend(loaded),
                Err(diagnostics) => match &mut wrong {
                    Some(all) => all.extend(diagnostics),
                    None => wrong = Some(diagnostics),
                },
            }
        }
        if let Some(diagnostics) = wrong {
            return Err(Error::Scenarios(diagnostics));
        }
        cases.retain(|case| self.filter.iter().all(|filter| matches(case, filter)));
        if let Some(Partition { part, of }) = self.partition {
            let mut index = 0;
            cases.retain(|_| {
                index += 1;
                (index - 1) % of == part - 1
            });
        }
        Ok(cases)
    }

    /// As [`Selection::load`], but no scenario at all is an error.
    pub(crate) fn load_some(&self) -> Result<Vec<Case>, Error> {
        let cases = self.load()?;
        // A part of a partition may be empty; nothing else may.
        if cases.is_empty() && self.partition.is_none() {
            return Err(Error::Usage(if self.filter.is_empty() {
                "no scenarios found: a scenario file's name ends in .scenario.yaml; `rotaproof new` writes one".into()
            } else {
                format!(
                    "no scenario matches {}; `rotaproof list` shows all",
                    self.filter.join(" and ")
                )
            }));
        }
        Ok(cases)
    }
}

fn matches(case: &Case, filter: &str) -> bool {
    match filter.strip_prefix("tag:") {
        Some(tag) => case.tags.iter().any(|have| have == tag),
        None => case.title.contains(filter) || case.file.display().to_string().contains(filter),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1/1", true)]
    #[case("2/4", true)]
    #[case("0/4", false)]
    #[case("5/4", false)]
    #[case("x/4", false)]
    #[case("4", false)]
    fn a_partition_is_k_of_n(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Partition>().is_ok(), good);
    }
}
