//! The program, which has to pass: for the tests of whole lanes.

use std::process::Command;

use libtest_mimic::Failed;

/// Runs the program at the project's root; what it prints, where it does not exit with 0.
pub(crate) fn rotaproof(arguments: &[&str]) -> Result<(), Failed> {
    let ran = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()?;
    let printed = [ran.stdout, ran.stderr].concat();
    match ran.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&printed).into_owned().into()),
    }
}
