//! `rotaproof doctor`

mod docker;
mod embedded;
mod eso;
mod finding;
mod images;
mod leftovers;
mod machine;
mod probe;
mod programs;
mod render;
mod tool;
mod version;

use std::io::Write;

use finding::{Lane, readiness};

use super::interrupt::Signals;
use crate::error::{Error, ExitStatus};

/// What to look for.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Exit with 3 unless these lanes are ready too; embedded is always asked for. Several with commas.
    #[arg(long, value_name = "LANE", value_enum, value_delimiter = ',')]
    lane: Vec<Lane>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let findings = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        Ok::<_, Error>(tokio::select! {
            biased;
            findings = probe::all() => Some(findings),
            () = signals.next() => None,
        })
    })?;
    let Some(findings) = findings else {
        return Ok(ExitStatus::Interrupted);
    };
    let readiness = readiness(&findings);
    let mut out = anstream::stdout();
    if args.json {
        let told = serde_json::json!({ "findings": findings, "lanes": readiness });
        writeln!(out, "{told:#}")?;
    } else {
        write!(out, "{}", render::render(&findings, &readiness))?;
    }
    let asked = |lane| lane == Lane::Embedded || args.lane.contains(&lane);
    match readiness.iter().all(|it| it.ready || !asked(it.lane)) {
        true => Ok(ExitStatus::Passed),
        false => Ok(ExitStatus::Environment),
    }
}
