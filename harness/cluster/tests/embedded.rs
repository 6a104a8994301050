//! The embedded lane as a whole: vault, gateway, operator, API and kubelet in one process, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures::StreamExt;
use indexmap::IndexMap;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_cluster::{Embedded, Lab, Lane, Wanted};
use rotaproof_vaults::{Content, Strategy};

const VAULTS: &str = "
scenario: a lab
vaults:
  aws:
    kind: aws-secrets-manager
    roles:
      arn:aws:iam::123456789012:role/external-secrets:
        trusts: [external-secrets-system/external-secrets-sa]
steps: []
";

async fn apply(lab: &Lab, text: &str) {
    for document in text.split("---\n") {
        let object: DynamicObject = serde_saphyr::from_str(document).unwrap();
        let types = object.types.clone().unwrap();
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
        let api: Api<DynamicObject> = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(lab.client.clone(), namespace, &resource),
            None => Api::all_with(lab.client.clone(), &resource),
        };
        api.create(&PostParams::default(), &object).await.unwrap();
    }
}

fn fields(value: &str) -> Content {
    let names = ["access_key_id", "secret_access_key"];
    let pairs = names.map(|name| (name.to_owned(), SecretValue::new(format!("{name}-{value}"))));
    Content::Fields(IndexMap::from(pairs))
}

#[test]
fn a_rotated_secret_reaches_the_cluster_within_its_interval() {
    let lane = Embedded;
    lane.runtime().unwrap().block_on(async {
        let parsed = rotaproof_scenario::parse("lab.yaml".as_ref(), VAULTS.as_bytes());
        let (scenario, _) = parsed.ok().unwrap().remove(0);
        let lab = lane
            .start(
                &Wanted {
                    vaults: &scenario.vaults,
                    eso: &scenario.eso,
                },
                &Entropy::from_seed(1),
            )
            .await
            .unwrap();
        let writer = &lab.writers["aws"];
        writer
            .create("prod/notebook/aws", &fields("one"))
            .await
            .unwrap();
        for manifest in ["cluster", "store", "externalsecret"] {
            let path = format!(
                "{}/../../scenarios/seed/aws/manifests/{manifest}.yaml",
                env!("CARGO_MANIFEST_DIR")
            );
            apply(&lab, &std::fs::read_to_string(path).unwrap()).await;
        }
        let secrets: Api<Secret> = Api::namespaced(lab.client.clone(), "notebook-validation");
        let mut changes = watcher(secrets, watcher::Config::default()).boxed();
        let mut next_value = async |limit: u64| {
            tokio::time::timeout(Duration::from_secs(limit), async {
                loop {
                    if let Ok(watcher::Event::Apply(secret)) = changes.next().await.unwrap() {
                        let value = secret.data.unwrap()["access-key-id"].0.clone();
                        return String::from_utf8(value).unwrap();
                    }
                }
            })
            .await
            .expect("a change of the Secret in time")
        };
        assert_eq!(next_value(60).await, "access_key_id-one");
        writer
            .rotate("prod/notebook/aws", &fields("two"), None, Strategy::Put)
            .await
            .unwrap();
        let rotated = lab.clock.elapsed();
        assert_eq!(next_value(3610).await, "access_key_id-two");
        assert!(lab.clock.elapsed() - rotated > Duration::from_secs(3500));
        lab.cluster.stop().await;
    });
}
