//! `rotaproof completions`

use clap_complete::Shell;

use crate::error::{Error, ExitStatus};

/// The shell to complete for.
#[derive(clap::Args)]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn execute(args: &Args, cli: &mut clap::Command) -> Result<ExitStatus, Error> {
    clap_complete::generate(args.shell, cli, "rotaproof", &mut anstream::stdout());
    Ok(ExitStatus::Passed)
}
