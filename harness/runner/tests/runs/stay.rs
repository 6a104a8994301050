//! A scenario whose cluster is to stay.

use std::sync::{Arc, Mutex};

use rotaproof_cluster::Embedded;
use rotaproof_events::{Event, Record, Verdict};
use rotaproof_runner::{Left, Listener, Options, Stay, run};
use rstest::rstest;

use super::{on_a_vault, options};

const PASSES: &str = "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - apply: MANIFESTS/externalsecret.yaml
  - expect: { secret: notebook-validation/git-credentials, is: current, within: 30s }
";
const FAILS: &str =
    "  - expect: { secret: notebook-validation/git-credentials, absent: true, within: 10s }";

#[derive(Default)]
struct Verdicts(Vec<Verdict>);

impl Listener for Verdicts {
    fn record(&mut self, record: &Record) {
        if let Event::ScenarioFinished { verdict, .. } = &record.event {
            self.0.push(*verdict);
        }
    }
}

/// Plays the scenario twice, one after the other; how they ended, and what was left.
fn play_twice(steps: &str, passed: bool) -> (Vec<Verdict>, Vec<Left>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stay.scenario.yaml");
    std::fs::write(&path, on_a_vault(steps)).unwrap();
    let cases = || {
        rotaproof_scenario::load(&path).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
    };
    let left: Arc<Mutex<Vec<Left>>> = Arc::default();
    let heard = left.clone();
    let options = Options {
        stay: Some(Stay {
            passed,
            tell: Arc::new(move |left| heard.lock().unwrap().push(left)),
        }),
        ..options(Embedded, None)
    };
    let mut verdicts = Verdicts::default();
    run(&[cases(), cases()].concat(), &options, &mut verdicts);
    let left = std::mem::take(&mut *left.lock().unwrap());
    (verdicts.0, left)
}

#[rstest]
#[case::that_failed(&[PASSES, FAILS].concat(), false, Verdict::Failed)]
#[case::that_passed(PASSES, true, Verdict::Passed)]
fn no_scenario_is_started_after_one_that_stays(
    #[case] steps: &str,
    #[case] passed: bool,
    #[case] verdict: Verdict,
) {
    let (verdicts, left) = play_twice(steps, passed);
    assert_eq!(verdicts, [verdict, Verdict::Skipped]);
    let [left] = left.as_slice() else {
        panic!("{} were left", left.len());
    };
    let objects: Vec<String> = left
        .objects
        .iter()
        .map(|one| {
            let namespace = one.namespace.as_deref().unwrap_or("-");
            format!("{namespace} {} {}", one.kind, one.name)
        })
        .collect();
    assert_eq!(
        objects,
        [
            "- clustersecretstore hashicorp-vault",
            "notebook-validation externalsecret git-credentials",
            "notebook-validation secret git-credentials",
        ]
    );
    let why = left.kept.as_ref().unwrap_err().to_string();
    assert_eq!(why, "the cluster could not stay: it ends with this process");
}

#[test]
fn one_that_passes_does_not_stay_where_only_failures_do() {
    let (verdicts, left) = play_twice(PASSES, false);
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Passed]);
    assert!(left.is_empty());
}
