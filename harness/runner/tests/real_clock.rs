//! The runner on a lane whose clock runs by itself: the embedded parts in real time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::{Clock, Entropy};
use rotaproof_cluster::{Error, Interactive, Lab, Lane, Present, Wanted};
use rotaproof_events::{Event, Record, Verdict};
use rotaproof_runner::{Listener, Options, run};
use rstest::rstest;
use tokio_util::sync::CancellationToken;

struct RealClock {
    grace: Duration,
}

#[async_trait]
impl Lane for RealClock {
    fn name(&self) -> &'static str {
        "real-clock"
    }

    fn sweep(&self) {}

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Ok(runtime.expect("a runtime"))
    }

    fn present(&self) -> Present {
        Present::Grace(self.grace)
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let interactive = Interactive::start(wanted, entropy, Clock::system(), None).await?;
        Ok(interactive.lab)
    }
}

#[derive(Default)]
struct Heard(Vec<Record>);

impl Listener for Heard {
    fn record(&mut self, record: &Record) {
        self.0.push(record.clone());
    }
}

const MANIFESTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/seed/vault/manifests"
);

/// A synced ExternalSecret of the record, then these steps, with this grace.
fn perform(steps: &str, grace: Duration) -> (Verdict, Vec<Record>) {
    let folder = tempfile::tempdir().unwrap();
    let scenario = format!(
        "scenario: On a clock that runs
vaults:
  vault:
    kind: hashicorp-vault
    address: https://vault.example.com
    mounts: {{ secret: kv-v2 }}
    policies:
      notebooks: {{ \"secret/data/git/*\": [read] }}
    kubernetes:
      mount: kubernetes
      roles:
        jupyter-validator:
          service_accounts: [external-secrets-system/external-secrets-sa]
          policies: [notebooks]
    secrets:
      secret/git/credentials:
        username: {{ generate: text }}
        password: {{ generate: text }}
steps:
  - apply: {MANIFESTS}/cluster.yaml
  - apply: {MANIFESTS}/store.yaml
  - expect: {{ store: hashicorp-vault, ready: Valid, within: 10s }}
  - apply: {MANIFESTS}/externalsecret.yaml
  - expect: {{ secret: notebook-validation/git-credentials, is: current, within: 10s }}
{steps}"
    );
    let path = folder.path().join("real.scenario.yaml");
    std::fs::write(&path, scenario).unwrap();
    run_file(&path, grace)
}

fn run_file(path: &Path, grace: Duration) -> (Verdict, Vec<Record>) {
    let cases =
        rotaproof_scenario::load(path).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let options = Options {
        lane: Arc::new(RealClock { grace }),
        seed: 1,
        jobs: 1,
        fail_fast: false,
        timeout: Duration::from_secs(60),
        interrupt: CancellationToken::new(),
        version: String::new(),
        audit: None,
    };
    let mut heard = Heard::default();
    run(&cases, &options, &mut heard);
    let verdict = heard.0.iter().find_map(|record| match &record.event {
        Event::ScenarioFinished {
            verdict, failure, ..
        } => {
            if let Some(failure) = failure {
                eprintln!(
                    "{} {:?} {:?}",
                    failure.what, failure.expected, failure.actual
                );
            }
            Some(*verdict)
        }
        _ => None,
    });
    (verdict.expect("the scenario ends"), heard.0)
}

/// A sync takes a few milliseconds: its effect is not there when the step before has ended.
const RIGHT_AFTER_A_SYNC: &str = "  - rotate: { secret: vault/secret/git/credentials }
  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: current }";

#[rstest]
#[case::without_a_grace(Duration::ZERO, Verdict::Failed)]
#[case::with_one(Duration::from_secs(5), Verdict::Passed)]
fn now_is_what_becomes_true_within_the_grace(#[case] grace: Duration, #[case] verdict: Verdict) {
    assert_eq!(perform(RIGHT_AFTER_A_SYNC, grace).0, verdict);
}

#[test]
fn a_grace_is_an_upper_bound() {
    let (verdict, records) = perform(RIGHT_AFTER_A_SYNC, Duration::from_secs(50));
    assert_eq!(verdict, Verdict::Passed);
    assert!(
        records.last().unwrap().at_us < 10_000_000 && records.last().unwrap().wall_us < 10_000_000,
        "it waited longer than for the change"
    );
}

#[test]
fn what_is_to_hold_throughout_may_begin_within_the_grace_and_then_must_hold() {
    let begins = "  - rotate: { secret: vault/secret/git/credentials }
  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: current, throughout: 100ms }";
    assert_eq!(perform(begins, Duration::from_secs(5)).0, Verdict::Passed);
    let ends = "  - rotate: { secret: vault/secret/git/credentials }
  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: previous, throughout: 5s }";
    assert_eq!(perform(ends, Duration::from_secs(5)).0, Verdict::Failed);
}

#[test]
fn no_step_lasts_longer_than_what_it_does() {
    let (_, records) = perform("", Duration::from_secs(5));
    let at = |event: fn(&Event) -> bool| records.iter().find(|r| event(&r.event)).unwrap().at_us;
    let started = at(|event| matches!(event, Event::StepStarted { .. }));
    let finished = at(|event| matches!(event, Event::ScenarioFinished { .. }));
    assert!(
        finished - started < 4_000_000,
        "{started} {finished}: a grace was slept"
    );
}
