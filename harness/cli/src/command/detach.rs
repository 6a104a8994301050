//! `rotaproof up --detach`: the lab as a process of its own.
//!
//! It says one line on its standard output, a pipe, when it is ready or why it is not. Nothing of the caller's
//! terminal stays with it: a shell that captures the output of `up --detach` is not kept waiting.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rotaproof_lab::control::Status;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::summary;
use super::up::Args;
use super::which_lab::block_on;
use crate::error::{Error, ExitStatus};

/// What the process says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Ready,
    Failed { text: String, usage: bool },
}

/// In the lab's process: says how its start went.
pub(super) fn tell(error: Option<&Error>) -> Result<(), Error> {
    let outcome = match error {
        None => Outcome::Ready,
        Some(error) => Outcome::Failed {
            text: error.to_string(),
            usage: ExitStatus::from(error) == ExitStatus::Wrong,
        },
    };
    let line = serde_json::to_string(&outcome).map_err(std::io::Error::other)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// In the caller's process: starts the lab's, and waits until it is ready.
pub(super) fn start(args: &Args) -> Result<ExitStatus, Error> {
    block_on(async {
        let began = Instant::now();
        // What is wrong with the scenario is said here, with all its colours.
        args.options()?;
        let place = args.lab.place()?;
        let log = place.log()?;
        let mut lab = spawn(&log)?;
        match hear(&mut lab, &log)? {
            Outcome::Ready => {}
            Outcome::Failed { text, usage } => {
                // It is about to end.
                lab.wait()?;
                return Err(Error::Lab(match usage {
                    true => rotaproof_lab::Error::Usage(text),
                    false => rotaproof_lab::Error::Environment(text),
                }));
            }
        }
        let status = args.lab.connect().await?.status().await?;
        let took = began.elapsed();
        if args.prints_environment() {
            summary::welcome(&mut anstream::stderr(), &status, took)?;
            print(&status)?;
        } else {
            let mut out = anstream::stdout();
            summary::welcome(&mut out, &status, took)?;
            writeln!(out, "  rotaproof down")?;
        }
        Ok(ExitStatus::Passed)
    })
}

fn spawn(log: &Path) -> Result<Child, Error> {
    let log_file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)
        .map_err(|source| Error::File {
            action: "write",
            path: log.to_owned(),
            source,
        })?;
    let program = std::env::current_exe()?;
    let arguments = std::env::args_os().skip(1);
    let lab = Command::new(program)
        .args(arguments)
        .arg("--detached")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        // A Ctrl-C in the caller's terminal is not meant for it.
        .process_group(0)
        .spawn()?;
    Ok(lab)
}

/// Waits for the line.
fn hear(lab: &mut Child, log: &Path) -> Result<Outcome, Error> {
    let mut line = String::new();
    if let Some(out) = lab.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    serde_json::from_str(&line).map_err(|_| {
        Error::Lab(rotaproof_lab::Error::Environment(format!(
            "the lab ended before it was ready; what it had to say is in {}",
            log.display()
        )))
    })
}

/// The environment, as the lab wrote it.
fn print(status: &Status) -> Result<(), Error> {
    let path = &status.env_file;
    let text = std::fs::read(path).map_err(|source| Error::File {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}
