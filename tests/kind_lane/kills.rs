//! A harness that is killed leaves nothing in Docker that `gc` does not remove, and takes nothing of anyone else's.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use libtest_mimic::Failed;
use rotaproof_base::Entropy;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rotaproof-under-test");
const KILLS: usize = 20;
/// The last moment of a kill, in milliseconds: from before the cluster begins to in the midst of a scenario. A run of the
/// seed takes minutes.
const LATEST: u64 = 40_000;

pub(crate) fn twenty_kills_leave_nothing() -> Result<(), Failed> {
    let entropy = Entropy::from_system().map_err(|_| "no randomness")?;
    let strangers = there()?;
    for _ in 0..KILLS {
        let mut run = Command::new(PROGRAM)
            .args(["run", "--lane", "kind", "scenarios/seed"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // When the kill comes is the very thing that is tried.
        let (_sender, nobody) = channel::<()>();
        let _ = nobody.recv_timeout(Duration::from_millis(entropy.below(LATEST)));
        run.kill()?;
        let ended = run.wait()?;
        if ended.signal() != Some(9) {
            return Err(format!("a run of minutes ended by itself: {ended}").into());
        }
        let gone = Command::new(PROGRAM).arg("gc").output()?;
        if !gone.status.success() {
            return Err(String::from_utf8_lossy(&gone.stderr).into_owned().into());
        }
        let left = there()?;
        let folders = folders_of(run.id());
        if left != strangers || !folders.is_empty() {
            let more: Vec<_> = left.difference(&strangers).collect();
            let less: Vec<_> = strangers.difference(&left).collect();
            return Err(
                format!("left behind: {more:?} {folders:?}; gone with it: {less:?}").into(),
            );
        }
    }
    Ok(())
}

/// Every container, volume and network of this machine's Docker.
fn there() -> Result<BTreeSet<String>, Failed> {
    let mut all = BTreeSet::new();
    let listings: [&[&str]; 3] = [
        &["ps", "--all", "--format", "container {{.Names}}"],
        &["volume", "ls", "--format", "volume {{.Name}}"],
        &["network", "ls", "--format", "network {{.Name}}"],
    ];
    for arguments in listings {
        let listed = Command::new("docker").args(arguments).output()?;
        if !listed.status.success() {
            return Err(String::from_utf8_lossy(&listed.stderr).into_owned().into());
        }
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        // kind's network is everybody's: it stays for the next cluster, whoever makes it.
        let lines = text.lines().filter(|line| *line != "network kind");
        all.extend(lines.map(str::to_owned));
    }
    Ok(all)
}

/// The folders of a process: `rotaproof-<run>-<pid>`, perhaps with a number.
fn folders_of(process: u32) -> Vec<String> {
    let places = ["/dev/shm".into(), std::env::temp_dir()];
    let entries = places.into_iter().flat_map(std::fs::read_dir).flatten();
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| {
            let is_ours = name.starts_with("rotaproof-");
            is_ours && name.split('-').nth(2) == Some(&process.to_string())
        })
        .collect()
}
