//! A container's process: a probe, started and asked over its pipes.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rotaproof_base::{Fingerprinter, own_executable};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::environment::Environment;
use crate::probe::{Report, Request, TRIGGER};

/// A running probe. Dropping it ends the process and waits for its end, which takes a millisecond.
pub(crate) struct Probe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    root: PathBuf,
    mounts: Vec<String>,
}

/// Does work that waits for a child process.
///
/// On a current-thread runtime it is done on the spot: a paused clock cannot jump meanwhile, and everything keeps
/// its order, so that a run is reproducible. On other runtimes it goes to the threads for blocking work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => work(),
        _ => tokio::task::spawn_blocking(work)
            .await
            .map_err(io::Error::other)?,
    }
}

impl Probe {
    /// Starts the running executable as a probe in `folder`, with this environment and no other.
    pub(crate) fn start(
        environment: &Environment,
        folder: &Path,
        root: PathBuf,
        mounts: Vec<String>,
    ) -> io::Result<Self> {
        let variables = environment
            .iter()
            .map(|(name, value)| (name, std::ffi::OsStr::from_bytes(value.expose())));
        let mut child = Command::new(own_executable()?)
            .env_clear()
            .envs(variables)
            .env(TRIGGER, "1")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child,
                input,
                output: BufReader::new(output),
                root,
                mounts,
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Asks what the container sees now.
    pub(crate) fn report(&mut self, fingerprinter: &Fingerprinter) -> io::Result<Report> {
        let request = Request::Report {
            key: hex::encode(fingerprinter.key()),
            root: self.root.clone(),
            mounts: self.mounts.clone(),
        };
        self.send(&request)?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// Has the process end with this code; the code that it ended with.
    pub(crate) fn exit(mut self, code: i32) -> io::Result<i32> {
        self.send(&Request::Exit { code })?;
        Ok(self.child.wait()?.code().unwrap_or(137))
    }

    fn send(&mut self, request: &Request) -> io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.input.write_all(&line)?;
        self.input.flush()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rotaproof_base::SecretValue;
    use std::collections::BTreeMap;

    fn environment() -> Environment {
        BTreeMap::from([
            ("A".to_owned(), SecretValue::new("1")),
            ("kebab-case.key".to_owned(), SecretValue::new("2")),
        ])
    }

    fn start(folder: &Path) -> Probe {
        Probe::start(&environment(), folder, folder.join("root"), Vec::new()).unwrap()
    }

    #[test]
    fn the_probe_runs_in_this_very_test_binary_and_sees_the_containers_environment_only() {
        let folder = tempfile::tempdir().unwrap();
        let fingerprinter = Fingerprinter::from_key([1; 32]);
        let report = start(folder.path()).report(&fingerprinter).unwrap();
        let expected = [("A", "1"), ("kebab-case.key", "2")];
        let expected = expected.map(|(k, v)| (k.to_owned(), fingerprinter.of(v.as_bytes())));
        assert_eq!(report.env, BTreeMap::from(expected));
    }

    #[test]
    fn the_probe_ends_with_the_code_that_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(start(folder.path()).exit(7).unwrap(), 7);
    }

    #[test]
    fn the_probe_ends_when_its_standard_input_closes() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(own_executable().unwrap())
            .env_clear()
            .env(TRIGGER, "1")
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_dropped_probe_leaves_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let probe = start(folder.path());
        let process = Path::new("/proc").join(probe.child.id().to_string());
        assert!(!Path::new("/proc/self").exists() || process.exists());
        drop(probe);
        assert!(!process.exists());
    }
}
