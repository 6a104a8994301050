//! Manifests of v1beta1 on an ESO that no longer serves it.

use rotaproof_cluster::Embedded;
use rotaproof_events::{Event, Verdict};
use rstest::rstest;

use super::{Played, on_a_vault, play};

const STEPS: &str = "steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: MANIFESTS/store.yaml
  - expect: { store: hashicorp-vault, ready: Valid, within: 10s }
  - apply: MANIFESTS/externalsecret.yaml
  - apply: MANIFESTS/externalsecret.yaml
  - expect: { secret: notebook-validation/git-credentials, is: current, within: 10s }
  - delete: { manifest: MANIFESTS/externalsecret.yaml }
  - expect: { secret: notebook-validation/git-credentials, absent: true, within: 10s }
";

fn findings(played: &Played) -> Vec<(String, &str, &str, &str)> {
    let found = played.events().filter_map(|event| match event {
        Event::Finding {
            manifest,
            finding,
            refusal,
            fix,
            ..
        } => Some((
            manifest.rsplit('/').next()?.to_owned(),
            finding.as_str(),
            refusal.as_deref()?,
            fix.as_deref()?,
        )),
        _ => None,
    });
    found.collect()
}

#[test]
fn it_is_applied_as_v1_and_found_once_per_file() {
    let played = play(
        &on_a_vault(&format!("eso: {{ serves: [v1] }}\n{STEPS}")),
        Embedded,
        None,
    )
    .passed();
    let found = findings(&played);
    let files: Vec<&str> = found.iter().map(|(file, ..)| file.as_str()).collect();
    assert_eq!(files, ["store.yaml", "externalsecret.yaml"]);
    let (_, finding, refusal, fix) = &found[0];
    assert_eq!(
        *finding,
        "`apiVersion: external-secrets.io/v1beta1` in line 1 is not served here; applied as external-secrets.io/v1"
    );
    assert_eq!(
        *refusal,
        "no matches for kind \"ClusterSecretStore\" in version \"external-secrets.io/v1beta1\""
    );
    assert_eq!(
        *fix,
        "write `apiVersion: external-secrets.io/v1`, which ESO serves from 0.16 on"
    );
}

#[test]
fn it_is_applied_as_written_where_it_is_served() {
    let played = play(&on_a_vault(STEPS), Embedded, None).passed();
    assert_eq!(findings(&played), []);
}

#[rstest]
#[case::v1beta1("no matches for kind", Verdict::Passed)]
#[case::something_else("a policy", Verdict::Failed)]
fn a_refusal_that_the_scenario_expects_is_not_got_round(
    #[case] refused: &str,
    #[case] verdict: Verdict,
) {
    let scenario = on_a_vault(&format!(
        "eso: {{ serves: [v1] }}
steps:
  - apply: MANIFESTS/cluster.yaml
  - apply: {{ manifest: MANIFESTS/store.yaml, refused: {refused} }}"
    ));
    assert_eq!(play(&scenario, Embedded, None).verdict, verdict);
}
