//! What a file is: a program for this machine, and the External Secrets Operator.

mod build;
mod elf;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use self::build::Build;
pub(crate) use self::elf::Machine;
use self::elf::{Elf, Unfit};
use crate::{Error, Version};

/// How long a program may take to say what it is. ESO 0.20.4 takes 0.12 s, 0.25 s beside other work.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of its answer, in bytes; ESO's has 5,000.
const MAX_ANSWER: u64 = 64 * 1024;
/// What is shown of another program's answer, in characters.
const SHOWN: usize = 200;

/// Checks that the file is ESO for this machine; its version, where the file says it: in Go's build information,
/// else in its name.
pub(crate) async fn examine(path: &Path) -> Result<Option<Version>, Error> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::NoSuchFile(path.into()));
        }
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    if !metadata.is_file() {
        return Err(Error::NotAFile(path.into()));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(Error::NotExecutable(path.into()));
    }
    let mut file = File::open(path).map_err(Error::file("read", path))?;
    let elf = Elf::read(&mut file).map_err(|unfit| match unfit {
        Unfit::NoElf => Error::NotElf {
            path: path.into(),
            starts: first_bytes(path),
        },
        Unfit::OtherMachine(built) => Error::WrongArchitecture {
            path: path.into(),
            built,
            machine: Machine::here().name.into(),
        },
    })?;
    let build = elf.go_build(&mut file).map(|text| Build::parse(&text));
    drop(file);
    // Running it costs 0.1 s and 130 MB, so only what does not say by itself what it is has to.
    if !build.as_ref().is_some_and(Build::is_eso) {
        ask(path).await?;
    }
    Ok(build
        .and_then(|build| build.version())
        .or_else(|| version_in_name(path))
        // Where a link leads: `external-secrets -> external-secrets-v0.20.4`.
        .or_else(|| version_in_name(&std::fs::canonicalize(path).ok()?)))
}

/// `external-secrets-v0.20.4`
fn version_in_name(path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_str()?;
    name.match_indices('-')
        .filter_map(|(at, _)| name[at + 1..].strip_prefix('v').or(Some(&name[at + 1..])))
        .find_map(|rest| rest.parse().ok())
}

fn first_bytes(path: &Path) -> String {
    let mut start = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    match read {
        Ok(0) => "nothing (it is empty)".into(),
        Ok(read) => format!("\"{}\"", start[..read].escape_ascii()),
        Err(error) => error.to_string(),
    }
}

/// Runs it with `--help`, with nothing of our environment, for a bounded time.
async fn ask(path: &Path) -> Result<(), Error> {
    let not_eso = |answer: String| Error::NotEso {
        path: path.into(),
        answer,
    };
    let mut child = spawn(path)
        .await
        .map_err(|error| not_eso(format!("cannot be run: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let answer = timeout(PATIENCE, async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        // Where a pipe breaks, what came before is the answer.
        let _ = tokio::join!(async { read(stdout, &mut out).await }, async {
            read(stderr, &mut err).await
        },);
        let status = child.wait().await;
        out.extend_from_slice(&err);
        (status, out)
    })
    .await;
    // Dropping the child kills it.
    let Ok((status, said)) = answer else {
        return Err(not_eso(format!(
            "did not end within {} s",
            PATIENCE.as_secs()
        )));
    };
    let said = String::from_utf8_lossy(&said);
    // ESO's root command, its name for itself and a flag that it has had in every version with a v1beta1 API.
    if said.contains("external-secrets [flags]") && said.contains("--store-requeue-interval") {
        return Ok(());
    }
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect();
    Err(not_eso(match (shown.as_str(), status) {
        ("", Ok(status)) => format!("printed nothing ({status})"),
        ("", Err(error)) => format!("printed nothing ({error})"),
        (shown, _) if line.chars().count() > SHOWN => format!("printed: {shown}…"),
        (shown, _) => format!("printed: {shown}"),
    }))
}

async fn spawn(path: &Path) -> std::io::Result<Child> {
    let mut tries = 0;
    loop {
        let spawned = Command::new(path)
            .arg("--help")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        match spawned {
            // Just written by us, and a process that another thread forked has not yet let go of it. Nothing tells
            // when it does (as Go's runtime, golang/go#22315).
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && tries < 100 => {
                tries += 1;
                sleep(Duration::from_millis(10)).await;
            }
            spawned => return spawned,
        }
    }
}

async fn read(
    pipe: Option<impl tokio::io::AsyncRead + Unpin>,
    into: &mut Vec<u8>,
) -> std::io::Result<()> {
    if let Some(pipe) = pipe {
        pipe.take(MAX_ANSWER).read_to_end(into).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("external-secrets-v0.20.4", Some("0.20.4"))]
    #[case("external-secrets-2.9.0", Some("2.9.0"))]
    #[case("external-secrets-v2.0.0-rc1", Some("2.0.0-rc1"))]
    #[case("external-secrets", None)]
    #[case("external-secrets-linux-amd64", None)]
    fn a_name_may_have_the_version_in_it(#[case] name: &str, #[case] version: Option<&str>) {
        let found = version_in_name(&Path::new("/opt").join(name));
        assert_eq!(found, version.map(|version| version.parse().unwrap()));
    }
}
