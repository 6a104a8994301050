//! People's own tools against a lab, from its env file alone: the vendors' SDKs, kubectl, Kubernetes' Python client.
//!
//! The tools are not Rust's to install: `tests/tools/install` does, and without it these tests are skipped, with that
//! reason. `ROTAPROOF_TOOLS` names the folder of the tools; where it is set, tools that are missing are a failure.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tools = Tools::find();
    if let Err(reason) = &tools
        && !arguments.list
    {
        println!("skipped: {reason}");
    }
    let trials = scripts().into_iter().map(|script| {
        let tools = tools.clone();
        let missing = tools.is_err() && !asked_for();
        let name = script.file_stem().unwrap_or_default().display().to_string();
        Trial::test(name, move || tools?.run(&script)).with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The Python scripts of `tests/tools`; each is a test with a lab of its own.
fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let entries = fs::read_dir(folder).unwrap();
    let mut scripts: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    scripts.sort();
    assert!(!scripts.is_empty());
    scripts
}

fn asked_for() -> bool {
    env::var_os("ROTAPROOF_TOOLS").is_some()
}

/// The folder that `tests/tools/install` filled.
#[derive(Clone)]
struct Tools(PathBuf);

impl Tools {
    fn find() -> Result<Self, String> {
        let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools");
        let folder = env::var_os("ROTAPROOF_TOOLS").map_or_else(beside, PathBuf::from);
        match folder.join("installed").is_file() {
            true => Ok(Self(folder)),
            false => Err(format!(
                "no tools in {}; tests/tools/install puts them there",
                folder.display()
            )),
        }
    }

    /// Runs one script against a lab of its own, in a shell that knows the lab's env file and the tools, nothing else.
    fn run(&self, script: &Path) -> Result<(), Failed> {
        let lab = Lab::up()?;
        let home = lab.0.path();
        let ran = Command::new("sh")
            .args(["-c", r#". "$1" && exec python "$2""#, "sh"])
            .arg(home.join("lab.env"))
            .arg(script)
            .current_dir(home)
            .env_clear()
            .env("HOME", home)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.0.join("bin").display()),
            )
            .output()?;
        let printed = format!(
            "{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
        match ran.status.success() {
            true => Ok(()),
            false => Err(printed.into()),
        }
    }
}

/// A lab that ends with its test; the folder holds its state, its env file and a home for the tools.
struct Lab(tempfile::TempDir);

impl Lab {
    fn up() -> Result<Self, Failed> {
        let lab = Self(tempfile::tempdir()?);
        let env_file = lab.0.path().join("lab.env");
        let up = lab
            .rotaproof(&["up", "--detach", "--env-file"])
            .arg(env_file)
            .output()?;
        match up.status.success() {
            true => Ok(lab),
            false => Err(String::from_utf8_lossy(&up.stderr).into_owned().into()),
        }
    }

    fn rotaproof(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"));
        let state = self.0.path().join("state");
        command.args(arguments).env("ROTAPROOF_STATE", state);
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A lab that is down already says so; a test that failed is to be heard, not this.
        let _ = self.rotaproof(&["down"]).output();
    }
}
