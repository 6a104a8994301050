//! `rotaproof up`

use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

use rotaproof_lab::{Declared, Lab, Name, Options, Place};
use tokio::time::Instant;

use super::interrupt;
use crate::error::{Error, ExitStatus};

/// What to start, and where it is found.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A scenario file whose vaults and secrets the lab has; without one every vault is there, and empty.
    scenario: Option<PathBuf>,
    /// The lab's name, where several are up.
    #[arg(long, value_name = "NAME", default_value_t)]
    name: Name,
    /// Where to write the environment to source; by default into the lab's own folder.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Listen on this port of 127.0.0.1: proxy=PORT, kubernetes=PORT, or a vault's; by default the system chooses.
    #[arg(long, value_name = "PART=PORT")]
    port: Vec<Port>,
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

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Result<ExitStatus, Error> {
    let began = Instant::now();
    let mut interrupted = interrupt::Signals::listen()?;
    let declared = match &args.scenario {
        None => Declared::empty()?,
        Some(path) => declared(path)?,
    };
    let held = Place::of(args.name)?.hold()?;
    let options = Options {
        declared,
        ports: args
            .port
            .into_iter()
            .map(|Port(part, port)| (part, port))
            .collect(),
        env_file: args.env_file,
    };
    let lab = tokio::select! {
        biased;
        () = interrupted.next() => return Ok(ExitStatus::Interrupted),
        lab = Lab::start(held, options) => lab?,
    };
    let took = began.elapsed();
    let mut out = anstream::stdout();
    writeln!(out, "up in {} ms", took.as_millis())?;
    writeln!(out, "  kubernetes  https://{}", lab.kubernetes)?;
    writeln!(out, "  proxy       http://{}", lab.proxy)?;
    for vault in &lab.vaults {
        writeln!(
            out,
            "  {:<11} {}  ({})",
            vault.vault, vault.url, vault.product
        )?;
    }
    writeln!(
        out,
        "\nin another terminal: source {}",
        lab.env_file().display()
    )?;
    out.flush()?;
    interrupted.next().await;
    lab.stop().await;
    Ok(ExitStatus::Passed)
}

fn declared(path: &std::path::Path) -> Result<Declared, Error> {
    let cases = rotaproof_scenario::load(path).map_err(Error::Scenarios)?;
    match cases.as_slice() {
        [one] => Ok(Declared::of(one)),
        cases => Err(Error::Usage(format!(
            "{} has a matrix that makes {} scenarios of it, and a lab has one",
            path.display(),
            cases.len()
        ))),
    }
}
