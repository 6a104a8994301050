//! One observation that has everything, and what becomes of a change in it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first failure")]

use std::collections::BTreeMap;
use std::time::Duration;

use rotaproof_compare::{
    Compared, JUnit, JsonLines, Pair, Plan, Report, Rule, Rules, Terminal, Totals,
};
use rotaproof_events::{
    ObjectHistory, Observation, Refresh, SecretState, SeenCondition, SeenEvent, SeenRequest,
    Verdict,
};
use rstest::rstest;
use snapbox::{Data, assert_data_eq};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn condition(status: &str, reason: &str, message: &str) -> SeenCondition {
    SeenCondition {
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
    }
}

fn request(operation: &str, secret: Option<&str>, status: u16, versions: &[&str]) -> SeenRequest {
    SeenRequest {
        operation: operation.into(),
        secret: secret.map(str::to_owned),
        versions: versions.iter().map(|v| (*v).to_owned()).collect(),
        identity: Some("role external-secrets".into()),
        status: Some(status),
        refusal: (status >= 400).then(|| "AccessDeniedException".to_owned()),
        fault: None,
    }
}

const ES: &str = "ExternalSecret notebook-validation/aws-credentials";
const SECRET: &str = "notebook-validation/aws-credentials";

fn secret(version: &str, force: &str) -> Option<SecretState> {
    let value = format!("{version} of aws/prod/notebook/aws#access_key_id");
    Some(SecretState {
        holds: map(&[("access-key-id", &value)]),
        kind: "Opaque".into(),
        labels: map(&[("reconcile.external-secrets.io/managed", "true")]),
        annotations: map(&[
            ("force-sync", force),
            ("reconcile.external-secrets.io/data-hash", version),
        ]),
        owners: vec![
            "ExternalSecret aws-credentials (controller, blocks the owner's deletion)".into(),
        ],
        finalizers: Vec::new(),
        immutable: None,
        managers: vec!["externalsecrets.external-secrets.io/aws-credentials (Update)".into()],
    })
}

fn refresh(version: &str) -> Refresh {
    Refresh {
        of: vec!["notebook-validation/aws-credentials".into()],
        requests: vec![
            request("AssumeRoleWithWebIdentity", None, 200, &[]),
            request("GetSecretValue", Some("prod/notebook/aws"), 200, &[version]),
        ],
    }
}

fn observation() -> Observation {
    let synced = condition("True", "SecretSynced", "secret synced");
    let failed = condition(
        "False",
        "SecretSyncedError",
        "could not get secret data from provider",
    );
    let external = ObjectHistory {
        conditions: BTreeMap::from([("Ready".into(), vec![synced.clone(), failed, synced])]),
        refreshes: 5,
        synced_version: Some("1-0af3".into()),
        binding: Some("aws-credentials".into()),
        capabilities: None,
        finalizers: vec![
            Vec::new(),
            vec!["externalsecrets.external-secrets.io/externalsecret-cleanup".into()],
        ],
        labels: map(&[("team", "ml")]),
        annotations: map(&[("force-sync", "1762560000123")]),
        gone: false,
    };
    let store = ObjectHistory {
        conditions: BTreeMap::from([(
            "Ready".into(),
            vec![condition("True", "Valid", "store validated")],
        )]),
        capabilities: Some("ReadWrite".into()),
        ..ObjectHistory::default()
    };
    let event = |kind: &str, reason: &str, message: &str, count| SeenEvent {
        namespace: "notebook-validation".into(),
        kind: kind.into(),
        reason: reason.into(),
        message: message.into(),
        component: "external-secrets".into(),
        count,
    };
    let mut failed = refresh("v1");
    failed.requests[1] = request("GetSecretValue", Some("prod/notebook/aws"), 400, &[]);
    failed.requests.push(failed.requests[1].clone());
    Observation {
        verdict: Verdict::Passed,
        failure: None,
        findings: vec!["manifests/store.yaml: v1beta1 is not served".into()],
        objects: BTreeMap::from([
            (ES.into(), external),
            ("ClusterSecretStore aws-secrets-manager".into(), store),
        ]),
        events: BTreeMap::from([(
            ES.into(),
            vec![
                event("Normal", "Created", "secret created", 1),
                event(
                    "Warning",
                    "UpdateFailed",
                    "error processing spec.data[0] (key: prod/notebook/aws), err: AccessDeniedException",
                    4,
                ),
                event("Normal", "Updated", "secret updated", 2),
            ],
        )]),
        secrets: BTreeMap::from([(
            SECRET.into(),
            vec![
                secret("v1", "1762560000123"),
                secret("v2", "1762560000123"),
                None,
            ],
        )]),
        vaults: BTreeMap::from([(
            "aws".into(),
            vec![
                refresh("v1"),
                refresh("v1"),
                failed,
                refresh("v2"),
                refresh("v2"),
            ],
        )]),
        strangers: vec!["iamcredentials.googleapis.com".into()],
        pods: BTreeMap::from([(
            "before".into(),
            vec![map(&[(
                "env AWS_ACCESS_KEY_ID",
                "v1 of aws/prod/notebook/aws#access_key_id",
            )])],
        )]),
    }
}

