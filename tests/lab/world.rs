//! A place for labs of this test alone, and the program.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The folder of one test; its lab ends with it.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A world with a lab that is up.
    pub(crate) fn with_lab(arguments: &[&str]) -> Self {
        let world = Self::new();
        let up = world.run(&[&["up", "--detach"], arguments].concat());
        assert!(up.status.success(), "{}", said(&up));
        world
    }

    /// The folder that commands run in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of all labs.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// The folder of the lab `default`.
    pub(crate) fn lab(&self) -> PathBuf {
        self.state().join("default")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"));
        command
            .current_dir(self.folder())
            .args(arguments)
            .env_clear()
            .env("ROTAPROOF_STATE", self.state());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must end with this code; its standard error.
    pub(crate) fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs a command with this on its standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `status --json`
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.ok(&["status", "--json"])).unwrap()
    }

    /// What a shell has after it sourced a file, and did not have before.
    pub(crate) fn sourced(&self, file: &Path) -> BTreeMap<String, String> {
        let output = Command::new("sh")
            .args(["-c", r#". "$0" && env -0"#])
            .arg(file)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout)
            .unwrap()
            .split_terminator('\0')
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| !["PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.run(&["down"]);
    }
}

/// Both outputs of a command, for a message.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A lab in the foreground.
pub(crate) struct Foreground(pub(crate) Child);

impl Foreground {
    /// Starts it, and waits until it has said where it is.
    pub(crate) fn start(world: &World, arguments: &[&str]) -> (Self, Vec<String>) {
        use std::io::{BufRead, BufReader};
        let child = world
            .command(&[&["up"], arguments].concat())
            .stdout(Stdio::piped())
            .spawn();
        let mut lab = Self(child.unwrap());
        let mut lines = BufReader::new(lab.0.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        loop {
            let line = lines.next().expect("the lab ended early").unwrap();
            let last = line.contains("Ctrl-C ends it");
            told.push(line);
            if last {
                // Its further output must find a reader.
                std::thread::spawn(move || lines.for_each(drop));
                return (lab, told);
            }
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
