//! Rotations and their staleness.

use std::time::Duration;

use rotaproof::expect::{pod, secret};
use rotaproof::vault::{AwsSecretsManager, IamRole};
use rotaproof::{Lab, Manifest, REFRESH, Result, Value, Version};

const SYNC: &str = include_str!("../../src/lab/doc/sync.yaml");
const POD: &str = include_str!("../../src/lab/doc/pod.yaml");

fn lab() -> Result<Lab> {
    let aws = AwsSecretsManager::new()
        .role(
            "arn:aws:iam::123456789012:role/reader",
            IamRole::trusting(["team/reader"]),
        )
        .secret("prod/db", [("password", Value::password(32))]);
    let lab = Lab::builder().vault("aws", aws).start()?;
    lab.apply(Manifest::yaml(SYNC))?;
    lab.expect(
        secret("team/db")
            .is(Version::Current)
            .within(Duration::from_secs(10)),
    )?;
    Ok(lab)
}

#[test]
fn a_rotation_is_followed_from_the_vault_to_the_pod() -> Result {
    let lab = lab()?;
    let rotation = lab.rotate("aws/prod/db")?;
    let begun = lab.staleness(&rotation)?;
    assert_eq!(begun.version, "v2");
    assert_eq!((begun.fetched, begun.until_secret()), (None, None));

    lab.expect(
        secret("team/db")
            .is(Version::Current)
            .within(REFRESH + Duration::from_secs(10)),
    )?;
    lab.start(Manifest::yaml(POD), "after")?;
    lab.expect(
        pod("after")
            .env("PASSWORD", Version::Current)
            .within(Duration::from_secs(10)),
    )?;

    let arrived = lab.staleness(&rotation)?;
    let [fetched, synced, seen] =
        [arrived.fetched, arrived.synced, arrived.seen].map(Option::unwrap);
    assert!(arrived.acknowledged < fetched && fetched <= synced && synced < seen);
    assert!(arrived.until_secret().unwrap() > Duration::from_mins(59));
    assert!(arrived.until_secret().unwrap() < Duration::from_hours(1));
    assert_eq!(arrived.consumer.as_deref(), Some("after"));
    Ok(())
}
