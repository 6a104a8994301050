//! The promises of [`rotaproof::Lab`], one file per promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asynchronous;
mod failures;
mod isolation;
mod objects;
mod rotation;
mod vaults;

use std::time::Duration;

use rotaproof::expect::secret;
use rotaproof::vault::{AwsSecretsManager, IamRole};
use rotaproof::{Lab, Manifest, Result, Value, Version};

/// A namespace, a store, and an ExternalSecret `team/db` with an interval of an hour.
const SYNC: &str = include_str!("../../src/lab/doc/sync.yaml");
/// A pod with `PASSWORD` in its environment.
const POD: &str = include_str!("../../src/lab/doc/pod.yaml");

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

fn aws() -> AwsSecretsManager {
    AwsSecretsManager::new()
        .role(
            "arn:aws:iam::123456789012:role/reader",
            IamRole::trusting(["team/reader"]),
        )
        .secret(
            "prod/db",
            [("user", Value::text(8)), ("password", Value::password(32))],
        )
}

/// A lab in which `team/db` is synced.
#[track_caller]
fn synced() -> Result<Lab> {
    let lab = Lab::builder().vault("aws", aws()).start()?;
    lab.apply(Manifest::yaml(SYNC))?;
    lab.expect(secret("team/db").is(Version::Current).within(10 * SECOND))?;
    Ok(lab)
}
