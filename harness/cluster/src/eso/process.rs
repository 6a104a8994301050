//! The operator's process: started, waited for, ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rotaproof_base::{SecretValue, TaskGroup};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::operator_log::OperatorLog;
use crate::{Error, launch};

/// Longer than a start on a machine that is busy: on an idle one it takes 0.1 s.
const START: Duration = Duration::from_secs(30);
/// What a pod is given between SIGTERM and SIGKILL, unless its manifest says otherwise.
const GRACE: Duration = Duration::from_secs(30);
/// How long its last lines are waited for when it has ended.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Lines of its log that explain its end.
const EXPLAINING: usize = 8;

/// What to start, and where its lines and its end are told.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Flags that releases before them can do without.
    pub(super) optional: &'static [&'static str],
    /// The whole environment.
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) log: OperatorLog,
    /// How it ended, where nobody had asked it to.
    pub(super) died: watch::Sender<Option<String>>,
}

impl Program {
    /// Starts it, up to the moment at which it works on its queue. An optional flag that it does not know is left out.
    pub(super) async fn start(&self) -> Result<Process, Error> {
        let mut arguments = self.arguments.clone();
        loop {
            let error = match self.start_with(&arguments).await {
                Ok(process) => return Ok(process),
                Err(error) => error,
            };
            let unknown = error.evidence.iter().find_map(|line| {
                let flag = line.split_once("unknown flag: ")?.1.trim();
                self.optional.iter().find(|optional| **optional == flag)
            });
            let before = arguments.len();
            arguments.retain(|argument| {
                let flag = argument.split('=').next();
                unknown.is_none_or(|unknown| flag != Some(unknown))
            });
            if arguments.len() == before {
                return Err(error);
            }
        }
    }

    async fn start_with(&self, arguments: &[String]) -> Result<Process, Error> {
        self.log.begin_again();
        self.died.send_replace(None);
        let shown = self.path.display();
        let mut command =
            launch::command(&self.path).map_err(|error| self.failed(error.to_string()))?;
        command.args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let child = command
            .spawn()
            .map_err(|error| self.failed(error.to_string()))?;
        let process = Process {
            end: End::default(),
            gone: CancellationToken::new(),
            tasks: TaskGroup::new(),
        };
        let (end, gone) = (process.end.clone(), process.gone.clone());
        let (log, died) = (self.log.clone(), self.died.clone());
        process.tasks.spawn(async move {
            let _gone = gone.drop_guard();
            if let Some(how) = attend(child, log, end).await {
                died.send_replace(Some(how));
            }
        });
        let mut died = self.died.subscribe();
        tokio::select! {
            biased;
            () = self.log.working() => Ok(process),
            how = died.wait_for(Option::is_some) => {
                let how = how.ok().and_then(|how| how.clone()).unwrap_or_default();
                Err(self.failed(format!("{shown} ended at once, {how}")))
            }
            () = tokio::time::sleep(START) => {
                let seconds = START.as_secs();
                Err(self.failed(format!("{shown} did not begin to work within {seconds}s")))
            }
        }
    }

    fn failed(&self, reason: String) -> Error {
        Error {
            evidence: self.log.last(EXPLAINING, &[]),
            next: Some(format!(
                "see what `{} --help` says; another binary is chosen with --eso",
                self.path.display()
            )),
            ..Error::starting("the External Secrets Operator")(reason)
        }
    }

    /// Waits until a process that was started ends unasked.
    pub(super) async fn died(&self, known: &[SecretValue]) -> Error {
        let mut died = self.died.subscribe();
        // The sender is this value's own: it cannot be gone.
        let how = died.wait_for(Option::is_some).await;
        let how = how.ok().and_then(|how| how.clone()).unwrap_or_default();
        Error {
            part: "the External Secrets Operator",
            action: "go on",
            reason: format!("{} ended, {how}", self.path.display()),
            evidence: self.log.last(EXPLAINING, known),
            next: None,
        }
    }
}

/// A process that was started. Dropping it kills it.
pub(super) struct Process {
    end: End,
    gone: CancellationToken,
    tasks: TaskGroup,
}

/// How a process is asked to end.
#[derive(Clone, Default)]
struct End {
    politely: CancellationToken,
    now: CancellationToken,
}

impl Process {
    /// Ends it as a rollout would: SIGTERM, and SIGKILL after the grace of a pod.
    pub(super) async fn terminate(self) {
        self.end.politely.cancel();
        self.gone.cancelled().await;
        self.tasks.shutdown().await;
    }

    /// Ends it now.
    pub(super) async fn kill(self) {
        self.end.now.cancel();
        self.gone.cancelled().await;
        self.tasks.shutdown().await;
    }
}

/// Reads what the process prints and waits for its end; answers how it was unless it was asked for. Dropping this kills it.
async fn attend(mut child: Child, log: OperatorLog, end: End) -> Option<String> {
    let process = child.id().and_then(|id| i32::try_from(id).ok());
    let process = process.and_then(Pid::from_raw);
    // To its whole group; it fails only where that has ended already.
    let signal = |signal| process.map(|process| kill_process_group(process, signal));
    let streams = (child.stdout.take(), child.stderr.take());
    let print = async {
        if let (Some(output), Some(errors)) = streams {
            tokio::join!(log.clone().follow(output), log.follow(errors));
        }
    };
    tokio::pin!(print);
    let ended = async {
        let mut printing = true;
        let status = loop {
            tokio::select! {
                biased;
                () = &mut print, if printing => printing = false,
                status = child.wait() => break status,
            }
        };
        // Its last lines are read before its end is told, unless a child of its own holds the pipe.
        if printing {
            let _ = tokio::time::timeout(LAST_LINES, print).await;
        }
        described(status)
    };
    tokio::pin!(ended);
    tokio::select! {
        biased;
        how = &mut ended => return Some(how),
        () = end.now.cancelled() => {}
        () = end.politely.cancelled() => {
            signal(Signal::TERM);
            if tokio::time::timeout(GRACE, &mut ended).await.is_ok() {
                return None;
            }
        }
    }
    signal(Signal::KILL);
    ended.await;
    None
}

fn described(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
