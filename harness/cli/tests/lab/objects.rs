//! Manifests, typed objects, workloads, and what else a test does to a cluster and to a vault.

use std::time::Duration;

use rotaproof::expect::{event, externalsecret, job, pod, secret, store};
use rotaproof::k8s_openapi::api::batch::v1::Job;
use rotaproof::k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use rotaproof::kube::Api;
use rotaproof::kube::api::{DynamicObject, PostParams};
use rotaproof::kube::core::{ApiResource, GroupVersionKind};
use rotaproof::{EsoVersion, Fault, Lab, Manifest, Result, Version};
use serde_json::json;

use crate::{HOUR, POD, SECOND, SYNC, aws, synced};

#[test]
fn a_manifest_is_a_file_a_text_or_a_typed_object() -> Result {
    let lab = Lab::builder().vault("aws", aws()).start()?;
    lab.apply("src/lab/doc/sync.yaml")?;
    lab.expect(secret("team/db").is(Version::Current).within(10 * SECOND))?;

    let mut typed = ConfigMap::default();
    typed.metadata.name = Some("typed".into());
    typed.metadata.namespace = Some("team".into());
    lab.apply(Manifest::object(&typed))?;
    let maps: Api<ConfigMap> = Api::namespaced(lab.client(), "team");
    assert!(lab.block_on(maps.get("typed")).is_ok());

    lab.delete_all("src/lab/doc/sync.yaml")?;
    lab.expect(secret("team/db").absent().within(10 * SECOND))?;
    Ok(())
}

#[test]
fn an_object_that_the_client_made_counts_as_one_that_was_applied() -> Result {
    let lab = synced()?;
    let kind = GroupVersionKind::gvk("external-secrets.io", "v1", "ExternalSecret");
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = Api::namespaced_with(lab.client(), "team", &resource);
    let object = DynamicObject::new("by-client", &resource).data(json!({ "spec": {
        "refreshInterval": "1h",
        "secretStoreRef": { "name": "aws" },
        "data": [{ "secretKey": "user", "remoteRef": { "key": "prod/db", "property": "user" } }],
    }}));
    lab.block_on(api.create(&PostParams::default(), &object))
        .unwrap();
    let is_current = || secret("team/by-client").key("user", Version::Current);
    lab.advance(SECOND)?;
    lab.expect(is_current().within(10 * SECOND))?;
    lab.rotate("aws/prod/db")?;
    assert!(lab.expect(is_current()).is_err());
    Ok(())
}

#[test]
fn a_manifest_that_must_be_refused_is_an_error_when_it_is_not() -> Result {
    let lab = Lab::builder()
        .vault("aws", aws())
        .eso_serves([EsoVersion::V1])
        .start()?;
    let old =
        || Manifest::yaml(SYNC.replace("external-secrets.io/v1", "external-secrets.io/v1beta1"));
    lab.apply_refused(old(), "no matches for kind \"SecretStore\"")?;
    assert!(lab.apply_refused(old(), "other words").is_err());
    // Where nobody wants the refusal, it is applied as the version that is served.
    lab.apply(old())?;
    assert!(
        lab.apply_refused(Manifest::yaml(SYNC), "no matches")
            .is_err()
    );
    Ok(())
}

#[test]
fn a_workload_runs_until_the_lab_ends_or_for_as_long_as_it_is_told() -> Result {
    let lab = synced()?;
    lab.start(Manifest::yaml(POD), "before")?;
    let holds = || pod("before").env("PASSWORD", Version::Initial);
    lab.expect(holds().phase("Running").within(10 * SECOND))?;
    lab.rotate("aws/prod/db")?;
    lab.expect(holds().throughout(2 * HOUR))?;
    lab.expect(pod("before").env_absent("TOKEN"))?;

    let mut once = Job::default();
    once.metadata.name = Some("once".into());
    once.metadata.namespace = Some("team".into());
    let spec = json!({ "template": { "spec": {
        "restartPolicy": "Never",
        "containers": [{ "name": "once", "image": "once" }],
    }}});
    once.spec = serde_json::from_value(spec).ok();
    lab.start_for(Manifest::object(&once), "short", Duration::from_mins(5))?;
    lab.expect(
        job("team/once-short")
            .succeeded(0)
            .throughout(4 * 60 * SECOND),
    )?;
    lab.expect(job("team/once-short").succeeded(1).within(2 * 60 * SECOND))?;
    lab.delete("Pod before")?;
    assert!(lab.expect(pod("before").phase("Running")).is_err());
    Ok(())
}

#[test]
fn a_fault_lasts_until_it_is_healed() -> Result {
    let lab = synced()?;
    let fault = lab.fault(Fault::status("aws", 500).operation("GetSecretValue"))?;
    lab.force_sync("team/db")?;
    let failing = externalsecret("team/db").not_ready("SecretSyncedError");
    lab.expect(failing.within(30 * SECOND))?;
    lab.expect(event("ExternalSecret team/db", "UpdateFailed"))?;
    lab.heal(&fault)?;
    let recovered = externalsecret("team/db").ready("SecretSynced");
    lab.expect(recovered.within(Duration::from_mins(8)))?;
    assert!(lab.heal(&fault).is_err());

    lab.fault(Fault::hang("aws"))?;
    lab.heal_all("aws")?;
    lab.rotate("aws/prod/db")?;
    lab.force_sync("team/db")?;
    lab.expect(secret("team/db").is(Version::Current).within(5 * SECOND))?;
    Ok(())
}

#[test]
fn a_secret_is_written_removed_and_restored_in_its_vault() -> Result {
    let lab = synced()?;
    lab.remove("aws/prod/db")?;
    lab.force_sync("team/db")?;
    let failing = externalsecret("team/db").not_ready("SecretSyncedError");
    lab.expect(failing.within(10 * SECOND))?;
    lab.restore("aws/prod/db")?;
    let recovered = externalsecret("team/db").ready("SecretSynced");
    lab.expect(recovered.within(Duration::from_mins(8)))?;

    lab.write("aws/prod/db", [("password", "given")])?;
    lab.force_sync("team/db")?;
    let given = secret("team/db").key("password", "aws/prod/db#password@v2");
    lab.expect(given.within(10 * SECOND))?;
    lab.write("aws/made/later", "a text")?;
    lab.rotate("aws/made/later")?;
    lab.remove_for_good("aws/made/later")?;
    assert!(lab.restore("aws/made/later").is_err());
    // AWS has no such thing as a disabled version.
    assert!(lab.disable("aws/prod/db", Version::Current).is_err());
    Ok(())
}

#[test]
fn the_operator_restarts_and_finds_its_work_again() -> Result {
    let lab = synced()?;
    lab.rotate("aws/prod/db")?;
    lab.restart_operator()?;
    lab.expect(store("team/aws").ready("Valid").within(10 * SECOND))?;
    let arrives = secret("team/db").is(Version::Current);
    lab.expect(arrives.within(HOUR + 10 * SECOND))?;
    let namespaces: Api<Namespace> = Api::all(lab.client());
    lab.delete("Namespace team")?;
    lab.advance(10 * SECOND)?;
    assert!(lab.block_on(namespaces.get("team")).is_err());
    Ok(())
}
