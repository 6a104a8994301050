//! The steps: one file per verb that does more than pass on.

mod advance;
mod apply;
mod delete;
mod fault;
mod force_sync;
mod rotate;
mod start;
mod vault_secret;

use std::pin::Pin;

use futures::future::try_join_all;
use rotaproof_events::Event;
use rotaproof_scenario::Document;
use rotaproof_scenario::model::step::{Action, Step};
use rotaproof_vaults::Writer;

use crate::expect;
use crate::stage::{Stage, Trouble};

/// The objects of a manifest, by its path as the scenario writes it; the checks have proven that it is there.
fn documents<'a>(stage: &'a Stage<'_>, path: &str) -> &'a [Document] {
    let manifest = stage.case.manifests.get(path);
    manifest.map_or(&[], |manifest| manifest.documents.as_slice())
}

/// The writer of a vault.
pub(crate) fn writer<'a>(stage: &'a Stage<'_>, vault: &str) -> Result<&'a dyn Writer, Trouble> {
    let writer = stage.lab.writers.get(vault).map(AsRef::as_ref);
    writer.ok_or_else(|| Trouble::environment(format!("the lane has no vault `{vault}`")))
}

/// Runs steps one after another, up to the first that fails.
pub(crate) fn run_all<'a>(
    stage: &'a Stage<'_>,
    steps: &'a [Step],
) -> Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send + 'a>> {
    Box::pin(async move {
        for step in steps {
            run(stage, step).await?;
        }
        Ok(())
    })
}

/// Runs one step; what it established.
pub(crate) async fn run(stage: &Stage<'_>, step: &Step) -> Result<String, Trouble> {
    let verb = step.verb();
    let location = stage.location(step.span);
    stage.tell(Event::StepStarted {
        location: location.clone(),
        verb: verb.to_owned(),
        summary: source(stage, step)
            .trim()
            .trim_start_matches("- ")
            .to_owned(),
    });
    stage.rest_before(is_disturbing(&step.value)).await;
    let outcome = act(stage, step).await;
    // In virtual time, all that is due at this moment happens before the next step, and before a failure is explained:
    // what runs first within one moment is tokio's choice, and must not show.
    stage.settle().await;
    let outcome = outcome.map_err(|mut trouble| {
        // The innermost step is the one that failed.
        trouble
            .step
            .get_or_insert_with(|| (step.span, source(stage, step)));
        trouble
    })?;
    // A rotation marks the moment of its acknowledgement itself.
    if !matches!(step.value, Action::Rotate(_)) {
        stage.mark(verb, step.name().map(|name| name.value.as_str()));
    }
    stage.tell(Event::StepPassed {
        location,
        outcome: outcome.clone(),
    });
    Ok(outcome)
}

/// Whether a step means something else while the operator is still busy with the one before.
fn is_disturbing(action: &Action) -> bool {
    matches!(
        action,
        Action::Rotate(_)
            | Action::Write(_)
            | Action::Disable(_)
            | Action::Enable(_)
            | Action::Destroy(_)
            | Action::Remove(_)
            | Action::Restore(_)
            | Action::ForceSync(_)
            | Action::Fault(_)
            | Action::Heal(_)
    )
}

/// The first line of a step as it is written, unless there is a value in it.
fn source(stage: &Stage<'_>, step: &Step) -> String {
    match step.carries_values() {
        true => format!("  - {}: ... (values are not shown)", step.verb()),
        false => stage.source_line(step.span).to_owned(),
    }
}

/// Carries a step out; what it established, in one line.
async fn act(stage: &Stage<'_>, step: &Step) -> Result<String, Trouble> {
    match &step.value {
        Action::Apply(apply) => apply::run(stage, apply, step.span).await,
        Action::Delete(delete) => delete::run(stage, delete).await,
        Action::Start(start) => start::run(stage, start, step.span).await,
        Action::Rotate(rotate) => rotate::run(stage, rotate).await,
        Action::Write(write) => vault_secret::write(stage, write).await,
        Action::Disable(step) => vault_secret::disable(stage, step).await,
        Action::Enable(step) => vault_secret::enable(stage, step).await,
        Action::Destroy(step) => vault_secret::destroy(stage, step).await,
        Action::Remove(remove) => vault_secret::remove(stage, remove).await,
        Action::Restore(restore) => vault_secret::restore(stage, restore).await,
        Action::ForceSync(force) => force_sync::run(stage, force).await,
        Action::Fault(fault) => fault::inject(stage, fault),
        Action::Heal(heal) => fault::heal(stage, heal),
        Action::Advance(stretch) => advance::run(stage, stretch).await,
        Action::Restart(_) => {
            stage.lab.cluster.restart_operator().await?;
            Ok("the operator started anew".into())
        }
        Action::Expect(expectation) => expect::run(stage, expectation).await,
        Action::Repeat(repeat) => {
            for _ in 0..repeat.times {
                run_all(stage, &repeat.steps).await?;
            }
            Ok(format!("{} times", repeat.times))
        }
        Action::Parallel(branches) => {
            try_join_all(branches.iter().map(|steps| run_all(stage, steps))).await?;
            Ok(format!("{} branches", branches.len()))
        }
    }
}
