//! The operator's process: started, waited for, ended.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rotaproof_base::TaskGroup;
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::launch;
use super::log::OperatorLog;
use crate::Error;

/// Longer than a start on a machine that is busy: on an idle one it takes 0.1 s.
const START: Duration = Duration::from_secs(30);
/// What a pod is given between SIGTERM and SIGKILL, unless its manifest says otherwise.
const GRACE: Duration = Duration::from_secs(30);
/// Lines of its log that explain its end.
const EXPLAINING: usize = 8;

/// What to start, and where its lines and its end are told.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    /// The whole environment.
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) log: OperatorLog,
    /// How it ended, where nobody had asked it to.
    pub(super) died: watch::Sender<Option<String>>,
}

impl Program {
    /// Starts it, up to the moment at which it works on its queue.
    pub(super) async fn start(&self) -> Result<Process, Error> {
        self.log.begin_again();
        let shown = self.path.display();
        let mut command =
            launch::command(&self.path).map_err(|error| self.failed(error.to_string()))?;
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let child = command
            .spawn()
            .map_err(|error| self.failed(error.to_string()))?;
        let process = Process {
            politely: CancellationToken::new(),
            gone: CancellationToken::new(),
            tasks: TaskGroup::new(),
        };
        let (politely, gone) = (process.politely.clone(), process.gone.clone());
        let (log, died) = (self.log.clone(), self.died.clone());
        process.tasks.spawn(async move {
            let _gone = gone.drop_guard();
            if let Some(how) = attend(child, log, politely).await {
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
    pub(super) async fn died(&self, known: &[rotaproof_base::SecretValue]) -> Error {
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
    politely: CancellationToken,
    gone: CancellationToken,
    tasks: TaskGroup,
}

impl Process {
    /// Ends it as a rollout would: SIGTERM, and SIGKILL after the grace of a pod.
    pub(super) async fn terminate(self) {
        self.politely.cancel();
        self.gone.cancelled().await;
        self.tasks.shutdown().await;
    }

    /// Ends it now.
    pub(super) async fn kill(self) {
        self.tasks.shutdown().await;
    }
}

/// Reads what the process prints and waits for its end; answers how it was unless it was asked for. Dropping this kills it.
async fn attend(mut child: Child, log: OperatorLog, politely: CancellationToken) -> Option<String> {
    let process = child.id().and_then(|id| i32::try_from(id).ok());
    let process = process.and_then(rustix::process::Pid::from_raw);
    let streams = (child.stdout.take(), child.stderr.take());
    let print = async {
        if let (Some(output), Some(errors)) = streams {
            tokio::join!(log.clone().follow(output), log.follow(errors));
        }
    };
    let ended = async {
        // Its last lines are read before its end is told.
        print.await;
        described(child.wait().await)
    };
    tokio::pin!(ended);
    tokio::select! {
        biased;
        how = &mut ended => return Some(how),
        () = politely.cancelled() => {}
    }
    if let Some(process) = process {
        // It fails only where the process has ended already.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
    // Dropping `child` kills what is left after the grace.
    let _ = tokio::time::timeout(GRACE, ended).await;
    None
}

fn described(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
