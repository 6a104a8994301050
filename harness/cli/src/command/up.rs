//! `rotaproof up`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rotaproof_lab::{Declared, Lab, Options};
use tokio::time::Instant;

use super::run::duration;
use super::which_lab::WhichLab;
use super::{detach, interrupt, journal_line, summary};
use crate::error::{Error, ExitStatus};

/// What to start, and where it is found.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A scenario file: the lab has its vaults and secrets, and what it applies before it does anything else.
    /// Without one every vault is there, and empty.
    scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(super) lab: WhichLab,
    /// Write the environment here too; `-` prints it, and nothing else, on standard output.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Start the lab as a process of its own, and return when it is ready.
    #[arg(long, short)]
    detach: bool,
    /// Listen on this port of 127.0.0.1: proxy=PORT, kubernetes=PORT, or a vault's; by default the system chooses.
    #[arg(long, value_name = "PART=PORT")]
    port: Vec<Port>,
    /// What the operator takes in place of every refreshInterval: 5s.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    refresh: Option<Duration>,
    /// The process that --detach starts: what it has to say goes to whoever started it.
    #[arg(long, hide = true)]
    detached: bool,
}

/// A part, and its port.
#[derive(Clone)]
struct Port(String, u16);

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = text.split_once('=').and_then(|(part, port)| {
            let port = port.parse().ok().filter(|port| *port > 0)?;
            (!part.is_empty()).then(|| Self(part.to_owned(), port))
        });
        port.ok_or_else(|| "expected PART=PORT, for example kubernetes=6443".into())
    }
}

impl Args {
    /// Whether the environment goes to standard output.
    pub(super) fn prints_environment(&self) -> bool {
        self.env_file.as_deref() == Some(Path::new("-"))
    }

    pub(super) fn options(&self) -> Result<Options, Error> {
        let ports = self
            .port
            .iter()
            .map(|Port(part, port)| (part.clone(), *port));
        let file = self
            .env_file
            .as_ref()
            .filter(|_| !self.prints_environment());
        let absolute = file.map(|path| {
            std::path::absolute(path).map_err(|source| Error::File {
                action: "find",
                path: path.clone(),
                source,
            })
        });
        Ok(Options {
            declared: match &self.scenario {
                None => Declared::empty()?,
                Some(path) => declared(path)?,
            },
            ports: ports.collect(),
            env_file: absolute.transpose()?,
            refresh: self.refresh,
        })
    }
}

fn declared(path: &Path) -> Result<Declared, Error> {
    let cases = rotaproof_scenario::load(path).map_err(Error::Scenarios)?;
    match cases.as_slice() {
        [one] => Ok(Declared::of(one)),
        cases => Err(Error::Usage(format!(
            "{} has a matrix that makes {} scenarios of it, and a lab is one",
            path.display(),
            cases.len()
        ))),
    }
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    if args.detach && !args.detached {
        return detach::start(&args);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Result<ExitStatus, Error> {
    let began = Instant::now();
    let mut interrupted = interrupt::Signals::listen()?;
    let started = tokio::select! {
        biased;
        () = interrupted.next() => return Ok(ExitStatus::Interrupted),
        started = start(&args) => started,
    };
    if args.detached {
        detach::tell(started.as_ref().err())?;
        if let Err(error) = &started {
            return Ok(ExitStatus::from(error));
        }
    }
    let lab = started?;
    let told = match args.detached {
        true => Ok(()),
        false => welcome(&args, &lab, began.elapsed()),
    };
    if told.is_ok() {
        tokio::select! {
            biased;
            () = interrupted.next() => {}
            () = lab.asked_to_end() => {}
            () = print_journal(&args, &lab) => {}
        }
    }
    lab.stop().await;
    told?;
    Ok(ExitStatus::Passed)
}

async fn start(args: &Args) -> Result<Lab, Error> {
    let options = args.options()?;
    let held = args.lab.place()?.hold()?;
    Ok(Lab::start(held, options).await?)
}

/// What is where; the environment alone where it is asked for.
fn welcome(args: &Args, lab: &Lab, took: Duration) -> io::Result<()> {
    if args.prints_environment() {
        summary::welcome(&mut anstream::stderr(), &lab.status(), took)?;
        let mut out = io::stdout().lock();
        out.write_all(lab.environment().expose())?;
        return out.flush();
    }
    let mut out = anstream::stdout();
    summary::welcome(&mut out, &lab.status(), took)?;
    writeln!(out, "Ctrl-C ends it. Its requests:")?;
    writeln!(out)?;
    out.flush()
}

/// The requests as they come, for whoever sits in front of it. Never ends.
async fn print_journal(args: &Args, lab: &Lab) {
    if args.detached || args.prints_environment() {
        return std::future::pending().await;
    }
    let journal = lab.journal();
    let mut changed = journal.subscribe();
    let mut seen = 0;
    let mut out = anstream::stdout();
    while changed.changed().await.is_ok() {
        let changes = journal.changes(seen);
        seen = changes.seen;
        let done = changes
            .entries
            .iter()
            .filter(|entry| entry.duration.is_some());
        for entry in done {
            let Ok(entry) = serde_json::to_value(&**entry) else {
                continue;
            };
            if writeln!(out, "{}", journal_line::of(&entry)).is_err() {
                // Nobody reads any longer.
                return std::future::pending().await;
            }
        }
    }
}
