//! What is said better in Rust than in a scenario file. Each test has a lab of its own; they run side by side.

use std::sync::Barrier;
use std::time::Duration;

use rotaproof::expect::{event, externalsecret, pod, requests, secret};
use rotaproof::k8s_openapi::api::core::v1::Secret;
use rotaproof::kube::Api;
use rotaproof::vault::{AuthRole, AwsSecretsManager, Capability, HashicorpVault, IamRole};
use rotaproof::{Fault, Lab, REFRESH, Result, Rotate, Strategy, Value, Version};

/// The team's vaults and its manifests, synced.
fn lab() -> Result<Lab> {
    let aws = AwsSecretsManager::new()
        .region("eu-central-1")
        .role(
            "arn:aws:iam::123456789012:role/notebooks-reader",
            IamRole::trusting(["notebooks/secrets-reader"])
                .allow(["secretsmanager:GetSecretValue"], ["notebooks/*"]),
        )
        .secret(
            "notebooks/s3",
            [
                ("access_key_id", Value::aws_access_key_id()),
                ("secret_access_key", Value::aws_secret_access_key()),
            ],
        );
    let vault = HashicorpVault::at("https://vault.notebooks.example")
        .policy(
            "notebooks",
            [("secret/data/notebooks/*", [Capability::Read])],
        )
        .kubernetes_role(
            "notebooks",
            AuthRole::trusting(["notebooks/secrets-reader"]).policies(["notebooks"]),
        )
        .secret(
            "secret/notebooks/database",
            [
                ("user", Value::from("dashboard")),
                ("password", Value::password(32)),
            ],
        );
    let lab = Lab::builder()
        .vault("aws", aws)
        .vault("vault", vault)
        .start()?;
    lab.apply("manifests/credentials.yaml")?;
    for name in ["notebooks/s3", "notebooks/database"] {
        lab.expect(secret(name).is(Version::Current).within(10 * SECOND))?;
    }
    Ok(lab)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_rotated_key_is_stale_for_an_hour_at_most() -> Result {
    let lab = lab()?;
    lab.start("manifests/training-job.yaml", "before")?;

    let rotation = lab.rotate(Rotate::of("aws/notebooks/s3").strategy(Strategy::Staged))?;
    lab.expect(
        secret("notebooks/s3")
            .is(Version::Current)
            .within(REFRESH + 10 * SECOND),
    )?;
    lab.start("manifests/training-job.yaml", "after")?;
    lab.expect(
        pod("after")
            .env("AWS_ACCESS_KEY_ID", Version::Current)
            .within(10 * SECOND),
    )?;
    lab.expect(
        pod("before")
            .env("AWS_ACCESS_KEY_ID", Version::Previous)
            .throughout(Duration::from_hours(1)),
    )?;

    let staleness = lab.staleness(&rotation)?;
    assert!(staleness.until_secret() <= Some(Duration::from_hours(1)));
    assert_eq!(staleness.consumer.as_deref(), Some("after"));
    Ok(())
}

#[test]
fn a_throttled_vault_delays_a_rotation_by_the_back_off_only() -> Result {
    let lab = lab()?;
    let throttled = lab.fault(Fault::status("vault", 429).operation("kv-v2 read"))?;
    let rotation = lab.rotate("vault/secret/notebooks/database")?;
    let forced = lab.force_sync("notebooks/database")?;
    lab.expect(
        externalsecret("notebooks/database")
            .not_ready("SecretSyncedError")
            .within(30 * SECOND),
    )?;
    lab.expect(event("ExternalSecret notebooks/database", "UpdateFailed").since(&forced))?;

    lab.advance(Duration::from_mins(10))?;
    lab.heal(&throttled)?;
    // ESO asks again after 1, 2, 4 ... seconds, and after 7 minutes at the latest.
    lab.expect(
        secret("notebooks/database")
            .is(Version::Current)
            .within(Duration::from_mins(8)),
    )?;
    lab.expect(
        requests("vault")
            .operation("kv-v2 read")
            .status(429)
            .at_least(3)
            .since(&rotation),
    )?;
    Ok(())
}

#[test]
fn the_secret_belongs_to_its_externalsecret() -> Result {
    let lab = lab()?;
    let secrets: Api<Secret> = Api::namespaced(lab.client(), "notebooks");
    let synced = lab.block_on(secrets.get("database")).unwrap();
    let owners = synced.metadata.owner_references.unwrap_or_default();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0].kind, "ExternalSecret");

    lab.delete("ExternalSecret notebooks/database")?;
    lab.expect(secret("notebooks/database").absent().within(10 * SECOND))?;
    Ok(())
}

#[test]
fn three_labs_at_once_do_not_see_each_other() {
    let all_up = Barrier::new(3);
    let rotated = |rotations: u32| -> Result {
        let lab = lab();
        all_up.wait();
        let lab = lab?;
        for _ in 0..rotations {
            lab.rotate("aws/notebooks/s3")?;
            lab.advance(REFRESH)?;
        }
        // The first version and one per rotation, in this lab alone, whose clock shows this lab's hours.
        lab.expect(secret("notebooks/s3").is(Version::Number(rotations + 1)))?;
        assert_eq!(lab.elapsed().as_secs() / 3600, u64::from(rotations));
        Ok(())
    };
    let rotated = &rotated;
    std::thread::scope(|scope| {
        let labs = [1, 2, 3].map(|rotations| scope.spawn(move || rotated(rotations)));
        for lab in labs {
            lab.join().unwrap().unwrap();
        }
    });
}
