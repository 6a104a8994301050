//! `run --keep failed`, on a cluster of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::passes::{printed, program};

/// Its job runs on, and cannot see a rotation.
const FAILS: &str = "tests/golden/stale-pod.scenario.yaml";
const PASSES: &str = "scenarios/seed/aws/force-sync.scenario.yaml";
const CLUSTER: &str = "under-test-keep";

pub(crate) fn a_failure_stays() -> Result<(), Failed> {
    let looked = look();
    let deleted = program().args(["gc", "--cluster", CLUSTER]).output()?;
    let kubeconfig = looked?;
    match deleted.status.success() && !kubeconfig.exists() {
        true => Ok(()),
        false => Err(format!(
            "not deleted, or {} is left\n{}",
            kubeconfig.display(),
            printed(&deleted)
        )
        .into()),
    }
}

/// Answers where the kubeconfig is.
fn look() -> Result<PathBuf, Failed> {
    let arguments = [
        "run",
        "--lane",
        "kind",
        "--reuse",
        CLUSTER,
        "--clusters",
        "1",
    ];
    let failing = [&arguments[..], &["--keep", "failed", FAILS, PASSES]].concat();
    let ran = program().args(failing).output()?;
    let told = printed(&ran);
    let listed = |what: &str| match told.contains(what) {
        true => Ok(()),
        false => Err(format!("not told: {what}\n{told}")),
    };
    if ran.status.code() != Some(1) {
        return Err(format!("exit code {:?}\n{told}", ran.status.code()).into());
    }
    listed("0 passed, 1 failed, 1 skipped")?;
    listed("kubectl -n notebook-validation describe externalsecret aws-credentials")?;
    listed("kubectl describe clustersecretstore aws-secrets-manager")?;
    listed(&format!("rotaproof gc --cluster {CLUSTER} "))?;
    let kubeconfig = told
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("export KUBECONFIG='")?
                .strip_suffix('\'')
        })
        .ok_or_else(|| format!("no KUBECONFIG\n{told}"))?;
    // What the scenario made is there, its pod among it.
    for kind in ["externalsecret", "secret", "pod"] {
        let found = kubectl(Path::new(kubeconfig), kind)?;
        let expected = match kind {
            "pod" => "s3-pipeline-validation",
            _ => "aws-credentials",
        };
        if !found.contains(expected) {
            return Err(format!("no {kind} {expected}: {found}").into());
        }
    }
    // The next run would take what is left for its own ground.
    let next = program().args(arguments).arg(PASSES).output()?;
    match (
        next.status.code(),
        printed(&next).contains("as a scenario left it"),
    ) {
        (Some(3), true) => Ok(kubeconfig.into()),
        _ => Err(format!("the next run took it\n{}", printed(&next)).into()),
    }
}

fn kubectl(kubeconfig: &Path, kind: &str) -> Result<String, Failed> {
    let mut kubectl = Command::new("kubectl");
    kubectl.arg("--kubeconfig").arg(kubeconfig);
    let ran = kubectl
        .args(["-n", "notebook-validation", "get", kind, "-o", "name"])
        .output()?;
    Ok(printed(&ran))
}
