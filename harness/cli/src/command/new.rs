//! `rotaproof new`

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ExitStatus};

/// What to write.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder to write into; made where it is missing.
    #[arg(default_value = "scenarios")]
    folder: PathBuf,
}

const FILES: [(&str, &str); 5] = [
    (
        "rotation.scenario.yaml",
        include_str!("../../templates/new/rotation.scenario.yaml"),
    ),
    (
        "manifests/cluster.yaml",
        include_str!("../../templates/new/cluster.yaml"),
    ),
    (
        "manifests/store.yaml",
        include_str!("../../templates/new/store.yaml"),
    ),
    (
        "manifests/externalsecret.yaml",
        include_str!("../../templates/new/externalsecret.yaml"),
    ),
    (
        "manifests/job.yaml",
        include_str!("../../templates/new/job.yaml"),
    ),
];

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let taken: Vec<_> = FILES
        .iter()
        .map(|(name, _)| args.folder.join(name))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if !taken.is_empty() {
        return Err(Error::Usage(format!(
            "already there, and left as it is: {}",
            taken.join(", ")
        )));
    }
    for (name, text) in FILES {
        write_new(&args.folder.join(name), text)?;
    }
    let mut out = anstream::stdout();
    for (name, _) in FILES {
        writeln!(out, "wrote {}", args.folder.join(name).display())?;
    }
    writeln!(out, "run it: rotaproof run {}", args.folder.display())?;
    Ok(ExitStatus::Passed)
}

/// Writes a file that must not exist yet, with its folder.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
