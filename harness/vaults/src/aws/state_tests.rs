//! What must hold of versions and labels after anything at all.

use proptest::prelude::*;

use super::*;

fn region() -> Region {
    Region::new("us-east-1", "123456789012")
}

fn fingerprinter() -> Fingerprinter {
    Fingerprinter::from_key([7; 32])
}

fn text(value: &str) -> Body {
    Body::Text(SecretValue::new(value))
}

fn now() -> Timestamp {
    "2025-11-08T00:00:00Z".parse().unwrap()
}

fn with_secret(test: impl FnOnce(&mut Secret)) {
    let mut region = region();
    test(region.create("prod/a", &Entropy::from_seed(1), now()));
}

fn add(secret: &mut Secret, token: &str, stages: &[&str]) -> Result<Added, ApiError> {
    let stages: Vec<String> = stages.iter().map(|&s| s.to_owned()).collect();
    secret.add_version(token, text(token), &stages, &fingerprinter(), now())
}

#[test]
fn the_first_version_is_current_whatever_its_labels() {
    with_secret(|secret| {
        add(secret, "one", &["AWSPENDING"]).unwrap();
        assert_eq!(secret.versions["one"].stages, ["AWSPENDING", "AWSCURRENT"]);
    });
}

#[test]
fn previous_follows_current_to_the_version_that_it_leaves() {
    with_secret(|secret| {
        for token in ["one", "two", "three"] {
            add(secret, token, &[CURRENT]).unwrap();
        }
        assert_eq!(secret.staged(CURRENT), Some("three"));
        assert_eq!(secret.staged(PREVIOUS), Some("two"));
        assert!(secret.versions["one"].stages.is_empty());
        secret.attach(CURRENT, "two");
        assert_eq!(secret.staged(CURRENT), Some("two"));
        assert_eq!(secret.staged(PREVIOUS), Some("three"));
    });
}

#[test]
fn a_pending_version_leaves_current_where_it_is_and_keeps_its_label_when_promoted() {
    with_secret(|secret| {
        add(secret, "one", &[CURRENT]).unwrap();
        add(secret, "two", &["AWSPENDING"]).unwrap();
        assert_eq!(secret.staged(CURRENT), Some("one"));
        secret.attach(CURRENT, "two");
        assert_eq!(secret.versions["two"].stages, ["AWSPENDING", "AWSCURRENT"]);
        assert_eq!(secret.staged(PREVIOUS), Some("one"));
    });
}

#[test]
fn a_token_is_idempotent_for_one_value_and_a_conflict_for_another() {
    with_secret(|secret| {
        add(secret, "one", &[CURRENT]).unwrap();
        add(secret, "two", &[CURRENT]).unwrap();
        assert_eq!(add(secret, "one", &[CURRENT]).unwrap(), Added::Repeated);
        assert_eq!(secret.staged(CURRENT), Some("two"));
        let conflict = secret.add_version("one", text("other"), &[], &fingerprinter(), now());
        assert_eq!(conflict.unwrap_err().code, "ResourceExistsException");
    });
}

#[test]
fn beyond_a_hundred_versions_the_oldest_without_a_label_go() {
    with_secret(|secret| {
        add(secret, "pinned", &["keep"]).unwrap();
        for n in 0..150 {
            add(secret, &format!("v{n}"), &[CURRENT]).unwrap();
        }
        assert_eq!(secret.versions.len(), VERSIONS);
        assert!(secret.versions.contains_key("pinned"));
        assert!(!secret.versions.contains_key("v0"));
        assert_eq!(secret.staged(CURRENT), Some("v149"));
        assert_eq!(secret.staged(PREVIOUS), Some("v148"));
    });
}

#[test]
fn a_secret_is_found_by_name_full_arn_and_arn_without_suffix_only() {
    let mut region = region();
    let arn = region
        .create("prod/a-b", &Entropy::from_seed(1), now())
        .arn
        .clone();
    let partial = &arn[..arn.len() - 7];
    for id in ["prod/a-b", &arn, partial] {
        assert_eq!(
            region.get(id).map(|s| s.name.as_str()),
            Some("prod/a-b"),
            "{id}"
        );
    }
    let other_suffix = format!("{partial}-AAAAAA");
    let other_region = arn.replace("us-east-1", "eu-west-1");
    for id in [
        "prod/a",
        "prod/a-b-AAAAAA",
        &other_suffix,
        &other_region,
        "arn:",
        "",
    ] {
        assert!(region.get(id).is_none(), "{id}");
    }
}

#[test]
fn a_deleted_secret_goes_when_its_window_ends() {
    let mut region = region();
    let end = recovery_end(now(), 7);
    region.create("a", &Entropy::from_seed(1), now()).deleted = Some((now(), end));
    region.expire(end - SignedDuration::from_secs(1));
    assert!(region.get("a").is_some());
    region.expire(end);
    assert!(region.get("a").is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, Vec<u8>),
    Attach(u8, u8),
    Detach(u8),
}

const STAGES: [&str; 5] = [CURRENT, PREVIOUS, "AWSPENDING", "blue", "green"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..20u8, prop::collection::vec(0..5u8, 0..3)).prop_map(|(v, s)| Step::Add(v, s)),
        (0..5u8, 0..20u8).prop_map(|(s, v)| Step::Attach(s, v)),
        // AWSCURRENT cannot be taken off: UpdateSecretVersionStage refuses.
        (1..5u8).prop_map(Step::Detach),
    ]
}

proptest! {
    #[test]
    fn exactly_one_version_is_current_and_no_label_is_on_two(steps in prop::collection::vec(step(), 1..200)) {
        let mut region = region();
        let secret = region.create("a", &Entropy::from_seed(1), now());
        for step in steps {
            match step {
                Step::Add(version, stages) => {
                    let stages: Vec<&str> = stages.iter().map(|&s| STAGES[usize::from(s)]).collect();
                    let _ = add(secret, &format!("v{version}"), &stages);
                }
                Step::Attach(stage, version) => {
                    secret.attach(STAGES[usize::from(stage)], &format!("v{version}"));
                }
                Step::Detach(stage) => secret.detach(STAGES[usize::from(stage)]),
            }
            for stage in STAGES {
                let carriers = secret.versions.values().filter(|v| v.stages.iter().any(|s| s == stage)).count();
                prop_assert!(carriers <= 1, "{stage} on {carriers} versions");
                if stage == CURRENT {
                    prop_assert_eq!(carriers, usize::from(!secret.versions.is_empty()));
                }
            }
            for version in secret.versions.values() {
                let mut unique = version.stages.clone();
                unique.sort();
                unique.dedup();
                prop_assert_eq!(unique.len(), version.stages.len());
            }
        }
    }
}
