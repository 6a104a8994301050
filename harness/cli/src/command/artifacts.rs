//! A folder for each scenario that did not pass, with what explains it (`--artifacts`).
//!
//! ```text
//! DIR/a-job-sees-a-rotation/failure.txt     as the terminal tells it
//! DIR/a-job-sees-a-rotation/alone.sh        the command that runs it alone
//! DIR/a-job-sees-a-rotation/events.jsonl    the records of the scenario, as --report json has them
//! DIR/a-job-sees-a-rotation/journal.jsonl   every request to the vaults
//! DIR/a-job-sees-a-rotation/operator.log    what the operator printed, where it prints
//! DIR/a-job-sees-a-rotation/pods.txt        pods as last seen
//! DIR/a-job-sees-a-rotation/objects.txt     stores, ExternalSecrets, Secrets and Jobs as last seen
//! DIR/a-job-sees-a-rotation/k8s-events.txt  Kubernetes events, oldest first
//! ```
//!
//! The last five are not there where there was no lab.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rotaproof_events::{Event, Evidence, Failure, Record, Verdict};
use rotaproof_report::{Report, failure_text};
use rotaproof_runner::{Keep, Remains};
use rotaproof_scenario::Case;
use tempfile::SpooledTempFile;

use crate::error::Error;

/// All that a folder may have.
const FILES: [&str; 8] = [
    "failure.txt",
    "alone.sh",
    "events.jsonl",
    "journal.jsonl",
    "operator.log",
    "pods.txt",
    "objects.txt",
    "k8s-events.txt",
];
/// A longer title is cut, in bytes.
const LONGEST: usize = 80;
/// Records of a scenario that are kept in memory, in bytes; the rest waits in a file until it is known how it ended.
const IN_MEMORY: usize = 8 << 20;

/// The folders of a run.
#[derive(Clone)]
pub(super) struct Artifacts(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    /// The folder of each scenario.
    folders: Vec<PathBuf>,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    folders: BTreeSet<PathBuf>,
    failed: Option<Error>,
}

impl Artifacts {
    /// Makes the folder, and removes from it what an earlier run kept of these scenarios.
    pub(super) fn of(folder: &Path, cases: &[Case]) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(file("make", folder))?;
        let names = names(cases.iter().map(|case| case.title.as_str()));
        let folders: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        for folder in &folders {
            forget(folder)?;
        }
        Ok(Self(Arc::new(Shared {
            folder: folder.to_owned(),
            folders,
            made: Mutex::default(),
        })))
    }

    /// What hears what was last seen.
    pub(super) fn keep(&self) -> Keep {
        let own = self.clone();
        Arc::new(move |scenario, remains| own.take(scenario, |folder| last_seen(folder, &remains)))
    }

    /// What hears the records.
    pub(super) fn report(&self) -> impl Report + 'static {
        Records {
            artifacts: self.clone(),
            records: spool(),
        }
    }

    /// Says where they are.
    ///
    /// # Errors
    /// Where one could not be written.
    pub(super) fn tell(&self, out: &mut impl Write) -> Result<(), Error> {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = made.failed.take() {
            return Err(error);
        }
        let shown = self.0.folder.display();
        match made.folders.len() {
            0 => {}
            1 => writeln!(
                out,
                "what explains the scenario that did not pass is in {shown}"
            )?,
            count => writeln!(
                out,
                "what explains the {count} scenarios that did not pass is in {shown}"
            )?,
        }
        Ok(())
    }

    /// Writes into the folder of a scenario; the first error is told at the end.
    fn take(&self, scenario: usize, write: impl FnOnce(&Path) -> Result<(), Error>) {
        let Some(folder) = self.0.folders.get(scenario) else {
            return;
        };
        let written = fs::create_dir_all(folder)
            .map_err(file("make", folder))
            .and_then(|()| write(folder));
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.folders.insert(folder.clone());
        if let Err(error) = written {
            made.failed.get_or_insert(error);
        }
    }
}

/// Removes what an earlier run kept; a folder with anything else in it stays.
fn forget(folder: &Path) -> Result<(), Error> {
    for name in FILES {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => return Err(file("remove", &path)(error)),
            _ => {}
        }
    }
    // What the user put there is the user's.
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn file<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::File {
        action,
        path: path.to_owned(),
        source,
    }
}

