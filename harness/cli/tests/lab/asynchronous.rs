//! Labs in async tests, whose own clock they leave alone.

use rotaproof::expect::secret;
use rotaproof::k8s_openapi::api::core::v1::Secret;
use rotaproof::kube::Api;
use rotaproof::{REFRESH, Result, Version};

use crate::{HOUR, SECOND, synced};

async fn rotates() -> Result {
    let lab = synced()?;
    let before = lab.elapsed();
    let machine = tokio::time::Instant::now();
    lab.rotate("aws/prod/db")?;
    let arrives = secret("team/db").is(Version::Current);
    lab.expect(arrives.within(REFRESH + 10 * SECOND))?;
    let secrets: Api<Secret> = Api::namespaced(lab.client(), "team");
    let synced = lab.block_on(secrets.get("db")).unwrap();
    assert_eq!(synced.data.unwrap().len(), 1);
    assert!(lab.elapsed() - before > HOUR - 60 * SECOND);
    assert!(machine.elapsed() < HOUR);
    Ok(())
}

#[tokio::test]
async fn a_lab_works_in_an_async_test() -> Result {
    rotates().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_works_in_an_async_test_of_many_threads() -> Result {
    rotates().await
}
