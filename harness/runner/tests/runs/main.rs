//! Runs of whole scenarios, and what they tell.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod real_clock;
mod refresh;
mod retired;
mod stay;
mod stretch;

use std::sync::Arc;
use std::time::Duration;

use rotaproof_cluster::Lane;
use rotaproof_events::{Event, Failure, Record, Verdict};
use rotaproof_runner::{Listener, Options, run};
use tokio_util::sync::CancellationToken;

/// The manifests of the record for Vault: v1beta1, refreshed every hour.
const MANIFESTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/seed/vault/manifests"
);

/// A Vault as the record has it, then what follows: `eso:`, `steps:`.
fn on_a_vault(rest: &str) -> String {
    let rest = rest.replace("MANIFESTS", MANIFESTS);
    format!(
        "scenario: Runs
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
{rest}
"
    )
}

/// How a run ended, and what it told.
struct Played {
    verdict: Verdict,
    failure: Option<Box<Failure>>,
    records: Vec<Record>,
}

impl Listener for Played {
    fn record(&mut self, record: &Record) {
        if let Event::ScenarioFinished {
            verdict, failure, ..
        } = &record.event
        {
            self.verdict = *verdict;
            self.failure.clone_from(failure);
        }
        self.records.push(record.clone());
    }
}

impl Played {
    #[track_caller]
    fn passed(self) -> Self {
        assert_eq!(self.verdict, Verdict::Passed, "{:?}", self.failure);
        self
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.records.iter().map(|record| &record.event)
    }

    /// What the steps established, in order.
    fn outcomes(&self) -> Vec<&str> {
        let outcomes = self.events().filter_map(|event| match event {
            Event::StepPassed { outcome, .. } => Some(outcome.as_str()),
            _ => None,
        });
        outcomes.collect()
    }
}

/// One scenario at a time.
fn options(lane: impl Lane + 'static, refresh: Option<Duration>) -> Options {
    Options {
        lane: Arc::new(lane),
        seed: 1,
        refresh,
        jobs: 1,
        fail_fast: false,
        timeout: Duration::from_secs(60),
        interrupt: CancellationToken::new(),
        version: String::new(),
        audit: None,
        observe: None,
        keep: None,
        stay: None,
    }
}

fn play(scenario: &str, lane: impl Lane + 'static, refresh: Option<Duration>) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.scenario.yaml");
    std::fs::write(&path, scenario).unwrap();
    let cases =
        rotaproof_scenario::load(&path).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let options = options(lane, refresh);
    let mut played = Played {
        verdict: Verdict::Skipped,
        failure: None,
        records: Vec::new(),
    };
    run(&cases, &options, &mut played);
    played
}
