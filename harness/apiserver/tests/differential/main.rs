//! The API against a real kube-apiserver: the same requests to both, the answers compared field by field.
//!
//! The requests are files of `calls/`, one per group, and what a seeded generator makes up (`generate.rs`). Answers are
//! compared after `normal.rs` has replaced what cannot be equal; what may differ all the same is in `known.yaml`, with
//! its reason, and a row there that never applies is a failure too. The outcome is the table of `docs/kubernetes-api.md`,
//! which `SNAPSHOTS=overwrite` writes.
//!
//! `KUBEBUILDER_ASSETS` names the folder of `kube-apiserver` and `etcd`, as users of envtest set it; else they are
//! looked for in `ROTAPROOF_REALPARTS` or `~/.cache/rotaproof-realparts`, below `kubernetes`. Without them the test is
//! skipped, with that reason; where a variable names a folder without them, it fails.
//! `DIFFERENTIAL_GROUP=text` runs the groups whose name contains the text, and leaves the table alone.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test"
)]

mod binaries;
mod compare;
mod generate;
mod known;
mod normal;
mod outcome;
mod protobuf;
mod real;
mod script;
mod session;
mod side;

use std::process::ExitCode;

use binaries::Binaries;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let binaries = Binaries::find();
    if let Err(reason) = &binaries
        && !arguments.list
    {
        println!("skipped: {reason}");
    }
    let missing = binaries.is_err() && !Binaries::are_asked_for();
    let trial = Trial::test("answers_are_those_of_a_kube_apiserver", move || {
        run(&binaries?)
    });
    libtest_mimic::run(&arguments, vec![trial.with_ignored_flag(missing)]).exit_code()
}

fn run(binaries: &Binaries) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let wanted = std::env::var("DIFFERENTIAL_GROUP").ok();
    let outcome = runtime.block_on(session::compare(binaries, wanted.as_deref()))?;
    outcome.judge(wanted.is_none()).map_err(Failed::from)
}
