//! A rotation in a lab, seen by a client of its Kubernetes API and in its journal.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use crate::world::{Foreground, World};

const SCENARIO: &str = "
scenario: A secret for the lab
vaults:
  aws:
    kind: aws-secrets-manager
    keys:
      reader:
        secret: default/aws-access-key
        access_key_id: access-key
        secret_access_key: secret-access-key
    secrets:
      prod/db:
        user: { generate: text, length: 8 }
        password: { generate: password, length: 20 }
steps:
  - apply: manifests.yaml
  - expect: { externalsecret: default/db, ready: SecretSynced, within: 10s }
  - rotate: { secret: aws/prod/db }
  - apply: never.yaml
";

const MANIFESTS: &str = "
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: { name: aws, namespace: default }
spec:
  provider:
    aws:
      service: SecretsManager
      region: us-east-1
      auth:
        secretRef:
          accessKeyIDSecretRef: { name: aws-access-key, key: access-key }
          secretAccessKeySecretRef: { name: aws-access-key, key: secret-access-key }
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db, namespace: default }
spec:
  refreshInterval: 1h
  secretStoreRef: { name: aws, kind: SecretStore }
  target: { name: db }
  dataFrom: [{ extract: { key: prod/db } }]
";

fn world(up: &[&str]) -> World {
    let world = World::new();
    world.write("db.scenario.yaml", SCENARIO);
    world.write("manifests.yaml", MANIFESTS);
    world.write(
        "never.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: never, namespace: default }\n",
    );
    world.ok(&[&["up", "db.scenario.yaml", "--detach"], up].concat());
    world
}

async fn client(world: &World) -> kube::Client {
    let file = world.sourced(&world.lab().join("env"))["KUBECONFIG"].clone();
    let kubeconfig = Kubeconfig::read_from(file).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    kube::Client::try_from(config.unwrap()).unwrap()
}

/// The password in the Secret, at first and each time that it changes.
fn passwords(client: &kube::Client) -> impl futures::Stream<Item = Vec<u8>> + Unpin + use<> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let config = watcher::Config::default().fields("metadata.name=db");
    let changes = watcher(secrets, config).applied_objects();
    let passwords = changes.map_ok(|secret| secret.data.unwrap_or_default().remove("password"));
    passwords
        .filter_map(async |password| password.unwrap().map(|bytes| bytes.0))
        .boxed()
}

#[tokio::test]
async fn a_secret_that_is_rotated_from_the_command_line_reaches_the_cluster() {
    let world = world(&["--refresh", "1s"]);
    let client = client(&world).await;
    let mut passwords = passwords(&client);
    let first = passwords.next().await.unwrap();
    assert_eq!(first.len(), 20);

    let said = world.ok(&["rotate", "aws/prod/db", "--strategy", "staged"]);
    assert!(
        said.contains("aws/prod/db is at version") && said.contains("user, password"),
        "{said}"
    );
    let second = passwords.next().await.unwrap();
    assert_eq!(second.len(), 20);
    assert_ne!(first, second);

    world.feed(
        &[
            "rotate",
            "aws/prod/db",
            "--field",
            "password",
            "--value-from-stdin",
        ],
        b"it's mine",
    );
    assert_eq!(passwords.next().await.unwrap(), b"it's mine");
    let logs = world.ok(&["logs"]);
    assert!(!logs.contains("it's mine"), "{logs}");
    let read = |line: &&str| line.contains(" operator aws GetSecretValue prod/db@");
    assert!(logs.lines().filter(read).count() >= 3, "{logs}");
    let wrote = |line: &&str| line.contains(" harness  aws UpdateSecretVersionStage prod/db ");
    assert_eq!(logs.lines().filter(wrote).count(), 1, "{logs}");

    for (arguments, wanted) in [
        (["rotate", "aws/none"], "ResourceNotFoundException"),
        (
            ["rotate", "gcp/none"],
            "the lab has no vault `gcp`; it has aws",
        ),
    ] {
        let refused = world.refused(2, &arguments);
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn a_scenario_is_there_up_to_its_first_step_that_does_something() {
    let world = world(&[]);
    let client = client(&world).await;
    assert!(passwords(&client).next().await.is_some());
    let maps: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(client, "default");
    assert!(maps.get_opt("never").await.unwrap().is_none());
    let status = world.status();
    assert_eq!(status["scenario"], "A secret for the lab");
    assert_eq!(status["refresh"], Value::Null);
}

#[tokio::test]
async fn a_store_and_an_external_secret_that_a_client_applies_are_synced() {
    let world = World::new();
    let (vaults, _) = SCENARIO.split_once("steps:").unwrap();
    world.write("db.scenario.yaml", &format!("{vaults}steps: []\n"));
    world.ok(&["up", "db.scenario.yaml", "--detach", "--refresh", "1s"]);
    let variables = world.sourced(&world.lab().join("env"));
    let client = client(&world).await;
    let key = json!({
        "metadata": { "name": "administrator" },
        "stringData": {
            "access-key": variables["AWS_ACCESS_KEY_ID"],
            "secret-access-key": variables["AWS_SECRET_ACCESS_KEY"],
        },
    });
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
    let key: Secret = serde_json::from_value(key).unwrap();
    secrets.create(&PostParams::default(), &key).await.unwrap();
    for document in MANIFESTS
        .replace("aws-access-key", "administrator")
        .split("---")
    {
        let object: DynamicObject = serde_saphyr::from_str(document).unwrap();
        let kind = &object.types.as_ref().unwrap().kind;
        let kind = GroupVersionKind::gvk("external-secrets.io", "v1", kind);
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), "default", &ApiResource::from_gvk(&kind));
        let name = object.metadata.name.clone().unwrap();
        let params = PatchParams::apply("test");
        api.patch(&name, &params, &Patch::Apply(&object))
            .await
            .unwrap();
    }
    let mut passwords = passwords(&client);
    let first = passwords.next().await.unwrap();
    world.ok(&["rotate", "aws/prod/db"]);
    assert_ne!(passwords.next().await.unwrap(), first);
    // It signs with the administrator's key.
    let served = next_entry(&world, |entry| entry["operation"] == "GetSecretValue");
    let identity = served["identity"].as_str().unwrap();
    assert!(identity.ends_with(":user/rotaproof"), "{identity}");
}

