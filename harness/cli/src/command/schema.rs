//! `rotaproof schema`

use std::io::Write;

use crate::error::{Error, ExitStatus};

pub(crate) fn execute() -> Result<ExitStatus, Error> {
    let text = serde_json::to_string_pretty(&rotaproof_scenario::schema())
        .map_err(std::io::Error::from)?;
    writeln!(anstream::stdout(), "{text}")?;
    Ok(ExitStatus::Passed)
}
