//! Failing scenarios, and the whole of what a person reads when they fail.
//!
//! `SNAPSHOTS=overwrite cargo test -p rotaproof-tests --test golden` rewrites the texts after a change that is meant.

use std::path::Path;
use std::process::Command;

use regex::Regex;
use snapbox::{Data, assert_data_eq};

/// Runs a scenario of `golden/` and compares its output and exit code.
fn fails_as_checked_in(name: &str, code: i32) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .current_dir(folder)
        .args([
            "run",
            &format!("golden/{name}.scenario.yaml"),
            "--seed",
            "7",
            "--color",
            "never",
        ])
        .env_clear()
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .concat();
    // Machine time is the only thing that differs between two runs.
    let took = Regex::new(r"(· |\bin )\d+(\.\d+)?(ms|s)").unwrap();
    let text = took.replace_all(&text, "${1}[TOOK]").into_owned();
    assert_data_eq!(
        text,
        Data::read_from(&folder.join(format!("golden/{name}.txt")), None).raw()
    );
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn a_pod_that_keeps_the_old_value() {
    fails_as_checked_in("stale-pod", 1);
}

#[test]
fn a_fetch_before_the_interval() {
    fails_as_checked_in("early-fetch", 1);
}

#[test]
fn a_secret_at_another_version() {
    fails_as_checked_in("wrong-version", 1);
}

#[test]
fn a_budget_that_is_missed() {
    fails_as_checked_in("budget-missed", 1);
}

#[test]
fn a_key_that_the_vault_does_not_have() {
    fails_as_checked_in("missing-key", 1);
}

#[test]
fn a_store_that_is_not_ready() {
    fails_as_checked_in("store-not-ready", 1);
}

#[test]
fn a_field_that_does_not_exist() {
    fails_as_checked_in("unknown-field", 2);
}

#[test]
fn text_that_is_not_yaml() {
    fails_as_checked_in("unparsable", 2);
}