#[tokio::test]
async fn an_empty_lab_has_a_store_for_each_vault_and_all_are_ready() {
    let world = World::with_lab(&[]);
    let client = client(&world).await;
    let kind = GroupVersionKind::gvk("external-secrets.io", "v1", "ClusterSecretStore");
    let stores: Api<DynamicObject> = Api::all_with(client, &ApiResource::from_gvk(&kind));
    for vault in world.status()["vaults"].as_array().unwrap() {
        let name = vault["name"].as_str().unwrap();
        let ready = |store: Option<&DynamicObject>| {
            store.is_some_and(|store| {
                let conditions = store.data["status"]["conditions"].as_array();
                let mut conditions = conditions.into_iter().flatten();
                conditions.any(|it| it["type"] == "Ready" && it["status"] == "True")
            })
        };
        let became = kube::runtime::wait::await_condition(stores.clone(), name, ready);
        became.await.unwrap();
    }
}

#[test]
fn every_vaults_secret_is_rotated_in_its_own_shape() {
    let world = World::new();
    world.write(
        "all.scenario.yaml",
        "
scenario: A secret in every vault
vaults:
  aws: { kind: aws-secrets-manager, secrets: { db: { user: a, password: b } } }
  gcp: { kind: gcp-secret-manager, secrets: { db: { user: a, password: b } } }
  vault:
    kind: hashicorp-vault
    address: https://vault.example.com
    secrets: { secret/db: { user: a, password: b } }
  onepassword:
    kind: one-password-connect
    address: https://connect.example.com
    vaults: [lab]
    secrets: { lab/db: { user: a, password: b } }
steps: []
",
    );
    world.ok(&["up", "all.scenario.yaml", "--detach"]);
    for secret in ["aws/db", "gcp/db", "vault/secret/db", "onepassword/lab/db"] {
        let said = world.ok(&["rotate", secret]);
        assert!(said.contains("user") && said.contains("password"), "{said}");
        let first = said.split_whitespace().nth(4).unwrap().to_owned();
        let said = world.ok(&["rotate", secret, "--field", "password"]);
        assert!(said.contains("(password)"), "{said}");
        assert_ne!(said.split_whitespace().nth(4).unwrap(), first, "{said}");
    }
}

#[test]
fn a_fault_hits_who_comes_through_the_proxy_until_it_is_healed() {
    let world = world(&["--refresh", "1s"]);
    let told = world.ok(&[
        "fault",
        "aws",
        "--status",
        "503",
        "--operation",
        "GetSecretValue",
        "--as",
        "down",
    ]);
    assert!(told.contains("rotaproof heal --fault down"), "{told}");
    let hit = next_entry(&world, |entry| entry["fault"] == "down");
    assert_eq!(
        (&hit["client"], &hit["status"]),
        (&json!("operator"), &json!(503))
    );
    let fault = &world.status()["faults"][0];
    assert_eq!(
        (&fault["name"], &fault["operation"]),
        (&json!("down"), &json!("GetSecretValue"))
    );
    assert!(world.ok(&["status"]).contains("down on aws"));
    // The administrator's way in is not hit: `rotate` reads through it.
    world.ok(&["rotate", "aws/prod/db"]);
    let unknown = world.refused(2, &["heal", "--fault", "other"]);
    assert!(unknown.contains("no fault `other` is active"), "{unknown}");
    assert!(world.ok(&["heal", "aws"]).contains("healed 1 fault"));
    assert_eq!(world.status()["faults"], json!([]));
    let unknown = world.refused(2, &["fault", "nowhere", "--hang"]);
    assert!(
        unknown.contains("the lab has no vault `nowhere`"),
        "{unknown}"
    );
}

/// Follows the journal until an entry is as wanted.
fn next_entry(world: &World, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut logs = world
        .command(&["logs", "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    let mut entries = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    let found = entries.find(|entry| wanted(entry) && !entry["status"].is_null());
    logs.kill().unwrap();
    logs.wait().unwrap();
    found.expect("the lab ended before it happened")
}

#[tokio::test]
async fn the_processes_of_its_pods_end_with_a_lab_that_is_killed() {
    let world = World::new();
    let (mut lab, _) = Foreground::start(&world, &[]);
    let client = client(&world).await;
    let pod = json!({
        "metadata": { "name": "sleeper" },
        "spec": { "containers": [{ "name": "main", "image": "busybox", "command": ["sleep", "1d"] }] },
    });
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let pod: Pod = serde_json::from_value(pod).unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let running = kube::runtime::conditions::is_pod_running();
    kube::runtime::wait::await_condition(pods, "sleeper", running)
        .await
        .unwrap();
    let children = children(lab.0.id());
    assert_eq!(children.len(), 1);
    lab.0.kill().unwrap();
    lab.0.wait().unwrap();
    while children.iter().any(|id| lives(*id)) {
        std::thread::yield_now();
    }
}

/// State and parent of a process: `pid (name) state ppid ...`.
fn stat(id: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn lives(id: u32) -> bool {
    stat(id).is_some_and(|(state, _)| state != 'Z')
}

fn children(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap();
    let ids = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent))
        .collect()
}
