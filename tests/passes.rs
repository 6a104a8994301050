//! The program as the tests of whole lanes run it: at the project's root.

use std::process::{Command, Output};

use libtest_mimic::Failed;

/// The program, about to be run.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"));
    program.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    program
}

/// All that a program printed.
pub(crate) fn printed(ran: &Output) -> String {
    String::from_utf8_lossy(&[ran.stdout.as_slice(), &ran.stderr].concat()).into_owned()
}

/// Runs the program, which has to pass; what it prints, where it does not exit with 0.
pub(crate) fn rotaproof(arguments: &[&str]) -> Result<(), Failed> {
    let ran = program().args(arguments).output()?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(printed(&ran).into()),
    }
}
