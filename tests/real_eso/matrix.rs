//! `run --matrix-eso`. There may be one operator only on a machine: it is asked for by its two names.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::passes::{printed, program};

const PASSES: &str = "scenarios/seed/aws/force-sync.scenario.yaml";
const FAILS: &str = "tests/golden/stale-pod.scenario.yaml";

/// Both operators have a run, a report and artifacts of their own, and the worst verdict is the exit code.
pub(crate) fn each_operator_has_its_run() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let own = std::env::var("ROTAPROOF_ESO")?;
    let report = format!("junit={}", folder.path().join("report.xml").display());
    let artifacts = folder.path().join("artifacts");
    let other = second_name(&own, folder.path())?;
    let matrix = format!("{own},{}", other.display());
    let mut command = on_eso();
    command.args(["--refresh", "1s", "--report", &report, PASSES, FAILS]);
    command.arg("--artifacts").arg(&artifacts);
    let ran = command.args(["--matrix-eso", &matrix]).output()?;
    let told = printed(&ran);
    let mut wrong = Vec::new();
    if ran.status.code() != Some(1) {
        wrong.push(format!("exit code {:?}", ran.status.code()));
    }
    let alike = "2 scenarios ended alike on all 2: 1 passed, 1 failed";
    if !told.contains(alike) {
        wrong.push(format!("not told: {alike}"));
    }
    let reports = named(folder.path(), "report-")?;
    if reports.len() != 2 || folder.path().join("report.xml").exists() {
        wrong.push(format!("reports {reports:?}"));
    }
    for report in reports {
        let cases = std::fs::read_to_string(report)?
            .matches("<testcase")
            .count();
        if cases < 2 {
            wrong.push(format!("a report with {cases} cases"));
        }
    }
    let kept = named(&artifacts, "")?;
    if kept.len() != 2 {
        wrong.push(format!("artifacts {kept:?}"));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\n{told}", wrong.join("; ")).into()),
    }
}

/// An operator that cannot be had is told before the other one runs.
pub(crate) fn one_that_cannot_be_had_ends_all() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let own = std::env::var("ROTAPROOF_ESO")?;
    let none = folder.path().join("external-secrets-v0.20.4");
    std::fs::write(&none, "no program")?;
    let matrix = format!("{own},{}", none.display());
    let ran = on_eso().args(["--matrix-eso", &matrix, PASSES]).output()?;
    match (ran.status.code(), ran.stdout.is_empty()) {
        (Some(3), true) => Ok(()),
        (code, _) => Err(format!("exit code {code:?}\n{}", printed(&ran)).into()),
    }
}

/// A run on the lane, about to begin.
fn on_eso() -> Command {
    let mut command = program();
    command.args(["run", "--lane", "eso"]);
    command
}

/// The operator's program by another path.
fn second_name(own: &str, folder: &Path) -> Result<PathBuf, Failed> {
    let program = Path::new(own);
    if !program.exists() {
        return Err("the matrix is tested with a program: ROTAPROOF_ESO has to be a path".into());
    }
    let program = program.canonicalize()?;
    // What lies beside it has to lie beside the link too.
    let beside = program.parent().ok_or("a program has a folder")?;
    let bin = folder.join("bin");
    std::os::unix::fs::symlink(beside, &bin)?;
    Ok(bin.join(program.file_name().ok_or("a program has a name")?))
}

fn named(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>, Failed> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
