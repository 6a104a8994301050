//! `rotaproof rotate`

use std::io::{Read, Write};

use clap::ValueEnum;
use rotaproof_lab::control;
use rotaproof_scenario::SecretRef;

use super::which_lab::{WhichLab, block_on};
use crate::error::{Error, ExitStatus};

/// What to rotate, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    lab: WhichLab,
    /// The secret: the vault's name in the lab, `/`, the secret's own name.
    #[arg(value_name = "VAULT/SECRET")]
    secret: SecretRef,
    /// How the new version becomes current.
    #[arg(long, value_enum, default_value_t)]
    strategy: Strategy,
    /// Only this field gets a new value; several where repeated.
    #[arg(long, value_name = "NAME")]
    field: Vec<String>,
    /// Read the new value from standard input, to its end: of the one --field, else of the whole secret.
    #[arg(long)]
    value_from_stdin: bool,
}

/// How a new version becomes current.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Strategy {
    /// PutSecretValue; a KV write.
    #[default]
    PutValue,
    /// AWS's four steps: AWSPENDING first, then AWSCURRENT moves.
    Staged,
    /// A KV v2 write with check-and-set.
    CheckAndSet,
    /// A KV v2 merge patch.
    Patch,
}

impl From<Strategy> for control::Strategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::PutValue => Self::PutValue,
            Strategy::Staged => Self::Staged,
            Strategy::CheckAndSet => Self::CheckAndSet,
            Strategy::Patch => Self::Patch,
        }
    }
}

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let value = match args.value_from_stdin {
        true => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            Some(control::SecretValue::new(bytes))
        }
        false => None,
    };
    let request = control::Rotate {
        vault: args.secret.vault.clone(),
        secret: args.secret.secret.clone(),
        strategy: args.strategy.into(),
        fields: args.field,
        value,
    };
    let rotated = block_on(async { Ok(args.lab.connect().await?.rotate(&request).await?) })?;
    let fields = match rotated.fields.as_slice() {
        [] => String::new(),
        fields => format!(" ({})", fields.join(", ")),
    };
    let mut out = anstream::stdout();
    match rotated.version.is_empty() {
        true => writeln!(out, "{} has a new version{fields}", args.secret)?,
        false => writeln!(
            out,
            "{} is at version {}{fields}",
            args.secret, rotated.version
        )?,
    }
    Ok(ExitStatus::Passed)
}
