//! How the operator's process is started so that it cannot outlive us.
//!
//! The child is this very executable, started again with [`TRIGGER`] in its environment: a constructor takes over before
//! `main` (inside any binary that links this crate, a user's own test binary included), asks the kernel to kill the process
//! when the thread that started it ends, and becomes the operator. The request survives `exec` (prctl(2),
//! `PR_SET_PDEATHSIG`), so a SIGKILL of the harness leaves nothing behind, and no process stands in between.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

/// The variable that makes the executable the operator: the program's path.
const TRIGGER: &str = "ROTAPROOF_BECOME";
/// The process that must be the parent still; otherwise it has ended before the kernel was asked.
const PARENT: &str = "ROTAPROOF_BECOME_FOR";

// Runs before `main`, of whichever executable. It returns at once in all but an operator's process.
#[ctor::ctor]
fn take_over() {
    if let Some(program) = std::env::var_os(TRIGGER) {
        let error = become_program(&program);
        // Standard error is the log that its reader waits for.
        let _ = io::Write::write_all(&mut io::stderr(), format!("{error}\n").as_bytes());
        std::process::exit(127);
    }
}

/// Does not return unless it fails.
fn become_program(program: &OsString) -> io::Error {
    if let Err(error) = die_with_parent() {
        return error;
    }
    let mut command = std::process::Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env_remove(TRIGGER)
        .env_remove(PARENT);
    command.exec()
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let wanted = std::env::var(PARENT).ok().and_then(|pid| pid.parse().ok());
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_nonzero);
    match parent.map(std::num::NonZero::get) == wanted {
        true => Ok(()),
        false => Err(io::Error::other("the harness has ended")),
    }
}

/// Only Linux can be asked; elsewhere the operator ends with its API, which it finds gone.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> io::Result<()> {
    Ok(())
}

/// The command that becomes `program`, in a process group of its own (a terminal's Ctrl-C is the harness' to handle), with
/// an empty environment and piped output. It dies with the thread that spawns it.
pub(crate) fn command(program: &Path) -> io::Result<tokio::process::Command> {
    let mut command = tokio::process::Command::new(rotaproof_base::own_executable()?);
    command
        .env_clear()
        .env(TRIGGER, program)
        .env(PARENT, std::process::id().to_string())
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}
