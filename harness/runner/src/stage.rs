//! One scenario on its lab: the steps in order, and the verdict.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::{Entropy, TaskGroup};
use rotaproof_cluster::{Lab, Lane, Wanted};
use rotaproof_events::{Event, Failure, FailureKind, Location, Verdict};
use rotaproof_gateway::{ClientKind, FaultId};
use rotaproof_scenario::{Case, Mark, Span};
use tokio_util::sync::CancellationToken;

use crate::apply::Kinds;
use crate::emit::Emitter;
use crate::explain::{About, Explanation, explain};
use crate::ledger::Ledger;
use crate::schedule::Options;
use crate::step;
use crate::values;
use crate::world::World;

/// A point that later steps refer to (`since: rotate`).
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// Since the scenario's start.
    pub(crate) elapsed: Duration,
    /// The same as wall time, to compare with `refreshTime`.
    pub(crate) time: Timestamp,
    /// The length of the journal.
    pub(crate) journal: u64,
    /// How many changes of the cluster had been seen.
    pub(crate) change: u64,
}

/// Why a step ended the scenario.
#[derive(Debug)]
pub(crate) struct Trouble(Box<Details>);

/// What is known of a [`Trouble`].
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) kind: FailureKind,
    pub(crate) what: String,
    pub(crate) expected: Option<String>,
    pub(crate) actual: Option<String>,
    pub(crate) about: Option<About>,
    /// Where the step stands, and its text, once it is known.
    pub(crate) step: Option<(Span, String)>,
}

impl Trouble {
    /// A step that was refused, or an expectation that did not hold.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind: FailureKind::Expectation,
            what: what.into(),
            expected: None,
            actual: None,
            about: None,
            step: None,
        }))
    }

    /// The environment failed.
    pub(crate) fn environment(what: impl Into<String>) -> Self {
        let mut trouble = Self::failed(what);
        trouble.kind = FailureKind::Environment;
        trouble
    }

    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }
}

impl Deref for Trouble {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Trouble {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// What steps and expectations act upon.
pub(crate) struct Stage<'a> {
    pub(crate) case: &'a Case,
    pub(crate) lab: &'a Lab,
    pub(crate) world: World,
    pub(crate) kinds: Kinds,
    /// See [`Lane::settle`].
    pub(crate) settle: Duration,
    pub(crate) entropy: Entropy,
    marks: Mutex<BTreeMap<String, Moment>>,
    pub(crate) faults: Mutex<BTreeMap<String, FaultId>>,
}

impl Stage<'_> {
    /// Now, as a moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment {
            elapsed: self.lab.clock.elapsed(),
            time: self.lab.clock.now(),
            journal: self.world.journal.len(),
            change: self.world.change(),
        }
    }

    /// Remembers now under a verb and, where the step has one, a name.
    pub(crate) fn mark(&self, verb: &str, name: Option<&str>) {
        let moment = self.moment();
        let mut marks = self.marks();
        // `start` is the scenario's start, whatever a `start` step does.
        if verb != Mark::START {
            marks.insert(verb.to_owned(), moment);
        }
        if let Some(name) = name {
            marks.insert(name.to_owned(), moment);
        }
    }

    /// The moment of a mark; the checks have proven that it is set, unless its step stands in a parallel branch.
    pub(crate) fn marked(&self, mark: &str) -> Result<Moment, Trouble> {
        let moment = self.marks().get(mark).copied();
        moment.ok_or_else(|| Trouble::failed(format!("no step `{mark}` has run before this one")))
    }

    fn marks(&self) -> MutexGuard<'_, BTreeMap<String, Moment>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a span stands.
    pub(crate) fn location(&self, span: Span) -> Location {
        Location {
            file: self.case.file.display().to_string(),
            line: span.line,
            column: span.column,
        }
    }

    /// The source line of a span, without its indent.
    pub(crate) fn source_line(&self, span: Span) -> &str {
        let text = self.case.source.text();
        text.lines()
            .nth(span.line.saturating_sub(1))
            .unwrap_or_default()
    }

    /// Tells an event that happens now.
    pub(crate) fn tell(&self, event: Event) {
        self.world.emitter.emit(self.lab.clock.elapsed(), event);
    }
}

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
    let ended = match options.lane.runtime() {
        Ok(runtime) => runtime.block_on(act(case, options, emitter, token)),
        Err(error) => Ended::environment(case, options, &error.to_string()),
    };
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
}

impl Ended {
    /// The lab could not be had.
    fn environment(case: &Case, options: &Options, what: &str) -> Self {
        let failure = Failure {
            kind: FailureKind::Environment,
            location: Location {
                file: case.file.display().to_string(),
                line: 1,
                column: 1,
            },
            source: case
                .source
                .text()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            what: what.to_owned(),
            expected: None,
            actual: None,
            next: vec!["run it again with ROTAPROOF_LOG=debug".into()],
            evidence: Vec::new(),
            reproduce: reproduce(case, options),
        };
        Self {
            verdict: Verdict::Errored,
            failure: Some(Box::new(failure)),
            requests: 0,
            at: Duration::ZERO,
        }
    }
}

