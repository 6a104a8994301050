//! A lane whose clock runs by itself: the embedded parts in real time.

use std::time::Duration;

use async_trait::async_trait;
use rotaproof_base::{Clock, Entropy};
use rotaproof_cluster::{Error, Interactive, Lab, Lane, Present, Wanted};
use rotaproof_events::{Event, Verdict};
use rstest::rstest;

use super::{Played, on_a_vault, play};

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
        Ok(runtime.unwrap())
    }

    fn present(&self) -> Present {
        Present::Grace(self.grace)
    }

    async fn start(&self, wanted: &Wanted<'_>, entropy: &Entropy) -> Result<Lab, Error> {
        let interactive = Interactive::start(wanted, entropy, Clock::system(), None).await?;
        Ok(interactive.lab)
    }
}

/// A synced ExternalSecret, then these steps, with this grace.
fn perform(steps: &str, grace: Duration) -> Played {
    let scenario = on_a_vault(&format!(
        "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - expect: {{ store: hashicorp-vault, ready: Valid, within: 10s }}
  - apply: MANIFESTS/externalsecret.yaml
  - expect: {{ secret: notebook-validation/git-credentials, is: current, within: 10s }}
{steps}"
    ));
    play(&scenario, RealClock { grace }, None)
}

/// A sync takes a few milliseconds: its effect is not there when the step before has ended.
const RIGHT_AFTER_A_SYNC: &str = "  - rotate: { secret: vault/secret/git/credentials }
  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: current }";

#[rstest]
#[case::without_a_grace(Duration::ZERO, Verdict::Failed)]
#[case::with_one(Duration::from_secs(5), Verdict::Passed)]
fn now_is_what_becomes_true_within_the_grace(#[case] grace: Duration, #[case] verdict: Verdict) {
    assert_eq!(perform(RIGHT_AFTER_A_SYNC, grace).verdict, verdict);
}

#[test]
fn a_grace_is_an_upper_bound() {
    let Played { records, .. } = perform(RIGHT_AFTER_A_SYNC, Duration::from_secs(50)).passed();
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
    assert_eq!(
        perform(begins, Duration::from_secs(5)).verdict,
        Verdict::Passed
    );
    let ends = "  - rotate: { secret: vault/secret/git/credentials }
  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: previous, throughout: 5s }";
    assert_eq!(
        perform(ends, Duration::from_secs(5)).verdict,
        Verdict::Failed
    );
}

#[test]
fn no_step_lasts_longer_than_what_it_does() {
    let Played { records, .. } = perform("", Duration::from_secs(5)).passed();
    let at = |event: fn(&Event) -> bool| records.iter().find(|r| event(&r.event)).unwrap().at_us;
    let started = at(|event| matches!(event, Event::StepStarted { .. }));
    let finished = at(|event| matches!(event, Event::ScenarioFinished { .. }));
    assert!(
        finished - started < 4_000_000,
        "{started} {finished}: a grace was slept"
    );
}

#[test]
fn a_change_is_known_within_milliseconds_of_its_commit_and_its_lag_is_told() {
    let detection = |played: Played| {
        played
            .records
            .iter()
            .find_map(|record| match &record.event {
                Event::RunFinished { wall_detection, .. } => Some(*wall_detection),
                _ => None,
            })
    };
    let lag = detection(perform(RIGHT_AFTER_A_SYNC, Duration::from_secs(5)).passed());
    let lag = lag.unwrap().unwrap();
    assert!(lag.count >= 10, "{lag:?}");
    // The median alone: a machine that is busy with other tests may hold up some, not most.
    assert!(lag.p50_us > 0 && lag.p50_us < 5_000, "{lag:?}");
}