fn pair(left: Observation, right: Observation) -> Pair {
    Pair {
        title: "A rotated AWS secret reaches the next validation job".into(),
        file: "scenarios/seed/aws/rotation.scenario.yaml".into(),
        alone: "rotaproof run scenarios/seed/aws/rotation.scenario.yaml --seed 7 --refresh 2s"
            .into(),
        left,
        right,
        took: Duration::from_millis(1234),
    }
}

/// What differs where the right side is changed so: `subject / aspect`.
fn differs(change: impl FnOnce(&mut Observation)) -> Vec<String> {
    let mut right = observation();
    change(&mut right);
    let compared = Compared::of(&pair(observation(), right), &Rules::default());
    let subjects = compared.subjects.into_iter();
    subjects
        .flat_map(|s| {
            s.aspects
                .into_iter()
                .map(move |a| format!("{} / {}", s.name, a.name))
        })
        .collect()
}

fn external(observation: &mut Observation) -> &mut ObjectHistory {
    observation.objects.get_mut(ES).unwrap()
}

fn ready(observation: &mut Observation) -> &mut Vec<SeenCondition> {
    external(observation).conditions.get_mut("Ready").unwrap()
}

fn events(observation: &mut Observation) -> &mut Vec<SeenEvent> {
    observation.events.get_mut(ES).unwrap()
}

fn state(observation: &mut Observation) -> &mut SecretState {
    observation.secrets.get_mut(SECRET).unwrap()[0]
        .as_mut()
        .unwrap()
}

fn aws(observation: &mut Observation) -> &mut Vec<Refresh> {
    observation.vaults.get_mut("aws").unwrap()
}

type Change = fn(&mut Observation);

