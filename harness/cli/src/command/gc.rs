//! `rotaproof gc`

use std::io::Write;

use crate::error::{Error, ExitStatus};

pub(crate) fn execute() -> Result<ExitStatus, Error> {
    let swept = rotaproof_lab::sweep()?;
    let mut out = anstream::stdout();
    for lab in &swept.labs {
        writeln!(out, "removed {}, which a killed lab left", lab.display())?;
    }
    for log in &swept.logs {
        writeln!(out, "removed {}", log.display())?;
    }
    match swept.pods {
        0 => {}
        1 => writeln!(out, "removed the folder of a killed run's pods")?,
        count => writeln!(out, "removed the folders of {count} killed runs' pods")?,
    }
    if swept.labs.is_empty() && swept.logs.is_empty() && swept.pods == 0 {
        writeln!(out, "nothing was left behind")?;
    }
    Ok(ExitStatus::Passed)
}
