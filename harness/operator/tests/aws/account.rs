//! A cluster with service accounts and Secrets, an AWS account behind the gateway, and stores for both.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::api::{Api, PostParams};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup, memory};
use rotaproof_egress::Client;
use rotaproof_gateway::{Config as GatewayConfig, Gateway};
use rotaproof_kinds::external_secrets::{RemoteRef, StoreKind};
use rotaproof_operator::provider::{ProviderError, Providers, SecretsClient, StoreContext};
use rotaproof_vaults::aws::{self, AwsConfig, AwsVault, Role, Statement, StaticKey};
use serde_json::{Value, json};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/eso";
pub(crate) const REGION: &str = "us-east-1";

pub(crate) struct Account {
    pub(crate) gateway: Gateway,
    pub(crate) sdk: aws_sdk_secretsmanager::Client,
    pub(crate) kube: kube::Client,
    egress: Client,
    clock: Clock,
    _tasks: TaskGroup,
}

impl Account {
    pub(crate) async fn open() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let entropy = Entropy::from_seed(7);
        let tasks = TaskGroup::new();
        let issuer = Issuer::generate("https://kubernetes.default.svc").unwrap();
        let vault = AwsVault::new(AwsConfig {
            region: REGION.into(),
            account: "123456789012".into(),
            clock: clock.clone(),
            entropy: entropy.fork("aws"),
            fingerprinter: Fingerprinter::draw(&entropy),
            verifier: issuer.verifier(),
            roles: vec![Role {
                arn: ROLE.into(),
                trusts: vec![("ns".into(), "reader".into())],
                audience: "sts.amazonaws.com".into(),
                allows: vec![read_everything()],
            }],
            keys: vec![
                key("reader", read_everything()),
                key(
                    "assumer",
                    Statement {
                        actions: vec!["sts:*".into()],
                        secrets: vec![ROLE.into()],
                    },
                ),
            ],
        });
        let administrator = vault.administrator();
        let gateway = Gateway::new(GatewayConfig {
            clock: clock.clone(),
            entropy: entropy.fork("gateway"),
        })
        .unwrap();
        gateway.attach("aws", Arc::new(vault)).unwrap();
        let (proxy, listener) = memory();
        gateway.serve(listener, &tasks);
        let (direct, listener) = memory();
        gateway.serve_direct("aws", listener, &tasks).unwrap();
        let writing = Client::builder(clock.clone())
            .direct(Arc::new(direct))
            .build()
            .unwrap();
        let egress = Client::builder(clock.clone())
            .through_proxy(Arc::new(proxy))
            .trust_pem(gateway.ca_pem())
            .http2()
            .build()
            .unwrap();
        let api = ApiServer::new(Config {
            clock: clock.clone(),
            entropy: entropy.fork("api"),
            issuer,
        });
        api.start(&tasks);
        let endpoint = aws::endpoint(REGION);
        let account = Self {
            sdk: aws::sdk(writing, &endpoint, REGION, &administrator, clock.clone()),
            kube: kube::Client::new(api.service(), "default"),
            gateway,
            egress,
            clock,
            _tasks: tasks,
        };
        account.furnish().await;
        account
    }

    async fn furnish(&self) {
        let namespace = json!({"metadata": {"name": "ns"}});
        let namespaces: Api<Namespace> = Api::all(self.kube.clone());
        let namespace = serde_json::from_value(namespace).unwrap();
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap();
        self.service_account("reader", json!({"eks.amazonaws.com/role-arn": ROLE}))
            .await;
        self.service_account("stranger", json!({"eks.amazonaws.com/role-arn": ROLE}))
            .await;
        self.service_account("plain", json!({})).await;
        let keys = json!({
            "metadata": {"name": "keys"},
            "stringData": {
                "reader-id": "reader", "reader": "secret-of-reader", "wrong-id": "reader", "wrong": "x",
                "assumer-id": "assumer", "assumer": "secret-of-assumer", "absent-id": "reader",
            },
        });
        let secrets: Api<Secret> = Api::namespaced(self.kube.clone(), "ns");
        let keys = serde_json::from_value(keys).unwrap();
        secrets.create(&PostParams::default(), &keys).await.unwrap();
    }

    async fn service_account(&self, name: &str, annotations: Value) {
        let account = json!({"metadata": {"name": name, "annotations": annotations}});
        let accounts: Api<ServiceAccount> = Api::namespaced(self.kube.clone(), "ns");
        let account = serde_json::from_value(account).unwrap();
        accounts
            .create(&PostParams::default(), &account)
            .await
            .unwrap();
    }

    pub(crate) async fn put(&self, name: &str, value: &str) {
        let create = self.sdk.create_secret().name(name).secret_string(value);
        create.send().await.unwrap();
    }

    /// A SecretStore in `ns` over `spec.provider.aws`.
    pub(crate) fn store(&self, aws: Value) -> StoreContext {
        self.store_with(aws, Value::Null)
    }

    pub(crate) fn store_with(&self, mut aws: Value, retry_settings: Value) -> StoreContext {
        aws["service"] = "SecretsManager".into();
        if aws.get("region").is_none() {
            aws["region"] = REGION.into();
        }
        let mut spec = json!({"provider": {"aws": aws}});
        if !retry_settings.is_null() {
            spec["retrySettings"] = retry_settings;
        }
        StoreContext {
            kind: StoreKind::SecretStore,
            name: "aws".into(),
            namespace: "ns".into(),
            generation: 1,
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            kube: self.kube.clone(),
            egress: self.egress.clone(),
            clock: self.clock.clone(),
            entropy: Entropy::from_seed(11),
            release: rotaproof_operator::Release::default(),
        }
    }

    /// Makes a client as a reconcile does.
    pub(crate) async fn client(
        &self,
        store: &StoreContext,
    ) -> Result<Box<dyn SecretsClient>, ProviderError> {
        Providers::builtin()
            .get("aws")
            .unwrap()
            .new_client(store)
            .await
    }

    pub(crate) async fn irsa(&self) -> Box<dyn SecretsClient> {
        self.client(&self.store(irsa("reader"))).await.ok().unwrap()
    }

    /// The operations that the operator asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        let entries = self.gateway.journal().entries();
        let operator = entries
            .iter()
            .filter(|entry| serde_json::to_value(entry.client).unwrap() != json!("harness"));
        operator.map(|entry| entry.operation.to_string()).collect()
    }
}

