//! A scenario from start to end, and how it ended.

use std::borrow::Cow;
use std::time::Duration;

use rotaproof_cluster::Error;
use rotaproof_events::{Event, Failure, FailureKind, Location, Observation, Verdict};
use rotaproof_gateway::ClientKind;
use rotaproof_scenario::{Case, Period};
use tokio_util::sync::CancellationToken;

use crate::emit::Emitter;
use crate::explain::{Left, look_at, remains};
use crate::schedule::Options;
use crate::stage::Stage;
use crate::step;
use crate::trouble::{Trouble, printed_by};

/// The event that ends a scenario.
pub(crate) fn finished(
    verdict: Verdict,
    failure: Option<Box<Failure>>,
    requests: u64,
    wall_took_us: u64,
) -> Event {
    Event::ScenarioFinished {
        verdict,
        failure,
        requests,
        wall_took_us,
    }
}

/// Plays a scenario from start to end on a runtime of its own, and tells how it ended.
pub(crate) fn play(
    case: &Case,
    options: &Options,
    emitter: &Emitter,
    token: &CancellationToken,
    since_us: u64,
) -> Verdict {
    let mut ended = match options.lane.runtime() {
        Ok(runtime) => runtime.block_on(act(case, options, emitter, token)),
        Err(error) => Ended::environment(case, options, error),
    };
    if let Some(observe) = &options.observe {
        let failure = ended.failure.as_deref().map(in_short);
        let observation = ended
            .observation
            .take()
            .unwrap_or_else(|| Observation::of_nothing(ended.verdict, failure));
        observe(emitter.scenario(), observation);
    }
    let took = emitter.wall().elapsed_us().saturating_sub(since_us);
    let verdict = ended.verdict;
    emitter.emit(
        ended.at,
        finished(verdict, ended.failure, ended.requests, took),
    );
    verdict
}

/// How a scenario ended.
struct Ended {
    verdict: Verdict,
    failure: Option<Box<Failure>>,
    requests: u64,
    at: Duration,
    /// What was seen, where somebody wants it.
    observation: Option<Observation>,
}

impl Ended {
    /// The lab could not be had.
    fn environment(case: &Case, options: &Options, error: Error) -> Self {
        let location = Location {
            file: case.file.display().to_string(),
            line: 1,
            column: 1,
        };
        let first = case.source.text().lines().next().unwrap_or_default();
        let mut failure = no_lab(
            location,
            first.to_owned(),
            &error.to_string(),
            reproduce(case, options),
        );
        failure.evidence.extend(printed_by(&error));
        if let Some(next) = error.next {
            failure.next = vec![next];
        }
        Self {
            verdict: Verdict::Errored,
            failure: Some(Box::new(failure)),
            requests: 0,
            at: Duration::ZERO,
            observation: None,
        }
    }
}

/// A failure in one line: what happened, expected and actual.
fn in_short(failure: &Failure) -> String {
    let mut text = failure.what.clone();
    for (label, value) in [("expected", &failure.expected), ("actual", &failure.actual)] {
        if let Some(value) = value {
            text.push_str(&format!("; {label}: {value}"));
        }
    }
    text
}

/// The failure of a lab that could not be had.
pub(crate) fn no_lab(location: Location, source: String, what: &str, reproduce: String) -> Failure {
    Failure {
        kind: FailureKind::Environment,
        location,
        source,
        what: what.to_owned(),
        expected: None,
        actual: None,
        next: vec!["run it again with ROTAPROOF_LOG=debug".into()],
        evidence: Vec::new(),
        reproduce,
    }
}