/// Everything that is observed, changed: each is a difference, in its own place.
#[rstest]
#[case::verdict(|o: &mut Observation| o.verdict = Verdict::Failed, "Scenario / verdict")]
#[case::failure(|o: &mut Observation| o.failure = Some("Secret a holds v1".into()), "Scenario / failure")]
#[case::finding(|o: &mut Observation| o.findings.clear(), "Scenario / findings")]
#[case::condition_status(|o: &mut Observation| ready(o)[1].status = "Unknown".into(), "ExternalSecret notebook-validation/aws-credentials / condition Ready")]
#[case::condition_reason(|o: &mut Observation| ready(o)[1].reason = "SecretMissing".into(), "ExternalSecret notebook-validation/aws-credentials / condition Ready")]
#[case::condition_message(|o: &mut Observation| ready(o)[0].message = "synced".into(), "ExternalSecret notebook-validation/aws-credentials / condition Ready")]
#[case::a_condition_less(|o: &mut Observation| { ready(o).pop(); }, "ExternalSecret notebook-validation/aws-credentials / condition Ready")]
#[case::conditions_in_another_order(|o: &mut Observation| ready(o).swap(0, 1), "ExternalSecret notebook-validation/aws-credentials / condition Ready")]
#[case::another_condition(|o: &mut Observation| { external(o).conditions.insert("Deleted".into(), vec![condition("True", "a", "b")]); }, "ExternalSecret notebook-validation/aws-credentials / condition Deleted")]
#[case::never_refreshed(|o: &mut Observation| external(o).refreshes = 0, "ExternalSecret notebook-validation/aws-credentials / refreshes")]
#[case::binding(|o: &mut Observation| external(o).binding = None, "ExternalSecret notebook-validation/aws-credentials / status.binding.name")]
#[case::synced_generation(|o: &mut Observation| external(o).synced_version = Some("2-0af3".into()), "ExternalSecret notebook-validation/aws-credentials / status.syncedResourceVersion")]
#[case::finalizers(|o: &mut Observation| { external(o).finalizers.pop(); }, "ExternalSecret notebook-validation/aws-credentials / finalizers")]
#[case::label(|o: &mut Observation| external(o).labels.clear(), "ExternalSecret notebook-validation/aws-credentials / label team")]
#[case::gone(|o: &mut Observation| external(o).gone = true, "ExternalSecret notebook-validation/aws-credentials / existence")]
#[case::capabilities(|o: &mut Observation| o.objects.get_mut("ClusterSecretStore aws-secrets-manager").unwrap().capabilities = Some("ReadOnly".into()), "ClusterSecretStore aws-secrets-manager / status.capabilities")]
#[case::event_type(|o: &mut Observation| events(o)[1].kind = "Normal".into(), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::event_reason(|o: &mut Observation| events(o)[1].reason = "Failed".into(), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::event_message(|o: &mut Observation| events(o)[1].message.push('!'), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::event_component(|o: &mut Observation| events(o)[1].component = "other".into(), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::event_namespace(|o: &mut Observation| events(o)[1].namespace = "default".into(), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::an_event_less(|o: &mut Observation| { events(o).pop(); }, "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::events_in_another_order(|o: &mut Observation| events(o).swap(1, 2), "ExternalSecret notebook-validation/aws-credentials / events")]
#[case::secret_value(|o: &mut Observation| { state(o).holds.insert("access-key-id".into(), "unknown value 1".into()); }, "Secret notebook-validation/aws-credentials / data")]
#[case::secret_key(|o: &mut Observation| { state(o).holds.insert("more".into(), "v1 of aws/x".into()); }, "Secret notebook-validation/aws-credentials / data")]
#[case::secret_type(|o: &mut Observation| state(o).kind = "kubernetes.io/tls".into(), "Secret notebook-validation/aws-credentials / type")]
#[case::secret_label(|o: &mut Observation| state(o).labels.clear(), "Secret notebook-validation/aws-credentials / label reconcile.external-secrets.io/managed")]
#[case::secret_annotation(|o: &mut Observation| { state(o).annotations.insert("reconcile.external-secrets.io/data-hash".into(), "x".into()); }, "Secret notebook-validation/aws-credentials / annotation reconcile.external-secrets.io/data-hash")]
#[case::secret_owner(|o: &mut Observation| state(o).owners.clear(), "Secret notebook-validation/aws-credentials / owners")]
#[case::secret_finalizer(|o: &mut Observation| state(o).finalizers.push("f".into()), "Secret notebook-validation/aws-credentials / finalizers")]
#[case::secret_immutable(|o: &mut Observation| state(o).immutable = Some(true), "Secret notebook-validation/aws-credentials / immutable")]
#[case::secret_manager(|o: &mut Observation| state(o).managers.clear(), "Secret notebook-validation/aws-credentials / managers")]
#[case::secret_never_gone(|o: &mut Observation| { o.secrets.get_mut(SECRET).unwrap().pop(); }, "Secret notebook-validation/aws-credentials / data")]
#[case::operation(|o: &mut Observation| aws(o)[3].requests[1].operation = "BatchGetSecretValue".into(), "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::asked_secret(|o: &mut Observation| aws(o)[3].requests[1].secret = Some("other".into()), "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::version_served(|o: &mut Observation| aws(o)[3].requests[1].versions = vec!["v1".into()], "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::identity(|o: &mut Observation| aws(o)[3].requests[1].identity = Some("another".into()), "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::request_status(|o: &mut Observation| aws(o)[3].requests[1].status = Some(500), "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::refusal(|o: &mut Observation| aws(o)[2].requests[1].refusal = None, "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::fault(|o: &mut Observation| aws(o)[2].requests[1].fault = Some("status".into()), "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::a_login_less_in_each_refresh(|o: &mut Observation| for refresh in aws(o) { refresh.requests.remove(0); }, "Vault aws / requests of ExternalSecret notebook-validation/aws-credentials")]
#[case::for_another(|o: &mut Observation| for refresh in aws(o) { refresh.of.clear(); }, "Vault aws / requests for no secret")]
#[case::host(|o: &mut Observation| o.strangers.push("example.com".into()), "Hosts that no vault claims / asked")]
#[case::pod(|o: &mut Observation| o.pods.get_mut("before").unwrap().push(map(&[("env AWS_ACCESS_KEY_ID", "v2 of aws/prod/notebook/aws#access_key_id")])), "What pod before saw / env AWS_ACCESS_KEY_ID")]
#[case::pod_place(|o: &mut Observation| { o.pods.get_mut("before").unwrap()[0].insert("file /etc/key".into(), "unknown value 1".into()); }, "What pod before saw / file /etc/key")]
fn whatever_is_observed_is_compared(#[case] change: Change, #[case] place: &str) {
    let found = differs(change);
    assert!(found.iter().any(|one| one == place), "{found:?}");
}

