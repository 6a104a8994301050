//! `rotaproof run --matrix-eso`: the same scenarios once per version of the External Secrets Operator.

use std::io::Write;
use std::path::Path;

use rotaproof_events::{Counts, Verdict};
use rotaproof_releases::{Version, Wanted};
use rotaproof_report::by_version;
use rotaproof_scenario::Case;
use tokio_util::sync::CancellationToken;

use super::run::{How, Interrupt, ReportFile, draw_seed, play};
use crate::error::{Error, ExitStatus};

/// Runs the cases once per operator and reports each run, and at the end where they differ.
pub(super) fn carry_out(
    cases: &[Case],
    how: &How,
    operators: &[Wanted],
) -> Result<ExitStatus, Error> {
    let interrupt = CancellationToken::new();
    let _watcher = Interrupt::watch(interrupt.clone())?;
    // All of them first: one that cannot be had is told before anything runs.
    let lanes = how.place.lane_with_each(operators)?;
    let names = names(operators.iter().zip(lanes.iter().map(|lane| lane.name())))?;
    let seed = how.seed.unwrap_or_else(draw_seed);
    let mut out = anstream::stdout();
    let mut total = Counts::default();
    let mut verdicts: Vec<Vec<Verdict>> = vec![Vec::new(); lanes.len()];
    for ((name, lane), ended) in names.iter().zip(lanes).zip(&mut verdicts) {
        writeln!(out, "External Secrets Operator {name}")?;
        let mut own = how.clone();
        own.seed = Some(seed);
        own.report = how.report.iter().map(|file| of(file, name)).collect();
        own.artifacts = how.artifacts.as_ref().map(|folder| folder.join(name));
        let ran = play(cases, &own, lane, interrupt.clone())?;
        writeln!(out)?;
        *ended = ran.verdicts;
        for verdict in ended.iter() {
            total.add(*verdict);
        }
        let ends = how.fail_fast && ran.counts.exit_code() != 0;
        if ends || ran.stays || interrupt.is_cancelled() {
            break;
        }
    }
    let titles: Vec<&str> = cases.iter().map(|case| case.title.as_str()).collect();
    let columns: Vec<(&str, &[Verdict])> = names
        .iter()
        .zip(&verdicts)
        .map(|(name, verdicts)| (name.as_str(), verdicts.as_slice()))
        .collect();
    write!(out, "{}", by_version(&titles, &columns))?;
    Ok(ExitStatus::of_code(total.exit_code()))
}

/// What tells each operator from the others, as it can stand in a file's name: its version, where that is known, else
/// its file's name; the whole path where another one has that.
fn names<'a>(operators: impl Iterator<Item = (&'a Wanted, &'a str)>) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for (operator, lane) in operators {
        let whole = operator.to_string();
        let short = match operator {
            Wanted::Version(_) => whole.clone(),
            Wanted::Path(path) => {
                let version = lane.strip_prefix("eso:");
                let version = version.filter(|name| name.parse::<Version>().is_ok());
                version.map_or_else(|| file_name(path), str::to_owned)
            }
        };
        let free = [short, whole.clone()]
            .iter()
            .map(|name| as_file_name(name))
            .find(|name| !names.contains(name));
        names.push(
            free.ok_or_else(|| {
                Error::Usage(format!("--matrix-eso names `{whole}` more than once"))
            })?,
        );
    }
    Ok(names)
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn as_file_name(name: &str) -> String {
    let plain = |c: char| match c.is_alphanumeric() || "._+-".contains(c) {
        true => c,
        false => '-',
    };
    let name: String = name.chars().map(plain).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// `report.xml` is `report-0.20.4.xml`.
fn of(file: &ReportFile, version: &str) -> ReportFile {
    let path = &file.path;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut name = format!("{stem}-{version}");
    if let Some(extension) = path.extension() {
        name.push('.');
        name.push_str(&extension.to_string_lossy());
    }
    ReportFile {
        kind: file.kind,
        path: path.with_file_name(name),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::command::run::ReportKind;

    fn told_apart(operators: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let wanted: Vec<Wanted> = operators
            .iter()
            .map(|(text, _)| Wanted::parse(text).unwrap())
            .collect();
        names(wanted.iter().zip(operators.iter().map(|(_, lane)| *lane)))
    }

    #[rstest]
    #[case::versions(&[("0.16.2", "eso:0.16.2"), ("v0.20.4", "eso:0.20.4")], &["0.16.2", "0.20.4"])]
    #[case::programs_that_know_theirs(&[("/opt/a", "eso:0.16.2"), ("/opt/b", "eso:0.20.4")], &["0.16.2", "0.20.4"])]
    #[case::programs_that_do_not(&[("/opt/a", "eso:/opt/a"), ("/opt/b", "eso:/opt/b")], &["a", "b"])]
    #[case::two_builds_of_one(&[("/opt/a", "eso:2.9.0"), ("/opt/b", "eso:2.9.0")], &["2.9.0", "opt-b"])]
    #[case::charts(&[("./a/eso.tgz", "kind"), ("./b/eso.tgz", "kind")], &["eso.tgz", "b-eso.tgz"])]
    fn operators_are_told_apart_by_version_else_by_file(
        #[case] operators: &[(&str, &str)],
        #[case] names: &[&str],
    ) {
        assert_eq!(told_apart(operators).unwrap(), names);
    }

    #[test]
    fn an_operator_that_is_named_twice_is_refused() {
        let refused = told_apart(&[("2.9.0", "eso:2.9.0"), ("v2.9.0", "eso:2.9.0")]);
        assert!(
            matches!(refused, Err(Error::Usage(why)) if why.contains("`2.9.0` more than once"))
        );
    }

    #[rstest]
    #[case("report.xml", "report-0.20.4.xml")]
    #[case("out/report", "out/report-0.20.4")]
    fn a_report_has_the_version_in_its_name(#[case] given: &str, #[case] written: &str) {
        let file = ReportFile {
            kind: ReportKind::JUnit,
            path: given.into(),
        };
        assert_eq!(of(&file, "0.20.4").path, Path::new(written));
    }
}
