//! The real External Secrets Operator on the lane `eso`, and the built-in engine beside it.
//!
//! The operator is not ours to install: `ROTAPROOF_ESO` (a path, or a version that is pulled) says which one, and without it
//! these tests are skipped, with that reason.

mod kills;
mod matrix;
#[path = "../passes.rs"]
mod passes;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use passes::rotaproof;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let asked_for = std::env::var_os("ROTAPROOF_ESO").is_some();
    if !asked_for && !arguments.list {
        println!("skipped: ROTAPROOF_ESO names no External Secrets Operator");
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
                "eso",
                "--refresh",
                "1s",
                "--jobs",
                "8",
                "scenarios/seed",
            ],
        ),
        test(
            "the_built_in_engine_does_what_the_real_one_does",
            &["compare", "embedded", "eso", "--jobs", "8", "scenarios"],
        ),
        Trial::test(
            "a_matrix_runs_each_operator_and_tells_their_runs_apart",
            matrix::each_operator_has_its_run,
        )
        .with_ignored_flag(!asked_for),
        Trial::test(
            "a_matrix_with_an_operator_that_is_none_runs_nothing",
            matrix::one_that_cannot_be_had_ends_all,
        )
        .with_ignored_flag(!asked_for),
        Trial::test(
            "fifty_kills_at_random_moments_leave_no_process_and_no_folder",
            kills::fifty_kills_leave_nothing,
        )
        .with_ignored_flag(!asked_for),
    ];
    // One after the other: each has all the processors busy.
    let arguments = Arguments {
        test_threads: Some(1),
        ..arguments
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
