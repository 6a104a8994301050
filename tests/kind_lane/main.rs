//! The lane `kind`: a real cluster with the real External Secrets Operator.
//!
//! Docker, kind, helm and the images are not ours to install: `ROTAPROOF_KIND=1` says that they are there (`rotaproof doctor
//! --lane kind` looks), and without it these tests are skipped, with that reason.

mod context;
mod keep;
mod kills;
#[path = "../passes.rs"]
mod passes;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use passes::rotaproof;

/// Two of them, kept from one test to the next, and deleted on request.
const CLUSTER: &str = "under-test";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let asked_for = std::env::var_os("ROTAPROOF_KIND").is_some();
    if !asked_for && !arguments.list {
        println!(
            "skipped: ROTAPROOF_KIND does not say that there are Docker, kind, helm and the images"
        );
    }
    let test = |name: &str, arguments: &'static [&'static str]| {
        Trial::test(name, move || rotaproof(arguments)).with_ignored_flag(!asked_for)
    };
    let trials = vec![
        test(
            "the_records_manifests_rotate_in_all_five_vaults",
            &[
                "run",
                "--lane",
                "kind",
                "--reuse",
                CLUSTER,
                "--clusters",
                "2",
                "scenarios/seed",
            ],
        ),
        test(
            "the_built_in_parts_do_what_a_real_cluster_does",
            &[
                "compare",
                "embedded",
                "kind",
                "--reuse",
                CLUSTER,
                "--clusters",
                "2",
                "scenarios/seed",
            ],
        ),
        Trial::test(
            "the_cluster_of_a_scenario_that_failed_stays_until_it_is_deleted",
            keep::a_failure_stays,
        )
        .with_ignored_flag(!asked_for),
        Trial::test(
            "kept_clusters_are_deleted_on_request",
            kept_clusters_are_deleted,
        )
        .with_ignored_flag(!asked_for),
        Trial::test(
            "a_cluster_of_somebody_elses_is_as_it_was_before_a_run",
            context::a_cluster_of_somebody_elses_is_as_it_was,
        )
        .with_ignored_flag(!asked_for),
        Trial::test(
            "twenty_kills_at_random_moments_leave_nothing_that_gc_does_not_remove",
            kills::twenty_kills_leave_nothing,
        )
        .with_ignored_flag(!asked_for),
    ];
    // In this order, and one after the other: they share the cluster.
    let arguments = Arguments {
        test_threads: Some(1),
        ..arguments
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn kept_clusters_are_deleted() -> Result<(), Failed> {
    let kept = || -> Result<Vec<String>, Failed> {
        let listed = Command::new("kind").args(["get", "clusters"]).output()?;
        let names = String::from_utf8(listed.stdout)?;
        let ours = |name: &&str| name.starts_with("rotaproof-under-test");
        Ok(names.lines().filter(ours).map(str::to_owned).collect())
    };
    let before = kept()?;
    if before.len() != 2 {
        return Err(format!("two were kept, and there are {before:?}").into());
    }
    rotaproof(&["gc", "--cluster", CLUSTER])?;
    match kept()? {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?} are left").into()),
    }
}
