//! Every scenario file is a test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = match rotaproof_scenario::discover(std::slice::from_ref(&root)) {
        Ok(files) => files,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    };
    assert!(!files.is_empty(), "no scenarios in {}", root.display());
    let trials = files.into_iter().map(|file| {
        let name = file
            .strip_prefix(&root)
            .unwrap_or(&file)
            .display()
            .to_string();
        Trial::test(name, move || play(file))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn play(file: PathBuf) -> Result<(), Failed> {
    match rotaproof::run_file(&file, 1) {
        Ok(outcome) if outcome.passed => Ok(()),
        Ok(outcome) => Err(outcome.text.into()),
        Err(diagnostics) => Err(diagnostics.into()),
    }
}
