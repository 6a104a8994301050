//! A Vault behind the real gateway, and stores that bring certificates of their own.

#![allow(clippy::unwrap_used)]

mod world;

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, PostParams};
use rotaproof_base::{Entropy, Fingerprinter, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::{Config, Gateway};
use rotaproof_vaults::hashicorp::{
    HashicorpConfig, HashicorpVault, HashicorpWriter, Mount, MountKind,
};
use rotaproof_vaults::{Content, Writer};
use rstest::rstest;
use serde_json::{Value, json};
use world::World;

const UNKNOWN: &str = "Warning InvalidProviderConfig invalid vault credentials: Get \"https://vault.example.com/v1/auth/token/lookup-self\": tls: failed to verify certificate: x509: certificate signed by unknown authority";

/// Which of the two authorities is meant.
#[derive(Clone, Copy)]
enum Ca {
    Gateway,
    Another,
}

struct Lab {
    world: World,
    gateway: Gateway,
    another: Gateway,
    _tasks: TaskGroup,
}

impl Lab {
    /// A cluster whose engine reaches a Vault through the gateway and trusts this authority where a store says
    /// nothing. The Vault's entry `app` has key `value`.
    async fn open(trusted: Ca) -> Self {
        let mut world = World::without_store().await;
        let tasks = TaskGroup::new();
        let clock = world.clock.clone();
        let gateway = |seed| {
            let entropy = Entropy::from_seed(seed);
            let clock = clock.clone();
            Gateway::new(Config { clock, entropy }).unwrap()
        };
        let (gateway, another) = (gateway(1), gateway(2));
        let kv = Mount {
            path: "secret".to_owned(),
            kind: MountKind::KvV2,
        };
        let vault = HashicorpVault::new(HashicorpConfig {
            address: "vault.example.com".to_owned(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(3),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            mounts: vec![kv.clone()],
            policies: Default::default(),
            kubernetes: Vec::new(),
            jwt: Vec::new(),
            tokens: Vec::new(),
        });
        let root = vault.root_token();
        gateway.attach("vault", Arc::new(vault)).unwrap();
        let (proxy, listener) = memory();
        gateway.serve(listener, &tasks);
        let (direct, listener) = memory();
        gateway.serve_direct("vault", listener, &tasks).unwrap();
        let pem = match trusted {
            Ca::Gateway => gateway.ca_pem(),
            Ca::Another => another.ca_pem(),
        };
        let builder = Client::builder(clock.clone()).through_proxy(Arc::new(proxy));
        world.egress = builder.trust_pem(pem).http2().build().unwrap();
        let writing = Client::builder(clock.clone()).direct(Arc::new(direct));
        let url = "http://vault.example.com";
        let writer =
            HashicorpWriter::new(writing.build().unwrap(), url, root.clone(), vec![kv], clock);
        let field = ("value".to_owned(), SecretValue::new("v1"));
        let content = Content::Fields([field].into_iter().collect());
        writer.create("secret/app", &content).await.unwrap();
        let lab = Self {
            world,
            gateway,
            another,
            _tasks: tasks,
        };
        lab.secret("vault-token", "token", root.expose_str().unwrap())
            .await;
        lab.world.settle().await;
        lab
    }

    fn pem(&self, ca: Ca) -> &str {
        match ca {
            Ca::Gateway => self.gateway.ca_pem(),
            Ca::Another => self.another.ca_pem(),
        }
    }

    async fn secret(&self, name: &str, key: &str, value: &str) {
        let object = json!({"metadata": {"name": name}, "stringData": {key: value}});
        let object: Secret = serde_json::from_value(object).unwrap();
        let secrets = self.world.secrets();
        secrets
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }

    async fn config_map(&self, name: &str, key: &str, value: &str) {
        let object = json!({"metadata": {"name": name}, "data": {key: value}});
        let object: ConfigMap = serde_json::from_value(object).unwrap();
        let maps = Api::<ConfigMap>::namespaced(self.world.client.clone(), "ns");
        maps.create(&PostParams::default(), &object).await.unwrap();
    }

    /// Starts the engine, and makes a store with these fields and an ExternalSecret of it.
    async fn sync(&mut self, trust: Value) {
        self.world.start_operator();
        let token = json!({"name": "vault-token", "namespace": "ns", "key": "token"});
        let mut vault = json!({
            "server": "https://vault.example.com", "path": "secret", "version": "v2",
            "auth": {"tokenSecretRef": token},
        });
        for (name, value) in trust.as_object().unwrap() {
            vault[name] = value.clone();
        }
        let store = json!({"metadata": {"name": "vault"}, "spec": {"provider": {"vault": vault}}});
        self.world.create_store(store).await;
        self.world.settle().await;
        let entry = json!({"secretKey": "key", "remoteRef": {"key": "app", "property": "value"}});
        self.world.create("app", json!({"data": [entry]})).await;
        self.world.settle().await;
    }

    /// Why the store is as it is: `type reason message` of its events, whatever their count.
    async fn said(&self) -> Vec<String> {
        let events = self.world.events("default").await;
        let words = events.iter().map(|event| {
            let words = event.split(' ').enumerate();
            let uncounted = words.filter(|(index, _)| *index != 2).map(|(_, word)| word);
            uncounted.collect::<Vec<_>>().join(" ")
        });
        words.collect()
    }

    /// How many requests of the engine the Vault has seen.
    fn asked(&self) -> usize {
        let entries = self.gateway.journal().entries();
        let engine = |entry: &&_| is_of_the_engine(entry);
        entries.iter().filter(engine).count()
    }
}

fn is_of_the_engine(entry: &Arc<rotaproof_gateway::Entry>) -> bool {
    serde_json::to_value(entry.client).unwrap() != json!("harness")
}

/// Where the certificates of a store come from.
#[derive(Clone, Copy)]
enum Source {
    Bundle,
    BundleTwiceInBase64,
    Secret,
    ConfigMap,
}

impl Source {
    async fn of(self, lab: &Lab, pem: &str) -> Value {
        let provider = |kind: &str| json!({"caProvider": {"type": kind, "name": "ca", "namespace": "ns", "key": "ca.crt"}});
        match self {
            Self::Bundle => json!({"caBundle": BASE64_STANDARD.encode(pem)}),
            Self::BundleTwiceInBase64 => {
                json!({"caBundle": BASE64_STANDARD.encode(BASE64_STANDARD.encode(pem))})
            }
            Self::Secret => {
                lab.secret("ca", "ca.crt", pem).await;
                provider("Secret")
            }
            Self::ConfigMap => {
                lab.config_map("ca", "ca.crt", pem).await;
                provider("ConfigMap")
            }
        }
    }
}

#[rstest]
#[case::bundle(Source::Bundle)]
#[case::bundle_twice_in_base64(Source::BundleTwiceInBase64)]
#[case::secret(Source::Secret)]
#[case::config_map(Source::ConfigMap)]
#[tokio::test(start_paused = true)]
async fn a_store_that_brings_the_servers_authority_syncs(#[case] source: Source) {
    let mut lab = Lab::open(Ca::Another).await;
    let trust = source.of(&lab, lab.pem(Ca::Gateway)).await;
    lab.sync(trust).await;
    assert_eq!(lab.world.value("app", "key").await.as_deref(), Some("v1"));
    assert_eq!(lab.said().await, ["Normal Valid store validated"]);
}

#[rstest]
#[case::bundle(Source::Bundle)]
#[case::secret(Source::Secret)]
#[case::config_map(Source::ConfigMap)]
#[tokio::test(start_paused = true)]
async fn a_store_that_brings_another_authority_says_so_in_its_event(#[case] source: Source) {
    let mut lab = Lab::open(Ca::Gateway).await;
    let trust = source.of(&lab, lab.pem(Ca::Another)).await;
    lab.sync(trust).await;
    assert_eq!(lab.said().await, [UNKNOWN]);
    assert_eq!(lab.world.value("app", "key").await, None);
    assert_eq!(lab.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_certificates_is_trusted_as_the_engine_was_told() {
    let mut lab = Lab::open(Ca::Gateway).await;
    lab.sync(json!({})).await;
    assert_eq!(lab.world.value("app", "key").await.as_deref(), Some("v1"));
    assert!(lab.asked() > 0);
    let mut lab = Lab::open(Ca::Another).await;
    lab.sync(json!({})).await;
    assert_eq!(lab.said().await, [UNKNOWN]);
}

const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

#[rstest]
#[case::bundle_of_anything(
    json!({"caBundle": BASE64_STANDARD.encode("hello")}),
    "failed to decode ca bundle: failed to parse the new certificate, not valid pem data"
)]
#[case::bundle_of_no_certificate(
    json!({"caBundle": BASE64_STANDARD.encode(NO_CERTIFICATE)}),
    "failed to decode ca bundle: failed to validate certificate: x509: malformed certificate"
)]
#[case::no_certificate(
    json!({"caProvider": {"type": "Secret", "name": "broken", "namespace": "ns", "key": "ca.crt"}}),
    "cannot set Vault CA certificate: failed to parse certificates from CertPool"
)]
#[case::no_config_map(
    json!({"caProvider": {"type": "ConfigMap", "name": "none", "namespace": "ns", "key": "ca.crt"}}),
    "failed to get cert from configmap: failed to get caProvider secret none: configmaps \"none\" not found"
)]
#[case::no_key(
    json!({"caProvider": {"type": "ConfigMap", "name": "broken", "namespace": "ns", "key": "none"}}),
    "failed to get cert from configmap: failed to get caProvider configMap broken -> none"
)]
#[case::no_secret(
    json!({"caProvider": {"type": "Secret", "name": "none", "namespace": "ns", "key": "ca.crt"}}),
    "failed to get cert from secret: failed to resolve secret key ref: cannot get Kubernetes secret \"none\" from namespace \"ns\": secrets \"none\" not found"
)]
#[case::no_namespace(
    json!({"caProvider": {"type": "Secret", "name": "broken", "key": "ca.crt"}}),
    "missing namespace on caProvider secret"
)]
#[tokio::test(start_paused = true)]
async fn a_store_without_usable_certificates_has_no_client(
    #[case] trust: Value,
    #[case] expected: &str,
) {
    let mut lab = Lab::open(Ca::Gateway).await;
    lab.secret("broken", "ca.crt", NO_CERTIFICATE).await;
    lab.config_map("broken", "ca.crt", NO_CERTIFICATE).await;
    lab.sync(trust).await;
    let event = format!("Warning InvalidProviderConfig {expected}");
    assert_eq!(lab.said().await, [event]);
    let status = lab.world.store("vault").await.status.unwrap();
    let message = status.ready().unwrap().message.clone();
    assert_eq!(message.as_deref(), Some("unable to create client"));
    assert_eq!(lab.asked(), 0);
}