fn last_seen(folder: &Path, remains: &Remains) -> Result<(), Error> {
    let mut journal = String::new();
    for entry in &remains.journal {
        let line = serde_json::to_string(entry).map_err(io::Error::from)?;
        journal.push_str(&line);
        journal.push('\n');
    }
    put(folder, "journal.jsonl", &journal)?;
    put(folder, "pods.txt", &text(&remains.pods))?;
    put(folder, "objects.txt", &text(&remains.objects))?;
    put(folder, "k8s-events.txt", &lines(&remains.events))?;
    if !remains.operator_log.is_empty() {
        put(folder, "operator.log", &lines(&remains.operator_log))?;
    }
    Ok(())
}

fn put(folder: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(file("write", &path))
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn text(all: &[Evidence]) -> String {
    let mut text = String::new();
    for Evidence { title, lines } in all {
        text.push_str(&format!("{title}\n"));
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn spool() -> SpooledTempFile {
    tempfile::spooled_tempfile(IN_MEMORY)
}

/// The records of the scenario under way: they come together, in order.
struct Records {
    artifacts: Artifacts,
    records: SpooledTempFile,
}

impl Report for Records {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let Some(scenario) = record.scenario else {
            return Ok(());
        };
        serde_json::to_writer(&mut self.records, record)?;
        self.records.write_all(b"\n")?;
        let Event::ScenarioFinished {
            verdict, failure, ..
        } = &record.event
        else {
            return Ok(());
        };
        let mut records = std::mem::replace(&mut self.records, spool());
        if matches!(verdict, Verdict::Failed | Verdict::Errored) {
            self.artifacts.take(scenario, |folder| {
                told(folder, failure.as_deref(), &mut records)
            });
        }
        Ok(())
    }
}

fn told(
    folder: &Path,
    failure: Option<&Failure>,
    records: &mut SpooledTempFile,
) -> Result<(), Error> {
    if let Some(failure) = failure {
        let text = failure_text(failure);
        let text = anstream::adapter::strip_str(&text).to_string();
        put(folder, "failure.txt", &text)?;
        put(folder, "alone.sh", &format!("{}\n", failure.reproduce))?;
    }
    let path = folder.join("events.jsonl");
    records.rewind()?;
    let mut out = fs::File::create(&path).map_err(file("write", &path))?;
    io::copy(records, &mut out).map_err(file("write", &path))?;
    Ok(())
}

/// A name for each title that a folder can have; those of equal titles are numbered.
fn names<'a>(titles: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let unique = |title| {
        let plain = slug(title);
        let mut name = plain.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{plain}-{number}");
        }
        name
    };
    titles.map(unique).collect()
}

/// `A job's pod: v2` is `a-job-s-pod-v2`.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_lowercase());
    }
    slug.truncate(slug.floor_char_boundary(LONGEST));
    match slug.trim_end_matches('-') {
        "" => "scenario".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("A job's pod: v2", "a-job-s-pod-v2")]
    #[case("../../etc/passwd", "etc-passwd")]
    #[case("Größe [vault=aws]", "größe-vault-aws")]
    #[case("..", "scenario")]
    #[case("", "scenario")]
    #[case(&"long ".repeat(40), &"long-".repeat(16)[..79])]
    fn a_title_is_a_name_that_stays_in_its_folder(#[case] title: &str, #[case] name: &str) {
        assert_eq!(slug(title), name);
    }

    #[test]
    fn equal_titles_have_folders_of_their_own() {
        let titles = ["A b", "a-B", "a b 2", "A b"];
        assert_eq!(
            names(titles.into_iter()),
            ["a-b", "a-b-2", "a-b-2-2", "a-b-3"]
        );
    }

    #[test]
    fn an_earlier_runs_files_go_and_those_of_the_user_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, mixed) = (folder.path().join("ours"), folder.path().join("mixed"));
        for one in [&ours, &mixed] {
            fs::create_dir(one).unwrap();
            fs::write(one.join("failure.txt"), "").unwrap();
        }
        fs::write(mixed.join("notes.txt"), "").unwrap();
        forget(&ours).unwrap();
        forget(&mixed).unwrap();
        forget(&folder.path().join("never")).unwrap();
        assert!(!ours.exists());
        let left: Vec<_> = fs::read_dir(&mixed)
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(left, ["notes.txt"]);
    }
}
