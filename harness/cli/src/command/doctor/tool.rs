//! Asks a program something, for so long and no longer.

use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// What a program may print, in bytes; more is not read.
const LONGEST: u64 = 1024 * 1024;

/// What a program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) out: String,
    /// What it complained of.
    pub(crate) err: String,
}

/// Why a program gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Silence {
    /// There is no such program.
    #[error("not on PATH")]
    NotFound,
    /// It may not be, or cannot be, started.
    #[error("cannot be started: {0}")]
    NotStarted(String),
    /// It took too long.
    #[error("gave no answer within {}", rotaproof_events::human(*.0))]
    Late(Duration),
}

/// Runs a program and reads what it prints. Its whole process group is killed after `limit`, or when this is dropped.
pub(crate) async fn ask(
    program: &str,
    arguments: &[&str],
    limit: Duration,
) -> Result<Answer, Silence> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Silence::NotFound,
            _ => Silence::NotStarted(error.to_string()),
        })?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let answer = async {
        let (out, err) = tokio::join!(text(out), text(err));
        (child.wait().await, out, err)
    };
    let answered = tokio::time::timeout(limit, answer).await;
    let (status, out, err) = answered.map_err(|_| Silence::Late(limit))?;
    let status = status.map_err(|error| Silence::NotStarted(error.to_string()))?;
    group.has_ended();
    Ok(Answer { status, out, err })
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read before an error is all there is.
        let _ = stream.take(LONGEST).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// A process and its children. Dropping it kills them.
struct Group(Option<Pid>);

impl Group {
    /// Its number may be another's from now on.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It fails only where all of them have ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn what_a_program_prints_and_how_it_ends_is_its_answer() {
        let answer = ask("sh", &["-c", "echo out; echo err >&2; exit 3"], LIMIT)
            .await
            .unwrap();
        let Answer { status, out, err } = answer;
        assert_eq!(
            (status.code(), out.as_str(), err.as_str()),
            (Some(3), "out", "err")
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_not_found() {
        let silence = ask("rotaproof-no-such-program", &[], LIMIT)
            .await
            .unwrap_err();
        assert_eq!(silence, Silence::NotFound);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        // The child holds the pipes too.
        let script = format!("sleep 3600 & echo $! > {}; wait", file.display());
        let limit = Duration::from_millis(500);
        let silence = ask("sh", &["-c", &script], limit).await.unwrap_err();
        assert_eq!(silence, Silence::Late(limit));
        let child = std::fs::read_to_string(file).unwrap();
        let gone = || {
            let process = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
            // A zombie waits for its new parent only.
            process.map_or(true, |stat| stat.contains(") Z "))
        };
        tokio::time::timeout(LIMIT, async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the child lives on");
    }
}