async fn act(
    case: &Case,
    options: &Options,
    emitter: &Emitter,
    token: &CancellationToken,
) -> Ended {
    // By its title, so that a scenario draws the same alone as among others.
    let entropy = Entropy::from_seed(options.seed).fork(&case.title);
    let lane: &dyn Lane = options.lane.as_ref();
    let wanted = Wanted {
        vaults: &case.vaults,
        eso: &case.eso,
    };
    let lab = tokio::select! {
        biased;
        () = token.cancelled() => None,
        lab = lane.start(&wanted, &entropy) => Some(lab),
    };
    let lab = match lab {
        None => {
            return Ended {
                verdict: Verdict::Interrupted,
                failure: None,
                requests: 0,
                at: Duration::ZERO,
            };
        }
        Some(Err(error)) => return Ended::environment(case, options, &error.to_string()),
        Some(Ok(lab)) => lab,
    };
    let tasks = TaskGroup::new();
    let world = World::watch(
        &lab.client,
        Ledger::new(lab.fingerprinter.clone()),
        lab.gateway.journal(),
        lab.clock.clone(),
        emitter.clone(),
        &tasks,
    );
    let stage = Stage {
        case,
        lab: &lab,
        world,
        kinds: Kinds::default(),
        settle: lane.settle(),
        entropy: entropy.fork("values"),
        marks: Mutex::default(),
        faults: Mutex::default(),
    };
    let outcome = tokio::select! {
        biased;
        () = token.cancelled() => None,
        outcome = perform(&stage) => Some(outcome),
    };
    let (verdict, failure) = match outcome {
        Some(Ok(())) => (Verdict::Passed, None),
        Some(Err(trouble)) => {
            let verdict = match trouble.kind {
                FailureKind::Expectation => Verdict::Failed,
                FailureKind::Environment => Verdict::Errored,
            };
            (verdict, Some(Box::new(failure(&stage, trouble, options))))
        }
        None if options.interrupt.is_cancelled() => (Verdict::Interrupted, None),
        None => {
            let limit = rotaproof_events::human(options.timeout);
            let trouble = Trouble::environment(format!(
                "the scenario did not end within {limit} (--timeout)"
            ));
            (
                Verdict::Errored,
                Some(Box::new(failure(&stage, trouble, options))),
            )
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
    let at = lab.clock.elapsed();
    tasks.shutdown().await;
    lab.cluster.stop().await;
    Ended {
        verdict,
        failure,
        requests: requests as u64,
        at,
    }
}

/// Creates the declared secrets, then runs the steps.
async fn perform(stage: &Stage<'_>) -> Result<(), Trouble> {
    for (vault, declared) in &stage.case.vaults {
        let writer = step::writer(stage, vault)?;
        for (secret, body) in declared.secrets() {
            let content = values::content(body, &stage.entropy);
            let ack = writer
                .create(secret, &content)
                .await
                .map_err(|error| Trouble::environment(error.to_string()))?;
            let name = format!("{}/{}", vault.value, secret.value);
            let at = stage.lab.clock.elapsed();
            stage
                .world
                .state()
                .ledger
                .written(&name, ack.version, content, at);
        }
    }
    // The watches have listed by the time that nothing else can happen.
    tokio::time::sleep(stage.settle).await;
    stage.mark("", Some(Mark::START));
    step::run_all(stage, &stage.case.steps).await
}

fn failure(stage: &Stage<'_>, trouble: Trouble, options: &Options) -> Failure {
    let Trouble(trouble) = trouble;
    let (span, source) = trouble.step.unwrap_or_else(|| {
        let top = Span {
            line: 1,
            column: 1,
            ..Span::default()
        };
        (top, stage.source_line(top).to_owned())
    });
    let Explanation { evidence, next } = match &trouble.about {
        Some(about) => explain(&stage.world, about),
        None => Explanation {
            evidence: Vec::new(),
            next: vec!["correct the step, or what it names".into()],
        },
    };
    Failure {
        kind: trouble.kind,
        location: stage.location(span),
        source,
        what: trouble.what,
        expected: trouble.expected,
        actual: trouble.actual,
        next,
        evidence,
        reproduce: reproduce(stage.case, options),
    }
}

fn reproduce(case: &Case, options: &Options) -> String {
    let mut command = format!(
        "rotaproof run {} --seed {}",
        case.file.display(),
        options.seed
    );
    if !case.matrix.is_empty() {
        command.push_str(&format!(" --filter '{}'", case.title));
    }
    command
}
