//! Why there is no release to run: what happened, where, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use crate::Version;

/// The environment failed (exit code 3). Its text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing at the path.
    #[error("no such file: {}; give the path of an external-secrets binary, or a version such as 2.9.0", .0.display())]
    NoSuchFile(PathBuf),
    /// A folder, a pipe, a device.
    #[error("{} is no file; give the path of an external-secrets binary", .0.display())]
    NotAFile(PathBuf),
    /// No execute permission.
    #[error("{path} may not be executed; allow it: chmod +x {path}", path = .0.display())]
    NotExecutable(PathBuf),
    /// No program for Linux.
    #[error("{} is no Linux program: it begins with {starts}, not with an ELF header; give the path of an external-secrets binary itself, not of a script, an archive or an image", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        starts: String,
    },
    /// A program for another machine.
    #[error("{} is built for {built}, this machine is {machine}; give a binary for {machine}, or a version: its image has one for each", path.display())]
    WrongArchitecture {
        /// The file.
        path: PathBuf,
        /// What it is built for.
        built: String,
        /// What would run here.
        machine: String,
    },
    /// Another program.
    #[error("{} is not the External Secrets Operator: asked with --help, it {answer}; give the path of the controller's binary (`external-secrets`)", path.display())]
    NotEso {
        /// The file.
        path: PathBuf,
        /// What it did: `printed: …`, `said nothing within 10 s`.
        answer: String,
    },
    /// The registry or the repository does not have this version.
    #[error("there is no ESO {version} at {place}{}", listed(.nearest))]
    NoSuchVersion {
        /// The version that was asked for.
        version: Version,
        /// Where it was looked for.
        place: String,
        /// Releases that are there, the nearest first; empty where they cannot be listed.
        nearest: Vec<Version>,
    },
    /// No answer.
    #[error(
        "cannot reach {host}: {reason}; check the network, HTTPS_PROXY and NO_PROXY, or set {setting} to a mirror, or give the path of a binary and its CRDs"
    )]
    Unreachable {
        /// Host and port, of the proxy where one is in between.
        host: String,
        /// Why.
        reason: String,
        /// The setting that leads elsewhere.
        setting: &'static str,
    },
    /// 401 or 403.
    #[error("{url} refuses: {status}{}; a pull without credentials must be allowed there: check {setting}, or give the path of a binary", quoted(.said))]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// The server's words.
        said: String,
        /// The setting that leads elsewhere.
        setting: &'static str,
    },
    /// An answer that does not help.
    #[error("{url} answered {status}{}; try again, or check {setting}", quoted(.said))]
    Answered {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// The server's words.
        said: String,
        /// The setting that leads elsewhere.
        setting: &'static str,
    },
    /// The body broke off, again and again.
    #[error(
        "the download of {url} broke off after {got} of {expected} bytes, {attempts} times ({reason}); run again: it goes on from there"
    )]
    Truncated {
        /// What was downloaded.
        url: String,
        /// Bytes that are here.
        got: u64,
        /// Bytes in all, or `an unknown number`.
        expected: String,
        /// How often it was tried.
        attempts: u32,
        /// Why it broke off last.
        reason: String,
    },
    /// Other bytes than the registry promised.
    #[error(
        "checksum mismatch: {what} is {actual}, expected {expected}; nothing was kept: try again, and check {setting} and the proxies in between"
    )]
    Checksum {
        /// What: a URL or a file.
        what: String,
        /// The digest that was promised.
        expected: String,
        /// The digest of what came.
        actual: String,
        /// The setting that leads elsewhere.
        setting: &'static str,
    },
    /// The disk is full, or a quota is.
    #[error("no space left to write {}: {source}; about 250 MB are needed for a version: make room, or set XDG_CACHE_HOME to another disk", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be had.
    #[error("cannot {action} {}: {source}; check its permissions, or set XDG_CACHE_HOME to a folder of yours", path.display())]
    File {
        /// What should have been done: `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The image has nothing for this machine.
    #[error(
        "{image} has no program for {machine}, only for {offered}; give the path of a binary for {machine}"
    )]
    NoPlatform {
        /// The image.
        image: String,
        /// `linux/amd64`
        machine: String,
        /// The platforms that it has.
        offered: String,
    },
    /// The image is not usable.
    #[error(
        "{image} is not usable: {reason}; check ROTAPROOF_ESO_REGISTRY: it must hold ESO's own image"
    )]
    Image {
        /// The image.
        image: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The CRDs cannot be read.
    #[error("cannot read CRDs from {}: {reason}; --crds takes a YAML file or a folder of them, such as the release's deploy/crds/bundle.yaml", path.display())]
    Crds {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No CRDs came with the binary, and its version, by which to fetch them, is unknown.
    #[error("no CRDs for {program}, whose version cannot be told; looked for {looked}; give them with --crds, or name the file external-secrets-v<version>", program = program.display())]
    NoCrds {
        /// The binary.
        program: PathBuf,
        /// Where they could have been.
        looked: String,
    },
    /// CRDs of another release.
    #[error(
        "the CRDs in {origin} serve ExternalSecret at {served}, ESO {version} reads {needed}; give the CRDs of {version} with --crds"
    )]
    OtherCrds {
        /// Where the CRDs come from.
        origin: String,
        /// The versions that they serve.
        served: String,
        /// The binary's version.
        version: Version,
        /// The API version that it needs.
        needed: &'static str,
    },
    /// A setting is wrong.
    #[error("{name}={value}: {reason}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The caller cancelled.
    #[error("interrupted; what was downloaded is kept, and the next run goes on from there")]
    Cancelled,
}

impl Error {
    /// `map_err(Error::file("write", path))`
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            // A limit on the size of files (ulimit -f) is as full as a disk.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { path, source },
            _ => Self::File {
                action,
                path,
                source,
            },
        }
    }

    /// `map_err(Error::crds(path))`
    pub(crate) fn crds(path: &Path, reason: impl ToString) -> Self {
        Self::Crds {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

fn listed(versions: &[Version]) -> String {
    match versions {
        [] => "; see https://github.com/external-secrets/external-secrets/releases".to_owned(),
        _ => {
            let names: Vec<_> = versions.iter().map(Version::to_string).collect();
            format!("; the nearest there are {}", names.join(", "))
        }
    }
}

fn quoted(words: &str) -> String {
    match words {
        "" => String::new(),
        words => format!(" ({words})"),
    }
}
