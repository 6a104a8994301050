//! `rotaproof fault`

use std::io::Write;
use std::time::Duration;

use rotaproof_lab::control;

use super::run::duration;
use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// Which vault misbehaves, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// The vault, by its name in the lab.
    vault: String,
    #[command(flatten)]
    model: Model,
    /// The `Retry-After` of a --status, in whole seconds: 2s, 1m.
    #[arg(long, value_name = "DURATION", requires = "status", value_parser = duration)]
    retry_after: Option<Duration>,
    /// Only requests of this operation, as `rotaproof logs` names it: GetSecretValue.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only the first N such requests; all until healed unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    first: Option<u32>,
    /// What the journal and `rotaproof heal` call it; the kind of fault unless given.
    #[arg(long = "as", id = "as", value_name = "NAME")]
    name: Option<String>,
}

/// What goes wrong.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Model {
    /// Answers come this much later: 2s, 300ms.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// The vault is not asked; the answer has this status.
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(400..=599))]
    status: Option<u16>,
    /// The connection is reset.
    #[arg(long)]
    reset: bool,
    /// No answer ever comes.
    #[arg(long)]
    hang: bool,
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let seconds = |after: Duration| u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
    let model = match (args.model.latency, args.model.status, args.model.reset) {
        (Some(latency), ..) => control::FaultModel::Latency(latency),
        (_, Some(code), _) => control::FaultModel::Status {
            code,
            retry_after: args.retry_after.map(seconds),
        },
        (.., true) => control::FaultModel::Reset,
        // The grammar asks for one of the four.
        _ => control::FaultModel::Hang,
    };
    let request = control::Fault {
        vault: args.vault,
        name: args.name,
        operation: args.operation,
        first: args.first,
        model,
    };
    let injected = block_on(async { Ok(args.lab.connect().await?.fault(&request).await?) })?;
    writeln!(
        anstream::stdout(),
        "`{name}` hits {vault}; `rotaproof heal --fault {name}` ends it",
        name = injected.name,
        vault = request.vault
    )?;
    Ok(ExitStatus::Passed)
}
