//! `rotaproof status`

use std::io::Write;

use super::summary;
use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// How to show it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let status = block_on(async { Ok(args.lab.connect().await?.status().await?) })?;
    let mut out = anstream::stdout();
    match args.json {
        true => writeln!(out, "{}", summary::json(&status))?,
        false => summary::status(&mut out, &status)?,
    }
    Ok(ExitStatus::Passed)
}
