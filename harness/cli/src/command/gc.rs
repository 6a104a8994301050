//! `rotaproof gc`

use std::io::Write;

use super::lane::REUSED;
use crate::error::{Error, ExitStatus};

/// What to remove beyond what killed runs left.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Delete this kind cluster too, which `run --reuse NAME` keeps, and those that `--clusters` added to it.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = REUSED)]
    cluster: Option<String>,
    /// Put back what killed runs of the lane context left on this context's cluster; on the current one, where none is named.
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    context: Option<Option<String>>,
}

pub(crate) fn execute(args: &Args) -> Result<ExitStatus, Error> {
    let swept = rotaproof_lab::sweep()?;
    let mut out = anstream::stdout();
    if let Some(name) = &args.cluster {
        rotaproof_cluster::delete_kept_clusters(name).map_err(Error::Cluster)?;
        writeln!(out, "deleted the kept kind cluster {name}")?;
    }
    if let Some(named) = &args.context {
        let back = rotaproof_cluster::sweep_context(named.as_deref()).map_err(Error::Cluster)?;
        match &back.operator {
            Some(operator) => writeln!(out, "put the operator {operator} back")?,
            None => writeln!(out, "the operator is as it was")?,
        }
        if back.objects > 0 {
            writeln!(out, "deleted {} objects of killed runs", back.objects)?;
        }
    }
    for cluster in &swept.clusters {
        writeln!(
            out,
            "deleted the kind cluster {cluster}, which a killed run left"
        )?;
    }
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
    let nothing = swept.labs.is_empty()
        && swept.logs.is_empty()
        && swept.clusters.is_empty()
        && swept.pods == 0
        && args.cluster.is_none()
        && args.context.is_none();
    if nothing {
        writeln!(out, "nothing was left behind")?;
    }
    Ok(ExitStatus::Passed)
}
