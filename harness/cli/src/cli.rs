//! The command line: its grammar, and who carries out what.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::command::{
    compare, completions, doctor, down, fault, gc, heal, lint, list, logs, new, rotate, run,
    schema, soak, status, up,
};
use crate::error::ExitStatus;

/// Proves that a secret rotated in a vault reaches the pods that use it, through the External Secrets Operator.
#[derive(Parser)]
#[command(name = "rotaproof", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// When to colour the output.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "ROTAPROOF_COLOR"
    )]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 passed; 1 an expectation failed; 2 the scenario or the command line is wrong;
3 the environment failed; 130 interrupted. ROTAPROOF_LOG sets the log filter (for example debug).";

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and tell what happened.
    Run(run::Args),
    /// Run scenarios on two lanes and tell what differs.
    Compare(compare::Args),
    /// Parse and check scenarios without running them.
    Lint(lint::Args),
    /// List scenarios.
    List(list::Args),
    /// Print the JSON schema of scenario files.
    Schema,
    /// Write a commented scenario, with its manifests, that passes.
    New(new::Args),
    /// Refresh and rotate for days of virtual time, and tell the percentiles.
    Soak(soak::Args),
    /// Start a lab for your own tools: a Kubernetes API and vaults on loopback, and a file to source.
    Up(up::Args),
    /// Show a lab that is up: what is where, which faults are active, how many requests there were.
    Status(status::Args),
    /// End a lab, and wait until it is gone.
    Down(down::Args),
    /// Make a new version of a secret current in a vault of a lab.
    Rotate(rotate::Args),
    /// Make a vault of a lab misbehave towards those who come through the proxy.
    Fault(fault::Args),
    /// End the faults of a lab.
    Heal(heal::Args),
    /// Print the requests to the vaults of a lab.
    Logs(logs::Args),
    /// Remove what killed labs and runs left behind.
    Gc(gc::Args),
    /// Look for what each lane needs on this machine, and tell how to get what is missing.
    Doctor(doctor::Args),
    /// Print a shell's completions.
    Completions(completions::Args),
}

/// When to colour the output.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// Carries out the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    anstream::ColorChoice::from(cli.color).write_global();
    let filter = tracing_subscriber::EnvFilter::try_from_env("ROTAPROOF_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    let outcome = match cli.command {
        Command::Run(args) => run::execute(args),
        Command::Compare(args) => compare::execute(args),
        Command::Lint(args) => lint::execute(&args),
        Command::List(args) => list::execute(&args),
        Command::Schema => schema::execute(),
        Command::New(args) => new::execute(&args),
        Command::Soak(args) => soak::execute(args),
        Command::Up(args) => up::execute(args),
        Command::Status(args) => status::execute(&args),
        Command::Down(args) => down::execute(&args),
        Command::Rotate(args) => rotate::execute(args),
        Command::Fault(args) => fault::execute(args),
        Command::Heal(args) => heal::execute(args),
        Command::Logs(args) => logs::execute(args),
        Command::Gc(args) => gc::execute(&args),
        Command::Doctor(args) => doctor::execute(&args),
        Command::Completions(args) => completions::execute(&args, &mut Cli::command()),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(error) => {
            error.print();
            ExitStatus::from(&error).into()
        }
    }
}