/// What is timing, changed: no difference, and told as left out.
#[rstest]
#[case::one_more_refresh(|o: &mut Observation| { let again = aws(o)[4].clone(); aws(o).push(again); external(o).refreshes += 1; })]
#[case::one_more_try(|o: &mut Observation| { let again = aws(o)[2].requests[1].clone(); aws(o)[2].requests.push(again); events(o)[1].count += 1; })]
#[case::a_double_read(|o: &mut Observation| { let again = aws(o)[0].requests.clone(); aws(o)[0].requests.extend(again); })]
#[case::another_day(|o: &mut Observation| {
    for state in o.secrets.get_mut(SECRET).unwrap().iter_mut().flatten() {
        state.annotations.insert("force-sync".into(), "1800000000000".into());
    }
    external(o).annotations.insert("force-sync".into(), "1800000000000".into());
    external(o).synced_version = Some("1-ffff".into());
})]
fn what_is_timing_is_no_difference_unless_it_is_asked_for(#[case] change: Change) {
    assert_eq!(differs(change), Vec::<String>::new());
    let mut right = observation();
    change(&mut right);
    let exact = Compared::of(&pair(observation(), right), &Rules::but(Rule::ALL));
    assert!(exact.differences() > 0);
    assert_eq!(exact.hidden.iter().count(), 0);
}

fn differing() -> Pair {
    let mut right = observation();
    ready(&mut right).insert(
        0,
        condition(
            "False",
            "SecretSyncedError",
            "could not get secret data from provider",
        ),
    );
    state(&mut right).owners = vec!["ExternalSecret aws-credentials (controller)".into()];
    aws(&mut right)[3].requests.remove(0);
    events(&mut right)[1].message =
        "error processing spec.data[0] (key: prod/notebook/aws), err: context deadline exceeded"
            .into();
    pair(observation(), right)
}

fn plan() -> Plan {
    Plan {
        version: "0.1.0".into(),
        left: "eso:0.20.4".into(),
        right: "eso:2.9.0".into(),
        seed: 7,
        refresh: "2s".into(),
        scenarios: 2,
    }
}

/// What a report makes of one scenario that is equal and one that differs.
fn told(report: &mut dyn Report) {
    let mut totals = Totals::default();
    report.begin(&plan()).unwrap();
    for pair in [pair(observation(), observation()), differing()] {
        let compared = Compared::of(&pair, &Rules::default());
        totals.add(&compared);
        report.compared(&plan(), &compared).unwrap();
    }
    assert_eq!(totals.exit_code(), 1);
    report
        .end(&plan(), &totals, Duration::from_millis(2468))
        .unwrap();
}

fn golden(text: Vec<u8>, name: &str) {
    let text = String::from_utf8(text).unwrap();
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    assert_data_eq!(text, Data::read_from(path.as_ref(), None).raw());
}

#[test]
fn a_person_reads_both_sides_beside_each_other() {
    let mut text = Vec::new();
    told(&mut Terminal::new(&mut text, 120));
    let plain = anstream::adapter::strip_bytes(&text).into_vec();
    golden(plain, "terminal.txt");
}

#[test]
fn a_machine_reads_json_lines_or_junit() {
    let mut lines = Vec::new();
    told(&mut JsonLines::new(&mut lines));
    golden(lines, "report.jsonl");
    let mut xml = Vec::new();
    told(&mut JUnit::new(&mut xml));
    golden(xml, "junit.xml");
}

#[rstest]
#[case(Verdict::Passed, Verdict::Passed, 0)]
#[case(Verdict::Failed, Verdict::Failed, 0)]
#[case(Verdict::Passed, Verdict::Failed, 1)]
#[case(Verdict::Passed, Verdict::Errored, 3)]
#[case(Verdict::Errored, Verdict::Errored, 3)]
#[case(Verdict::Interrupted, Verdict::Errored, 130)]
fn the_worst_run_decides_the_exit_code(
    #[case] left: Verdict,
    #[case] right: Verdict,
    #[case] code: u8,
) {
    let nothing = |verdict| Observation::of_nothing(verdict, None);
    let mut totals = Totals::default();
    totals.add(&Compared::of(
        &pair(nothing(left), nothing(right)),
        &Rules::default(),
    ));
    assert_eq!(totals.exit_code(), code);
}

#[test]
fn of_a_run_that_was_cut_short_only_that_is_told() {
    let mut cut = Observation::of_nothing(Verdict::Errored, Some("it took too long".into()));
    cut.strangers.push("example.com".into());
    let compared = Compared::of(&pair(observation(), cut), &Rules::default());
    let subjects: Vec<_> = compared.subjects.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(subjects, ["Scenario"]);
}

#[test]
fn every_rule_stands_in_the_docs_with_its_reason() {
    let path = format!("{}/../../docs/compare.md", env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(path).unwrap();
    for rule in Rule::ALL {
        let row = format!(
            "| `{}` | {} | {} |",
            rule.name(),
            rule.what(),
            rule.reason()
        );
        assert!(docs.contains(&row), "docs/compare.md lacks the row\n{row}");
    }
}
