//! `rotaproof compare`: what differs between two lanes, and that nothing does between a lane and itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::Entropy;
use rotaproof_cluster::{Embedded, Error, Lab, Lane, Present, Wanted};
use rotaproof_compare::{Compared, Pair, Rules};
use rotaproof_events::{Observation, Record, Verdict};
use rotaproof_gateway::fault::{FaultSpec, Reset};
use rotaproof_runner::{Listener, Options};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn compare(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .current_dir(root())
        .arg("compare")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_lane_does_not_differ_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let report = |kind: &str| format!("{kind}={}", folder.path().join(kind).display());
    let compared = compare(&[
        "embedded",
        "embedded",
        "scenarios/seed/aws",
        "scenarios/troubleshooting",
        "scenarios/rotation/cronjob.scenario.yaml",
        "--seed",
        "7",
        // Virtual hours at 2s each are thousands of refreshes.
        "--refresh",
        "manifest",
        "--report",
        &report("json"),
        "--report",
        &report("junit"),
    ]);
    let out = text(&compared.stdout);
    assert_eq!(compared.status.code(), Some(0), "{out}");
    assert!(out.contains(" 0 different in "), "{out}");
    // What is left out is told.
    assert!(out.contains("repeated refreshes collapsed"), "{out}");
    let read = |kind: &str| std::fs::read_to_string(folder.path().join(kind)).unwrap();
    let scenarios = read("json")
        .matches(r#""event":"scenario-compared""#)
        .count();
    assert!(scenarios > 10, "{scenarios}");
    assert_eq!(read("junit").matches("<testcase ").count(), scenarios);
}

#[test]
fn what_is_no_lane_or_no_rule_ends_with_2() {
    for (arguments, wanted) in [
        (vec!["embedded", "moon"], "there is no lane `moon`"),
        (vec!["embedded"], "<LANE>"),
        (
            vec!["embedded", "embedded", "--exact", "colours"],
            "repeated-refreshes",
        ),
        (vec!["embedded", "embedded", "nowhere"], "nowhere"),
    ] {
        let compared = compare(&arguments);
        let err = text(&compared.stderr);
        assert_eq!(compared.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.contains(wanted), "{arguments:?}: {err}");
    }
}

struct Deaf;
impl Listener for Deaf {
    fn record(&mut self, _: &Record) {}
}

const FORCED: &str = "scenarios/seed/aws/force-sync.scenario.yaml";

fn observed(lane: Arc<dyn Lane>, seed: u64) -> Observation {
    let cases = rotaproof_scenario::load(&root().join(FORCED)).ok().unwrap();
    let slot = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&slot);
    let options = Options {
        lane,
        seed,
        refresh: None,
        jobs: 1,
        fail_fast: false,
        timeout: Duration::from_secs(300),
        interrupt: tokio_util::sync::CancellationToken::new(),
        version: String::new(),
        audit: None,
        observe: Some(Arc::new(move |_, observation| {
            *heard.lock().unwrap() = Some(observation);
        })),
        keep: None,
        stay: None,
    };
    rotaproof_runner::run(&cases, &options, &mut Deaf);
    slot.lock().unwrap().take().unwrap()
}

/// `subject / aspect` of all that differs.
fn differences(left: Observation, right: Observation) -> Vec<String> {
    let pair = Pair {
        title: String::new(),
        file: String::new(),
        alone: String::new(),
        left,
        right,
        took: Duration::ZERO,
    };
    let compared = Compared::of(&pair, &Rules::default());
    let subjects = compared.subjects.into_iter();
    subjects
        .flat_map(|s| {
            s.aspects
                .into_iter()
                .map(move |a| format!("{} / {}", s.name, a.name))
        })
        .collect()
}

#[test]
fn a_run_with_another_seed_differs_in_the_hash_of_its_values_alone() {
    let found = differences(
        observed(Arc::new(Embedded), 7),
        observed(Arc::new(Embedded), 8),
    );
    assert_eq!(
        found,
        [
            "Secret notebook-validation/aws-credentials / annotation reconcile.external-secrets.io/data-hash"
        ]
    );
}

/// The embedded lane with a vault that once answers otherwise.
struct Flawed;

#[async_trait]
impl Lane for Flawed {
    fn name(&self) -> &str {
        "flawed"
    }

    fn sweep(&self) {}

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        Embedded.runtime()
    }

    fn present(&self) -> Present {
        Embedded.present()
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let lab = Embedded.start(wanted, entropy).await?;
        lab.gateway.faults().inject(FaultSpec {
            name: "flaw".into(),
            vault: "aws".into(),
            operation: Some("GetSecretValue".into()),
            first: Some(1),
            share: None,
            kind: Arc::new(Reset),
        });
        Ok(lab)
    }
}

#[test]
fn a_lane_that_does_something_else_differs_in_what_could_be_seen_of_it() {
    let left = observed(Arc::new(Embedded), 7);
    assert_eq!(left.verdict, Verdict::Passed);
    let found = differences(left, observed(Arc::new(Flawed), 7));
    // The SDK asks again by itself: nothing but the requests tells of it.
    assert_eq!(
        found,
        ["Vault aws / requests of ExternalSecret notebook-validation/aws-credentials"]
    );
}