/// A user whose access key id is their name.
fn key(name: &str, allows: Statement) -> StaticKey {
    StaticKey {
        name: name.into(),
        access_key_id: name.into(),
        secret_access_key: SecretValue::new(format!("secret-of-{name}")),
        allows: vec![allows],
    }
}

fn read_everything() -> Statement {
    let actions = ["Get*", "Describe*", "List*", "BatchGet*"];
    Statement {
        actions: actions
            .map(|action| format!("secretsmanager:{action}"))
            .to_vec(),
        secrets: vec!["*".into()],
    }
}

pub(crate) fn irsa(account: &str) -> Value {
    json!({"auth": {"jwt": {"serviceAccountRef": {"name": account}}}})
}

/// `auth.secretRef` over the keys `<user>-id` and `<user>` of Secret `keys`.
pub(crate) fn static_keys(user: &str) -> Value {
    json!({"auth": {"secretRef": {
        "accessKeyIDSecretRef": {"name": "keys", "key": format!("{user}-id")},
        "secretAccessKeySecretRef": {"name": "keys", "key": user},
    }}})
}

pub(crate) fn remote(key: &str) -> RemoteRef {
    RemoteRef {
        key: key.into(),
        ..RemoteRef::default()
    }
}

pub(crate) fn property(key: &str, property: &str) -> RemoteRef {
    RemoteRef {
        property: Some(property.into()),
        ..remote(key)
    }
}

/// The text of a value.
pub(crate) fn text(value: Result<SecretValue, ProviderError>) -> String {
    match value {
        Ok(value) => value.expose_str().unwrap().to_owned(),
        Err(error) => panic!("{error}"),
    }
}

/// The words of a refusal, with the request id blanked.
pub(crate) fn words<T>(result: Result<T, ProviderError>) -> String {
    let text = result.err().unwrap().to_string();
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("RequestID: ") {
        plain.push_str(before);
        plain.push_str("RequestID: ");
        rest = after.find([',', ' ']).map_or("", |end| &after[end..]);
        if after.starts_with(',') {
            rest = after;
        }
    }
    plain + rest
}
