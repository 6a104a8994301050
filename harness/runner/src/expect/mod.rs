//! The expectations: one file per subject, in three tenses.
//!
//! A check reads the state once and answers whether the expectation holds. `within` asks again on each change up to
//! its deadline; `throughout` asks on each change and must never hear no. Nothing polls.

mod count;
mod event;
mod externalsecret;
pub(crate) mod interval;
mod job;
mod origin;
mod pod;
mod requests;
mod secret;
mod staleness;
mod store;

use std::time::Duration;

use rotaproof_events::human;
use rotaproof_scenario::model::expect::{Expectation, Subject, Tense};
use rotaproof_scenario::{Budget, PodRef, Stretch};
use tokio::time::Instant;

use crate::explain::About;
use crate::stage::{Stage, Trouble};

/// Why an expectation does not hold.
pub(crate) struct Mismatch {
    /// In one sentence.
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) actual: String,
    pub(crate) about: About,
}

/// What holds, in one line, or why it does not.
pub(crate) type Checked = Result<String, Mismatch>;

/// Waits as the tense says.
pub(crate) async fn run(stage: &Stage<'_>, expectation: &Expectation) -> Result<String, Trouble> {
    let subject = &expectation.subject;
    match &expectation.tense {
        Tense::Now => now(stage, subject).await,
        Tense::Within(budget) => within(stage, subject, budget).await,
        Tense::Throughout(stretch) => throughout(stage, subject, stretch).await,
    }
}

/// Holds now: at once in virtual time, within the grace where changes take a while to arrive.
async fn now(stage: &Stage<'_>, subject: &Subject) -> Result<String, Trouble> {
    let held = becomes_true(stage, subject, Instant::now() + stage.grace()).await?;
    held.map_err(|mismatch| trouble(mismatch, ""))
}

/// What holds by the deadline, as soon as it does, or why it did not; asked once where the deadline is now.
async fn becomes_true(
    stage: &Stage<'_>,
    subject: &Subject,
    deadline: Instant,
) -> Result<Checked, Trouble> {
    let mut changes = stage.world.changes();
    loop {
        changes.mark_unchanged();
        let checked = check(stage, subject)?;
        if checked.is_ok() || Instant::now() >= deadline {
            return Ok(checked);
        }
        tokio::select! {
            biased;
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(checked),
        }
    }
}

async fn within(stage: &Stage<'_>, subject: &Subject, budget: &Budget) -> Result<String, Trouble> {
    let limit = budget.at(interval_of(stage, subject));
    let begun = Instant::now();
    match becomes_true(stage, subject, begun + limit).await? {
        Ok(holds) => Ok(format!("{holds}, after {}", human(begun.elapsed()))),
        Err(mismatch) => {
            let tense = format!(", within {}", shown(budget, limit));
            Err(trouble(mismatch, &tense))
        }
    }
}

async fn throughout(
    stage: &Stage<'_>,
    subject: &Subject,
    stretch: &Stretch,
) -> Result<String, Trouble> {
    // It begins now, as "now" is meant here; the first look below tells what has not begun.
    let _begun = becomes_true(stage, subject, Instant::now() + stage.grace()).await?;
    let limit = length(stage, subject, stretch)?;
    let watched = match (stretch, limit.is_zero()) {
        (Stretch::UntilRefresh, true) => "watched for no time: the next refresh was due".to_owned(),
        (Stretch::UntilRefresh, false) => format!("throughout {stretch} ({})", human(limit)),
        _ => format!("throughout {}", human(limit)),
    };
    let begun = Instant::now();
    let mut changes = stage.world.changes();
    loop {
        changes.mark_unchanged();
        let holds = match check(stage, subject)? {
            Ok(holds) => holds,
            Err(mismatch) => {
                let after = human(begun.elapsed());
                // Told as it is once this moment is over, unless it holds again by then.
                stage.settle().await;
                let mismatch = check(stage, subject)?.err().unwrap_or(mismatch);
                let shown = match stretch {
                    Stretch::Budget(budget) => shown(budget, limit),
                    Stretch::UntilRefresh => format!("{stretch} ({})", human(limit)),
                    Stretch::Exactly(_) => human(limit),
                };
                let tense = format!(", throughout {shown}; it ended after {after}");
                return Err(trouble(mismatch, &tense));
            }
        };
        tokio::select! {
            biased;
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(begun + limit) => return Ok(format!("{holds}, {watched}")),
        }
    }
}

/// How long a stretch is that begins now.
fn length(stage: &Stage<'_>, subject: &Subject, stretch: &Stretch) -> Result<Duration, Trouble> {
    match stretch {
        Stretch::Budget(budget) => Ok(budget.at(interval_of(stage, subject))),
        Stretch::Exactly(time) => Ok(*time),
        Stretch::UntilRefresh => {
            let state = stage.world.state();
            let whose = match subject {
                Subject::ExternalSecret(expected) => {
                    Some(expected.externalsecret.value.to_string())
                }
                Subject::Secret(expected) => {
                    interval::maker(&state, &expected.secret.value.to_string())
                }
                _ => None,
            };
            interval::until_refresh(&state, whose.as_deref(), stage.lab.clock.now())
                .map_err(Trouble::failed)
        }
    }
}

/// `1 refresh + 10s (1h0m10s)`
fn shown(budget: &Budget, limit: Duration) -> String {
    match budget.refreshes > 0.0 {
        true => format!("{budget} ({})", human(limit)),
        false => human(limit),
    }
}

fn trouble(mismatch: Mismatch, tense: &str) -> Trouble {
    let mut trouble = Trouble::failed(mismatch.what).about(mismatch.about);
    trouble.expected = Some(mismatch.expected + tense);
    trouble.actual = Some(mismatch.actual);
    trouble
}

/// Reads the state once. The outer error is a scenario that cannot be evaluated.
fn check(stage: &Stage<'_>, subject: &Subject) -> Result<Checked, Trouble> {
    match subject {
        Subject::ExternalSecret(expected) => externalsecret::check(stage, expected),
        Subject::Store(expected) => Ok(store::check(&stage.world.state(), expected)),
        Subject::Secret(expected) => secret::check(stage, expected),
        Subject::Pod(expected) => pod::check(stage, expected),
        Subject::Job(expected) => Ok(job::check_job(&stage.world.state(), expected)),
        Subject::NotebookValidationJob(expected) => {
            Ok(job::check_notebook(&stage.world.state(), expected))
        }
        Subject::Requests(expected) => requests::check(stage, expected),
        Subject::Event(expected) => event::check(stage, expected),
        Subject::Staleness(expected) => Ok(staleness::check(stage, expected)),
    }
}

/// The refresh interval that a subject's budgets count.
fn interval_of(stage: &Stage<'_>, subject: &Subject) -> Duration {
    let state = stage.world.state();
    let default = stage.default_interval();
    match subject {
        Subject::ExternalSecret(expected) => {
            let name = expected.externalsecret.value.to_string();
            interval::of_external_secret(&state, &name, default)
        }
        Subject::Secret(expected) => {
            interval::of_secret(&state, &expected.secret.value.to_string(), default)
        }
        _ => interval::longest(&state, default),
    }
}

/// The `namespace/name` of a pod.
pub(crate) fn pod_of(stage: &Stage<'_>, pod: &PodRef) -> Result<String, Trouble> {
    match pod {
        PodRef::Name(name) => Ok(name.to_string()),
        PodRef::Alias(alias) => {
            let found = stage.world.state().pod_by_alias(alias);
            found.ok_or_else(|| Trouble::failed(format!("`{alias}` has no pod yet")))
        }
    }
}
