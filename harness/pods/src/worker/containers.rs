//! The containers of a pod: started in order, reported, ended and restarted.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::container::{Probe, blocking};
use crate::context::EventKind;
use crate::environment::{self, Environment, Refusal};
use crate::probe::Report;
use crate::sources::{self, Sources};
use crate::status::{Ended, State};
use crate::volumes;

use super::{Slot, Worker, jittered};

/// Between two attempts to make a container: the kubelet's `backOffPeriod`, jittered.
pub(super) const RETRY: Duration = Duration::from_secs(10);
/// The first and the longest `CrashLoopBackOff`.
const CRASH_LOOP: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// Which list of containers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Init,
    Main,
}

impl Worker {
    fn slot(&mut self, list: List, index: usize) -> &mut Slot {
        match list {
            List::Init => &mut self.init[index],
            List::Main => &mut self.main[index],
        }
    }

    /// The first init container that still has to run.
    fn next_init(&self) -> Option<usize> {
        let done = |slot: &Slot| match &slot.shown.state {
            State::Terminated(ended) => ended.code == 0,
            State::Running { .. } => slot.shown.sidecar,
            State::Waiting { .. } => false,
        };
        self.init.iter().position(|slot| !done(slot))
    }

    /// The containers that may be started, once they are due.
    pub(super) fn startable(&self) -> impl Iterator<Item = &Slot> {
        let (init, main) = match self.next_init() {
            _ if !self.volumes.ready => (None, &[][..]),
            Some(index) => (self.init.get(index), &[][..]),
            None => (None, &self.main[..]),
        };
        init.into_iter().chain(main)
    }

    /// Starts the containers that are due, the init containers one after the other.
    pub(super) async fn start_due(&mut self) {
        let now = Instant::now();
        let is_due = |slot: &Slot| slot.due.is_some_and(|due| due <= now);
        if !self.volumes.ready {
            return;
        }
        while let Some(index) = self.next_init() {
            if !is_due(&self.init[index]) {
                return;
            }
            self.start(List::Init, index).await;
            if self.next_init() == Some(index) {
                return;
            }
        }
        for index in 0..self.main.len() {
            if is_due(&self.main[index]) {
                self.start(List::Main, index).await;
            }
        }
    }

    /// Makes one container, or leaves it waiting with the reason.
    async fn start(&mut self, list: List, index: usize) {
        let slot = self.slot(list, index);
        slot.due = None;
        slot.retry = None;
        let (name, image) = (slot.spec.name.clone(), slot.shown.image.clone());
        let present = format!("Container image {image:?} already present on machine");
        self.record(EventKind::Normal, "Pulled", &present).await;
        let environment = match self.environment(list, index).await {
            Ok(environment) => environment,
            Err(refusal) => return self.refused(list, index, refusal).await,
        };
        self.record(
            EventKind::Normal,
            "Created",
            &format!("Created container: {name}"),
        )
        .await;
        let (probe, report) = match self.spawn(list, index, environment).await {
            Ok(started) => started,
            Err(error) => {
                let message = format!("failed to start container {name:?}: {error}");
                let refusal = Refusal {
                    reason: "RunContainerError",
                    message,
                };
                self.slot(list, index).due = Some(Instant::now() + RETRY);
                return self.refused(list, index, refusal).await;
            }
        };
        self.record(
            EventKind::Normal,
            "Started",
            &format!("Started container {name}"),
        )
        .await;
        let since = self.context.now();
        let slot = self.slot(list, index);
        slot.started = Some(Instant::now());
        slot.shown.state = State::Running {
            since: since.clone(),
        };
        slot.reports += 1;
        let (seq, sidecar) = (slot.reports, slot.shown.sidecar);
        self.log(
            &name,
            &format!("container {name} of pod {} started", self.name),
        );
        self.log_report(&name, seq, &report);
        if list == List::Init && !sidecar {
            let code = blocking(move || probe.exit(0)).await.unwrap_or(137);
            let ended = Ended {
                code,
                started: since,
                finished: self.context.now(),
            };
            let slot = self.slot(list, index);
            slot.shown.state = State::Terminated(ended);
        } else {
            self.slot(list, index).probe = Some(probe);
        }
    }

    async fn environment(&mut self, list: List, index: usize) -> Result<Environment, Refusal> {
        let spec = self.slot(list, index).spec.clone();
        let references = sources::of_container(&spec);
        let read = Sources::read(&self.context.client, &self.namespace, &references).await;
        let sources = read.map_err(|error| {
            // No change will be told of: try again by the clock.
            let at = Instant::now() + RETRY;
            self.slot(list, index).due = Some(at);
            Refusal::from(error.to_string())
        })?;
        environment::build(&spec, &self.pod, &self.placement(), &sources)
    }