async fn act(
    case: &Case,
    options: &Options,
    emitter: &Emitter,
    token: &CancellationToken,
) -> Ended {
    let raised = tokio::select! {
        biased;
        () = token.cancelled() => None,
        stage = Stage::raise(
            Cow::Borrowed(case),
            options.lane.as_ref(),
            options.seed,
            options.refresh,
            emitter.clone(),
            options.observe.is_some(),
        ) => Some(stage),
    };
    let stage = match raised {
        None => {
            return Ended {
                verdict: Verdict::Interrupted,
                failure: None,
                requests: 0,
                at: Duration::ZERO,
                observation: None,
            };
        }
        Some(Err(error)) => return Ended::environment(case, options, error),
        Some(Ok(stage)) => stage,
    };
    let outcome = tokio::select! {
        biased;
        () = token.cancelled() => None,
        error = stage.lab.cluster.broken() => Some(Err(error.into())),
        outcome = perform(&stage) => Some(blame(&stage, outcome).await),
    };
    let failed =
        |trouble: Trouble| Some(Box::new(stage.failure(trouble, reproduce(case, options))));
    let about = match &outcome {
        Some(Err(trouble)) => trouble.about.clone(),
        _ => None,
    };
    let (verdict, failure) = match outcome {
        Some(Ok(())) => (Verdict::Passed, None),
        Some(Err(trouble)) => {
            let verdict = match trouble.kind {
                FailureKind::Expectation => Verdict::Failed,
                FailureKind::Environment => Verdict::Errored,
            };
            (verdict, failed(trouble))
        }
        None if options.interrupt.is_cancelled() => (Verdict::Interrupted, None),
        None => {
            let limit = rotaproof_events::human(options.timeout);
            let trouble = Trouble::environment(format!(
                "the scenario did not end within {limit} (--timeout)"
            ));
            (Verdict::Errored, failed(trouble))
        }
    };
    let journal = stage.world.journal.clone();
    let unseen = stage.world.state().unseen_lags(&journal);
    for lag in unseen {
        stage.tell(Event::Staleness(lag));
    }
    let requests = journal
        .entries()
        .iter()
        .filter(|e| e.client == ClientKind::Operator)
        .count();
    if let Some(audit) = &options.audit {
        audit(stage.world.state().ledger.values().collect());
    }
    if let Some(keep) = &options.keep
        && matches!(verdict, Verdict::Failed | Verdict::Errored)
    {
        keep(emitter.scenario(), remains(&stage));
    }
    let mut observation = None;
    if options.observe.is_some() {
        // A scenario ends with its last expectation; what the operator is about to do belongs to it.
        stage.settle().await;
        stage.quiet().await;
        let failure = failure.as_deref().map(in_short);
        observation = Some(stage.world.observation(verdict, failure));
    }
    let at = stage.lab.clock.elapsed();
    match options.stay.as_ref().filter(|stay| stay.concerns(verdict)) {
        None => stage.strike().await,
        Some(stay) => {
            let objects = look_at(&stage.world.state(), about.as_ref());
            (stay.tell)(Left {
                title: case.title.clone(),
                kept: stage.leave().await,
                objects,
            });
        }
    }
    Ended {
        verdict,
        failure,
        requests: requests as u64,
        at,
        observation,
    }
}

/// A step that fails because its cluster is gone has not found anything.
async fn blame(stage: &Stage<'_>, outcome: Result<(), Trouble>) -> Result<(), Trouble> {
    match outcome {
        Err(trouble) if trouble.kind == FailureKind::Expectation => {
            stage.lab.cluster.check().await?;
            Err(trouble)
        }
        outcome => outcome,
    }
}

async fn perform(stage: &Stage<'_>) -> Result<(), Trouble> {
    stage.begin().await?;
    step::run_all(stage, &stage.case.steps).await
}

fn reproduce(case: &Case, options: &Options) -> String {
    let mut command = format!(
        "rotaproof run {} --seed {}",
        case.file.display(),
        options.seed
    );
    let lane = options.lane.name();
    let elsewhere = lane != "embedded";
    if elsewhere {
        command.push_str(&format!(" --lane {lane}"));
    }
    match options.refresh {
        Some(limit) => command.push_str(&format!(" --refresh {}", Period(limit))),
        // As written is what every other lane has to be told.
        None if elsewhere => command.push_str(" --refresh manifest"),
        None => {}
    }
    if !case.matrix.is_empty() {
        command.push_str(&format!(" --filter '{}'", case.title));
    }
    command
}
