//! A harness that is killed leaves nothing behind that the next run does not sweep.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use libtest_mimic::Failed;
use rotaproof_base::Entropy;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rotaproof-under-test");
const KILLS: usize = 50;
/// The last moment of a kill, in milliseconds: before, while and after the operator starts, and in mid-scenario.
const LATEST: u64 = 2500;
/// The kernel ends an operator at once; this is for a machine that is busy.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) fn fifty_kills_leave_nothing() -> Result<(), Failed> {
    let entropy = Entropy::from_system().map_err(|_| "no randomness")?;
    let mut killed = Vec::new();
    for _ in 0..KILLS {
        let mut run = start(&[
            "run",
            "--lane",
            "eso",
            "--jobs",
            "2",
            "scenarios/seed/vault",
        ])?;
        killed.push(run.id());
        pause(Duration::from_millis(entropy.below(LATEST)));
        run.kill()?;
        let ended = run.wait()?;
        if ended.signal() != Some(9) {
            return Err(format!("a run of seconds ended by itself: {ended}").into());
        }
    }
    let operators = until_none(|| processes(|process| is_operator_of(process, &killed)));
    let pods = until_none(|| processes(is_ours));
    let mut next = start(&["run", "scenarios/seed/vault/owner.scenario.yaml"])?;
    let swept = next.wait()?.success();
    let folders: Vec<_> = folders(&killed).collect();
    match (operators.is_empty(), pods.is_empty(), folders.is_empty(), swept) {
        (true, true, true, true) => Ok(()),
        _ => Err(format!(
            "operators {operators:?}, pods {pods:?}, folders {folders:?}, the next run passed: {swept}"
        )
        .into()),
    }
}

fn start(arguments: &[&str]) -> std::io::Result<Child> {
    Command::new(PROGRAM)
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Lets time pass: when a kill comes is the very thing that is tried.
fn pause(time: Duration) {
    let (_sender, nobody) = channel::<()>();
    let _ = nobody.recv_timeout(time);
}

/// Asks until there is none, or the time is up; what there is then.
fn until_none<T>(ask: impl Fn() -> Vec<T>) -> Vec<T> {
    let tries = GONE_WITHIN.as_millis() / LOOK_AGAIN.as_millis();
    for _ in 0..tries {
        if ask().is_empty() {
            break;
        }
        pause(LOOK_AGAIN);
    }
    ask()
}

/// The processes that live and are like this.
fn processes(like: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|process| like(process))
        .collect()
}

/// An operator's environment names the folder of its run, which names the process.
fn is_operator_of(process: &Path, killed: &[u32]) -> bool {
    let environment = fs::read(process.join("environ")).unwrap_or_default();
    let kubeconfig = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"KUBECONFIG="));
    let path = String::from_utf8_lossy(kubeconfig.unwrap_or_default()).into_owned();
    path.ends_with("/kubeconfig") && killed.iter().any(|id| path.contains(&format!("-{id}")))
}

/// A pod is a process of the same program.
fn is_ours(process: &Path) -> bool {
    fs::read_link(process.join("exe")).is_ok_and(|program| program == Path::new(PROGRAM))
}

fn folders(killed: &[u32]) -> impl Iterator<Item = PathBuf> {
    let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
    let entries = places
        .into_iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten();
    entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut parts = name.split('-').skip(2);
        name.starts_with("rotaproof-")
            && parts
                .next()
                .and_then(|id| id.parse().ok())
                .is_some_and(|id| killed.contains(&id))
    })
}