    async fn spawn(
        &mut self,
        list: List,
        index: usize,
        environment: Environment,
    ) -> io::Result<(Probe, Report)> {
        let (folder, spec) = (self.folder.clone(), self.slot(list, index).spec.clone());
        let writable = self.volumes.writable.clone();
        let fingerprinter = self.context.fingerprinter.clone();
        blocking(move || {
            let root = folder.join("roots").join(&spec.name);
            let mounts = volumes::mount(
                &spec,
                &environment,
                &folder.join("volumes"),
                &writable,
                &root,
            )?;
            let mut probe = Probe::start(&environment, &folder, root, mounts)?;
            let report = probe.report(&fingerprinter)?;
            Ok((probe, report))
        })
        .await
    }

    async fn refused(&mut self, list: List, index: usize, refusal: Refusal) {
        let retry = Instant::now() + jittered(&self.jitter, RETRY);
        let slot = self.slot(list, index);
        slot.retry = Some(retry);
        slot.shown.state = State::waiting(refusal.reason, Some(&refusal.message));
        let message = format!("Error: {}", refusal.message);
        self.record(EventKind::Warning, "Failed", &message).await;
    }

    /// When a running main container ends by itself.
    pub(super) fn ends_at(&self, slot: &Slot) -> Option<Instant> {
        slot.probe.as_ref()?;
        slot.started?.checked_add(self.completion()?.after)
    }

    /// Ends the main containers whose time is up.
    pub(super) async fn end_due(&mut self) {
        let now = Instant::now();
        for index in 0..self.main.len() {
            let due = self.ends_at(&self.main[index]).is_some_and(|at| at <= now);
            let code = self.completion().map_or(0, |completion| completion.code);
            if due && let Some(probe) = self.main[index].probe.take() {
                let code = blocking(move || probe.exit(code)).await.unwrap_or(137);
                self.ended(index, code).await;
            }
        }
    }

    /// Keeps how a main container ended, and restarts it where the pod wants that.
    async fn ended(&mut self, index: usize, code: i32) {
        let now = Instant::now();
        let finished = self.context.now();
        let restart = match self.restart_policy() {
            "Always" => true,
            "OnFailure" => code != 0,
            _ => false,
        };
        let slot = &mut self.main[index];
        let State::Running { since } = &slot.shown.state else {
            return;
        };
        let ended = Ended {
            code,
            started: since.clone(),
            finished,
        };
        let ran_for = slot
            .started
            .map(|started| now - started)
            .unwrap_or_default();
        if !restart {
            slot.shown.state = State::Terminated(ended);
            return;
        }
        slot.shown.last = Some(ended);
        let wait = crash_loop(slot.shown.restarts, ran_for);
        slot.shown.restarts += 1;
        slot.due = Some(now + wait);
        let name = slot.spec.name.clone();
        let message = format!(
            "back-off {}s restarting failed container={name} pod={}_{}",
            wait.as_secs(),
            self.name,
            self.namespace
        );
        slot.shown.state = State::waiting("CrashLoopBackOff", Some(&message));
        if !wait.is_zero() {
            let message = format!(
                "Back-off restarting failed container {name} in pod {}",
                self.name
            );
            self.record(EventKind::Warning, "BackOff", &message).await;
        }
    }

    /// Has a running main container report, and passes that on.
    pub(super) async fn report(&mut self, index: usize) {
        let Some(mut probe) = self.main[index].probe.take() else {
            return;
        };
        let fingerprinter = self.context.fingerprinter.clone();
        let asked = blocking(move || {
            let report = probe.report(&fingerprinter)?;
            Ok((probe, report))
        });
        match asked.await {
            Ok((probe, report)) => {
                let slot = &mut self.main[index];
                slot.probe = Some(probe);
                slot.reports += 1;
                let (name, seq) = (slot.spec.name.clone(), slot.reports);
                self.log_report(&name, seq, &report);
            }
            // Somebody killed it.
            Err(_) => self.ended(index, 137).await,
        }
    }

    fn log_report(&self, container: &str, seq: u64, report: &Report) {
        let line =
            json!({"rotaproof": "report", "seq": seq, "env": report.env, "files": report.files});
        self.log(container, &line.to_string());
    }

    fn log(&self, container: &str, line: &str) {
        self.context
            .logs
            .append(&self.namespace, &self.name, container, line);
    }
}

/// How long a container waits for its next restart: not at all for the first, nor after ten minutes of good health.
fn crash_loop(restarts: u32, ran_for: Duration) -> Duration {
    if restarts == 0 || ran_for >= CRASH_LOOP.1 * 2 {
        return Duration::ZERO;
    }
    let doubled = CRASH_LOOP.0 * 2_u32.saturating_pow((restarts - 1).min(16));
    doubled.min(CRASH_LOOP.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(0, 1, 0)]
    #[case(1, 1, 10)]
    #[case(3, 1, 40)]
    #[case(6, 1, 300)]
    #[case(u32::MAX, 1, 300)]
    #[case(3, 600, 0)]
    fn restarts_back_off_as_crash_loops_do(
        #[case] restarts: u32,
        #[case] ran: u64,
        #[case] wait: u64,
    ) {
        assert_eq!(
            crash_loop(restarts, Duration::from_secs(ran)),
            Duration::from_secs(wait)
        );
    }
}
