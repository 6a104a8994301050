//! `rotaproof list`

use std::io::Write;

use super::select::Selection;
use crate::error::{Error, ExitStatus};

/// What to list.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let mut out = anstream::stdout();
    for case in args.selection.load_some()? {
        let vaults: Vec<&str> = case.vaults.keys().map(|name| name.value.as_str()).collect();
        if args.json {
            let line = serde_json::json!({
                "title": case.title, "file": case.file, "tags": case.tags, "vaults": vaults,
            });
            writeln!(out, "{line}")?;
        } else {
            let tags: String = case.tags.iter().map(|tag| format!(" #{tag}")).collect();
            writeln!(
                out,
                "{}: {} [{}]{tags}",
                case.file.display(),
                case.title,
                vaults.join(", ")
            )?;
        }
    }
    Ok(ExitStatus::Passed)
}
