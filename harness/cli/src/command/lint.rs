//! `rotaproof lint`

use std::io::Write;

use super::select::Selection;
use crate::error::{Error, ExitStatus};

/// What to check.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Fail on warnings too.
    #[arg(long)]
    deny_warnings: bool,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let cases = args.selection.load_some()?;
    let mut out = anstream::stdout();
    let mut warnings = 0;
    for case in &cases {
        if !case.warnings.is_empty() {
            warnings += case.warnings.len();
            writeln!(out, "{}", case.warnings.render(true))?;
        }
    }
    let plural =
        |count: usize, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let found = match warnings {
        0 => "nothing wrong".to_owned(),
        count => plural(count, "warning"),
    };
    writeln!(out, "{} checked: {found}", plural(cases.len(), "scenario"))?;
    Ok(match warnings > 0 && args.deny_warnings {
        true => ExitStatus::Wrong,
        false => ExitStatus::Passed,
    })
}
