//! What steps and expectations act upon: a lab, what is seen of it, and what later steps refer to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rotaproof_base::{Entropy, TaskGroup};
use rotaproof_cluster::{Error, Kept, Lab, Lane, Present, Wanted};
use rotaproof_events::{Event, Failure, Location};
use rotaproof_gateway::FaultId;
use rotaproof_scenario::{Case, Mapping, Mark, Span};

use crate::apply::Kinds;
use crate::emit::Emitter;
use crate::expect::interval;
use crate::explain::{Explanation, explain};
use crate::step;
pub(crate) use crate::trouble::Trouble;
use crate::trouble::printed;
use crate::values;
use crate::world::{State, World};

/// The longest that the API may take to answer the first lists. A wait that ends with the last answer; a real API
/// server takes milliseconds.
const LISTED_WITHIN: Duration = Duration::from_secs(30);

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

/// Without a request or a change for so long, the operator rests: its own steps are milliseconds apart.
const QUIET: Duration = Duration::from_millis(250);
/// How long its rest is waited for.
const RESTLESS: Duration = Duration::from_secs(2);

/// What steps and expectations act upon.
pub(crate) struct Stage<'a> {
    /// Borrowed where the steps are a file's; owned, and growing, where a test performs them one by one.
    pub(crate) case: Cow<'a, Case>,
    pub(crate) lab: Lab,
    pub(crate) world: World,
    pub(crate) kinds: Kinds,
    pub(crate) present: Present,
    /// What longer refresh intervals become where a manifest is applied.
    pub(crate) refresh: Option<Duration>,
    pub(crate) entropy: Entropy,
    /// Whether the last step was one that disturbs the operator.
    disturbed: AtomicBool,
    marks: Mutex<BTreeMap<String, Moment>>,
    told: Mutex<BTreeSet<String>>,
    pub(crate) faults: Mutex<BTreeMap<String, FaultId>>,
    watches: TaskGroup,
}

impl<'a> Stage<'a> {
    /// Starts a lab for a case, and to watch it; what is seen is kept where it is `observed`.
    pub(crate) async fn raise(
        case: Cow<'a, Case>,
        lane: &dyn Lane,
        seed: u64,
        refresh: Option<Duration>,
        emitter: Emitter,
        observed: bool,
    ) -> Result<Self, Error> {
        // By its title, so that a scenario draws the same alone as among others.
        let entropy = Entropy::from_seed(seed).fork(&case.title);
        let wanted = Wanted {
            vaults: &case.vaults,
            eso: &case.eso,
        };
        let lab = lane.start(&wanted, &entropy).await?;
        let watches = TaskGroup::new();
        // In virtual time nothing takes any.
        let committed = match lane.present() {
            Present::Virtual(_) => None,
            Present::Grace(_) => Some(lab.committed.clone()),
        };
        let world = World::watch(&lab, committed, emitter, &watches, observed);
        Ok(Self {
            case,
            lab,
            world,
            kinds: Kinds::default(),
            present: lane.present(),
            refresh,
            entropy: entropy.fork("values"),
            disturbed: AtomicBool::new(false),
            marks: Mutex::default(),
            told: Mutex::default(),
            faults: Mutex::default(),
            watches,
        })
    }

    /// Creates the declared secrets, and marks the start.
    pub(crate) async fn begin(&self) -> Result<(), Trouble> {
        for (vault, declared) in &self.case.vaults {
            let writer = step::writer(self, vault)?;
            for (secret, body) in declared.secrets() {
                let content = values::content(body, &self.entropy);
                let ack = writer
                    .create(secret, &content)
                    .await
                    .map_err(|error| Trouble::environment(error.to_string()))?;
                let name = format!("{}/{}", vault.value, secret.value);
                let at = self.lab.clock.elapsed();
                self.world
                    .state()
                    .ledger
                    .written(&name, ack.version, content, at);
            }
        }
        self.world
            .listed(LISTED_WITHIN)
            .await
            .map_err(|kinds| Trouble::environment(format!("the API did not list {kinds}")))?;
        self.settle().await;
        self.mark("", Some(Mark::START));
        Ok(())
    }

