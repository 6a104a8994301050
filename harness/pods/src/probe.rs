//! The probe: what runs in place of a container's program, and tells what it was given without giving it away.
//!
//! It is the running executable itself, started again with [`TRIGGER`] in its environment: a constructor of this crate
//! takes over before `main`, so it works inside any binary that links this crate, a user's own test binary included.
//! One JSON line each way over standard input and output; it ends when its standard input closes, so that a killed
//! harness leaves nothing behind. Its environment is the container's and nothing else.
//!
//! ```text
//! > {"command":"report","key":"<hex>","root":"/dev/shm/.../roots/app","mounts":["/etc/aws"]}
//! < {"env":{"NAME":"<fingerprint>"},"files":{"/etc/aws/key":{"fingerprint":"<fingerprint>","mode":"0644"}}}
//! > {"command":"exit","code":0}
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rotaproof_base::{Fingerprint, Fingerprinter};
use serde::{Deserialize, Serialize};

/// The variable that makes the executable a probe; never part of a report.
pub const TRIGGER: &str = "ROTAPROOF_PROBE";

/// Deeper than any mount of a test; ends a cycle of links.
const DEEPEST: usize = 16;

/// What the kubelet asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub(crate) enum Request {
    /// Tell what you see.
    Report {
        /// The run's fingerprint key, in hex.
        key: String,
        /// Where the container's file system begins.
        root: PathBuf,
        /// The mounted paths, as the container sees them.
        mounts: Vec<String>,
    },
    /// End with this code.
    Exit { code: i32 },
}

/// What a container was given, by fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its environment.
    pub env: BTreeMap<String, Fingerprint>,
    /// The files of its mounts, by their path in the container.
    pub files: BTreeMap<String, File>,
}

/// A file of a mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The fingerprint of its content.
    pub fingerprint: Fingerprint,
    /// Its permissions in octal: `0644`.
    pub mode: String,
}

// Runs before `main`, of whichever executable. It returns at once in all but probes.
#[ctor::ctor]
fn take_over() {
    if std::env::var_os(TRIGGER).is_some_and(|value| value == "1") {
        let code = serve(io::stdin().lock(), io::stdout().lock());
        std::process::exit(code);
    }
}

/// Answers until the input ends; the exit code of the process.
fn serve(input: impl BufRead, mut output: impl Write) -> i32 {
    for line in input.lines() {
        let Ok(request) = line
            .map_err(drop)
            .and_then(|line| serde_json::from_str(&line).map_err(drop))
        else {
            return 2;
        };
        match request {
            Request::Exit { code } => return code,
            Request::Report { key, root, mounts } => {
                let Some(key) = hex::decode(key).ok().and_then(|key| key.try_into().ok()) else {
                    return 2;
                };
                let report = look(&Fingerprinter::from_key(key), &root, &mounts);
                let Ok(mut answer) = serde_json::to_vec(&report) else {
                    return 2;
                };
                answer.push(b'\n');
                if output
                    .write_all(&answer)
                    .and_then(|()| output.flush())
                    .is_err()
                {
                    return 2;
                }
            }
        }
    }
    0
}

fn look(fingerprinter: &Fingerprinter, root: &Path, mounts: &[String]) -> Report {
    let env = std::env::vars_os()
        .filter(|(name, _)| name != TRIGGER)
        .map(|(name, value)| (text(&name), fingerprinter.of(value.as_bytes())))
        .collect();
    let mut files = BTreeMap::new();
    for mount in mounts {
        walk(
            fingerprinter,
            &within(root, mount),
            mount.trim_end_matches('/'),
            DEEPEST,
            &mut files,
        );
    }
    Report { env, files }
}

fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// A container's path under its root; it cannot leave the root.
pub(crate) fn within(root: &Path, path: &str) -> PathBuf {
    let parts = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    root.join(parts.collect::<PathBuf>())
}

fn walk(
    fingerprinter: &Fingerprinter,
    at: &Path,
    shown: &str,
    depth: usize,
    files: &mut BTreeMap<String, File>,
) {
    let Ok(metadata) = fs::metadata(at) else {
        return;
    };
    if metadata.is_file() {
        let Ok(content) = fs::read(at) else { return };
        let file = File {
            fingerprint: fingerprinter.of(&content),
            mode: format!("{:04o}", metadata.permissions().mode() & 0o7777),
        };
        files.insert(shown.to_owned(), file);
    } else if metadata.is_dir() && depth > 0 {
        let Ok(entries) = fs::read_dir(at) else {
            return;
        };
        for entry in entries.flatten() {
            let name = text(&entry.file_name());
            // `..data` and the folders behind it: how the files come here, not what a program reads.
            if !name.starts_with("..") {
                walk(
                    fingerprinter,
                    &entry.path(),
                    &format!("{shown}/{name}"),
                    depth - 1,
                    files,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(lines: &str) -> (i32, String) {
        let mut output = Vec::new();
        let code = serve(lines.as_bytes(), &mut output);
        (code, String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_report_has_fingerprints_and_modes_but_no_values_and_no_links_of_the_writer() {
        let root = tempfile::tempdir().unwrap();
        let mount = root.path().join("etc/aws");
        fs::create_dir_all(mount.join("..2025_11_08")).unwrap();
        fs::write(mount.join("..2025_11_08/key"), "s3cret").unwrap();
        fs::set_permissions(
            mount.join("..2025_11_08/key"),
            fs::Permissions::from_mode(0o440),
        )
        .unwrap();
        std::os::unix::fs::symlink("..2025_11_08", mount.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/key", mount.join("key")).unwrap();
        let request = Request::Report {
            key: hex::encode([7; 32]),
            root: root.path().to_owned(),
            mounts: vec!["/etc/aws".into()],
        };
        let (code, answer) = ask(&format!("{}\n", serde_json::to_string(&request).unwrap()));
        assert_eq!(code, 0);
        assert!(!answer.contains("s3cret"));
        let report: Report = serde_json::from_str(&answer).unwrap();
        let expected = File {
            fingerprint: Fingerprinter::from_key([7; 32]).of(b"s3cret"),
            mode: "0440".into(),
        };
        assert_eq!(
            report.files,
            BTreeMap::from([("/etc/aws/key".to_owned(), expected)])
        );
    }

    #[rstest::rstest]
    #[case("", 0)]
    #[case("{\"command\":\"exit\",\"code\":3}\n", 3)]
    #[case("garbage\n", 2)]
    #[case(
        "{\"command\":\"report\",\"key\":\"zz\",\"root\":\"/\",\"mounts\":[]}\n",
        2
    )]
    fn the_probe_ends_with_its_input_the_code_asked_for_or_2(
        #[case] input: &str,
        #[case] code: i32,
    ) {
        assert_eq!(ask(input).0, code);
    }

    #[rstest::rstest]
    #[case("/etc/x", "/r/etc/x")]
    #[case("etc/../../x/", "/r/etc/x")]
    #[case("/", "/r")]
    fn a_path_stays_under_the_root(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(within(Path::new("/r"), path), Path::new(expected));
    }
}
