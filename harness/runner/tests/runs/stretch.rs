//! `throughout:` and `advance:`, up to the next refresh and over so many.

use std::time::Duration;

use rotaproof_cluster::Embedded;
use rotaproof_events::Verdict;
use rstest::rstest;

use super::{Played, on_a_vault, play};

/// A synced ExternalSecret with this interval, then these steps.
fn synced(steps: &str, refresh: Option<Duration>) -> Played {
    let scenario = on_a_vault(&format!(
        "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - expect: {{ store: hashicorp-vault, ready: Valid, within: 10s }}
  - apply: MANIFESTS/externalsecret.yaml
  - expect: {{ externalsecret: notebook-validation/git-credentials, ready: SecretSynced, within: 10s }}
  - rotate: {{ secret: vault/secret/git/credentials }}
{steps}"
    ));
    play(&scenario, Embedded, refresh)
}

const SILENCE: &str = "  - expect: { requests: { vault: vault, operation: kv-v2 read }, count: 0, since: rotate, throughout: until refresh }
  - expect: { secret: notebook-validation/git-credentials, is: current, within: ";

/// A second is left in which the refresh comes. The ExternalSecret was refreshed in the lab's first second, which `refreshTime` tells as its zeroth.
#[rstest]
#[case::an_hour(None, "throughout until refresh (59m58.99")]
#[case::two_seconds(Some(2), "throughout until refresh (99")]
#[case::one_second(Some(1), "watched for no time: the next refresh was due")]
fn nothing_is_asked_until_the_next_refresh_and_then_it_is(
    #[case] refresh: Option<u64>,
    #[case] told: &str,
) {
    let refresh = refresh.map(Duration::from_secs);
    let played = synced(&format!("{SILENCE}1100ms }}"), refresh).passed();
    let outcomes = played.outcomes();
    assert!(
        outcomes.iter().any(|outcome| outcome.contains(told)),
        "{outcomes:#?}"
    );
}

#[test]
fn a_refresh_before_it_is_due_is_heard() {
    let played = synced(
        "  - force-sync: { externalsecret: notebook-validation/git-credentials }
  - expect: { secret: notebook-validation/git-credentials, is: previous, throughout: until refresh }",
        None,
    );
    let failure = played.failure.unwrap();
    let expected = failure.expected.unwrap();
    assert!(
        expected.contains("throughout until refresh (59m58.99")
            && expected.contains("it ended after 0s"),
        "{expected}"
    );
}

#[test]
fn time_passes_until_the_next_refresh() {
    let played = synced("  - advance: until refresh", None).passed();
    let outcome = *played.outcomes().last().unwrap();
    assert!(outcome.starts_with("59m58.99"), "{outcome}");
    let played = synced("  - advance: until refresh", Some(Duration::from_secs(1))).passed();
    let outcome = *played.outcomes().last().unwrap();
    assert_eq!(outcome, "no time passed: the next refresh was due");
}

#[test]
fn there_is_no_next_refresh_of_what_was_never_refreshed() {
    let scenario = on_a_vault(
        "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - expect: { store: hashicorp-vault, ready: Valid, within: 10s }
  - fault: { vault: vault, status: 403, operation: kv-v2 read }
  - apply: MANIFESTS/externalsecret.yaml
  - expect: { externalsecret: notebook-validation/git-credentials, not-ready: SecretSyncedError, within: 10s }
  - expect: { secret: notebook-validation/git-credentials, absent: true, throughout: until refresh }",
    );
    let played = play(&scenario, Embedded, None);
    assert_eq!(played.verdict, Verdict::Failed);
    let what = played.failure.unwrap().what;
    assert_eq!(
        what,
        "no next refresh is due: notebook-validation/git-credentials never refreshed, or never will again"
    );
}

#[rstest]
#[case::of_an_hour("0.2 refresh", None, "throughout 12m0s")]
#[case::of_two_seconds("0.2 refresh", Some(2), "throughout 400ms")]
#[case::exactly("exactly 1s", Some(2), "throughout 1s")]
fn refreshes_are_scaled_and_exact_times_are_not(
    #[case] stretch: &str,
    #[case] refresh: Option<u64>,
    #[case] told: &str,
) {
    let steps = format!(
        "  - expect: {{ secret: notebook-validation/git-credentials, is: previous, throughout: {stretch} }}"
    );
    let played = synced(&steps, refresh.map(Duration::from_secs)).passed();
    let outcome = *played.outcomes().last().unwrap();
    assert!(outcome.ends_with(told), "{outcome}");
}