    /// In virtual time, lets all happen that is due at this moment. A clock that runs by itself has no such moment.
    pub(crate) async fn settle(&self) {
        if let Present::Virtual(moment) = self.present {
            tokio::time::sleep(moment).await;
        }
    }

    /// Is [`quiet`](Self::quiet) before the first of the steps in a row that disturb. What is due has happened then, as it has in virtual time: the real operator
    /// reads a secret once more right after it wrote it, and a rotation in between would be seen at once instead of a
    /// refresh later.
    pub(crate) async fn rest_before(&self, disturbing: bool) {
        let disturbed = self.disturbed.swap(disturbing, Ordering::Relaxed);
        if disturbing && !disturbed {
            self.quiet().await;
        }
    }

    /// On a clock that runs by itself, waits until nothing has happened for a while, at most [`RESTLESS`].
    pub(crate) async fn quiet(&self) {
        let Present::Grace(_) = self.present else {
            return;
        };
        let mut changes = self.world.changes();
        let still = async {
            loop {
                changes.mark_unchanged();
                if tokio::time::timeout(QUIET, changes.changed())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        };
        // One that never rests is acted upon all the same.
        let _ = tokio::time::timeout(RESTLESS, still).await;
    }

    /// How long after now what becomes true counts as true now.
    pub(crate) fn grace(&self) -> Duration {
        match self.present {
            Present::Virtual(_) => Duration::ZERO,
            Present::Grace(grace) => grace,
        }
    }

    /// The interval of an ExternalSecret that names none, and what a refresh is taken for where none is due.
    pub(crate) fn default_interval(&self) -> Duration {
        let default = interval::DEFAULT;
        self.refresh.map_or(default, |limit| limit.min(default))
    }

    /// Leaves the lab's cluster as it is, and ends the rest of it.
    pub(crate) async fn leave(&self) -> Result<Kept, Error> {
        self.watches.shutdown().await;
        self.lab.cluster.keep().await
    }

    /// Ends the lab; nothing stays behind.
    pub(crate) async fn strike(&self) {
        self.watches.shutdown().await;
        self.lab.cluster.stop().await;
    }

    /// Where the keys of Secrets come from.
    pub(crate) fn mapping(&self, state: &State) -> Cow<'_, Mapping> {
        match &self.case {
            Cow::Borrowed(case) => Cow::Borrowed(&case.mapping),
            // Nobody has read a test's manifests before: what the cluster has counts.
            Cow::Owned(case) => {
                let objects = state.mapping_objects();
                Cow::Owned(Mapping::of(objects.iter(), &case.vaults))
            }
        }
    }

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

    /// Whether this is to be told: yes once, and no from then on.
    pub(crate) fn first_time(&self, what: String) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(what)
    }

    /// Trouble as it is told: explained, with where it happened and what runs it again.
    pub(crate) fn failure(&self, trouble: Trouble, reproduce: String) -> Failure {
        let Trouble(trouble) = trouble;
        let (span, source) = trouble.step.unwrap_or_else(|| {
            let top = Span {
                line: 1,
                column: 1,
                ..Span::default()
            };
            (top, self.source_line(top).to_owned())
        });
        let Explanation { mut evidence, next } = match &trouble.about {
            Some(about) => explain(&self.world, about),
            None => Explanation {
                evidence: Vec::new(),
                next: vec!["correct the step, or what it names".into()],
            },
        };
        let next = trouble.next.map_or(next, |next| vec![next]);
        match trouble.evidence.as_slice() {
            [] => {
                let known: Vec<_> = self.world.state().ledger.values().collect();
                evidence.extend(printed(self.lab.cluster.operator_log(&known)));
            }
            more => evidence.extend(more.iter().cloned()),
        }
        Failure {
            kind: trouble.kind,
            location: self.location(span),
            source,
            what: trouble.what,
            expected: trouble.expected,
            actual: trouble.actual,
            next,
            evidence,
            reproduce,
        }
    }
}
