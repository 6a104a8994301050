//! `rotaproof heal`

use std::io::Write;

use rotaproof_lab::control;

use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// Which faults to end.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// Only those of this vault; of every vault unless given.
    vault: Option<String>,
    /// Only those of this name.
    #[arg(long, value_name = "NAME")]
    fault: Option<String>,
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let request = control::Heal {
        vault: args.vault,
        fault: args.fault,
    };
    let healed = block_on(async { Ok(args.lab.connect().await?.heal(&request).await?) })?;
    let plural = if healed.count == 1 { "" } else { "s" };
    writeln!(anstream::stdout(), "healed {} fault{plural}", healed.count)?;
    Ok(ExitStatus::Passed)
}
