//! `rotaproof logs`

use std::io::{ErrorKind, Write};

use rotaproof_lab::control::JournalQuery;
use serde_json::Value;

use super::journal_line;
use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// What of the journal to print.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// Stay, and print requests as they come, until the lab ends.
    #[arg(long, short)]
    follow: bool,
    /// Only the newest N of what is there.
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// One JSON object a line. A request that takes longer comes a second time, when it is done.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    match block_on(print(args)) {
        // Whoever read the output has enough of it.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
            Ok(ExitStatus::Passed)
        }
        outcome => outcome,
    }
}

async fn print(args: Args) -> Result<ExitStatus, Error> {
    let query = JournalQuery {
        follow: args.follow,
        tail: args.tail,
    };
    let mut lines = args.lab.connect().await?.journal(&query).await?;
    let mut out = anstream::stdout();
    while let Some(line) = lines.next().await? {
        if args.json {
            out.write_all(&line)?;
            writeln!(out)?;
        } else if let Ok(entry) = serde_json::from_slice::<Value>(&line) {
            writeln!(out, "{}", journal_line::of(&entry))?;
        }
        out.flush()?;
    }
    Ok(ExitStatus::Passed)
}
