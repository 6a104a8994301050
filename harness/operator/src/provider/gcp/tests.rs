//! The provider against the built-in vault, through the gateway: CONNECT, TLS, HTTP/2.

mod latest;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use indexmap::IndexMap;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup, memory};
use rotaproof_gateway::Gateway;
use rotaproof_kinds::external_secrets::{Find, RemoteRef, StoreKind};
use rotaproof_vaults::gcp::{
    GcpConfig, GcpVault, GcpWriter, GkeCluster, Grant, HOST, ServiceAccount, WorkloadIdentity,
};
use rotaproof_vaults::{Content, Writer};
use rstest::rstest;
use serde_json::{Value, json};

use super::super::{ProviderError, Providers, SecretsClient, StoreContext};
use crate::Release;

const EMAIL: &str = "eso@my-project-id.iam.gserviceaccount.com";

struct World {
    gateway: Gateway,
    store: StoreContext,
    writer: GcpWriter,
    providers: Providers,
    _tasks: TaskGroup,
}

impl World {
    /// A store with this `spec.provider.gcpsm`; its service account `team/eso` is annotated with a Google one or not.
    fn new(gcpsm: &Value, annotation: Option<&str>) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate("https://cluster").unwrap();
        let grants = |role: &str| {
            vec![Grant {
                role: role.to_owned(),
                secrets: vec!["*".to_owned()],
            }]
        };
        let vault = Arc::new(GcpVault::new(GcpConfig {
            project: "my-project-id".to_owned(),
            cluster: GkeCluster {
                location: "us-central1".to_owned(),
                name: "my-cluster".to_owned(),
            },
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            verifier: issuer.verifier(),
            service_accounts: vec![ServiceAccount {
                email: EMAIL.to_owned(),
                workload_identity_users: vec![("team".to_owned(), "eso".to_owned())],
                grants: grants("roles/secretmanager.admin"),
                keys: Vec::new(),
            }],
            workload_identities: vec![WorkloadIdentity {
                namespace: "team".to_owned(),
                name: "eso".to_owned(),
                grants: grants("roles/secretmanager.secretAccessor"),
            }],
        }));
        let gateway = Gateway::new(rotaproof_gateway::Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(1),
        })
        .unwrap();
        gateway.attach("gcp", vault.clone()).unwrap();
        let tasks = TaskGroup::new();
        let (proxy, listener) = memory();
        gateway.serve(listener, &tasks);
        let (direct, listener) = memory();
        gateway.serve_direct("gcp", listener, &tasks).unwrap();
        let egress = rotaproof_egress::Client::builder(clock.clone());
        let client = egress.direct(Arc::new(direct)).build().unwrap();
        let url = format!("http://{HOST}");
        let token = vault.administrator();
        let writer = GcpWriter::new(client, &url, "my-project-id", token, clock.clone());
        let egress = rotaproof_egress::Client::builder(clock.clone())
            .through_proxy(Arc::new(proxy))
            .trust_pem(gateway.ca_pem())
            .build()
            .unwrap();
        let key_file = vault.administrator_key();
        let spec = json!({"provider": {"gcpsm": gcpsm}});
        let store = StoreContext {
            kind: StoreKind::SecretStore,
            name: "gcp".to_owned(),
            namespace: "team".to_owned(),
            generation: 1,
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            kube: cluster(issuer, clock.clone(), annotation, key_file.unwrap()),
            egress,
            clock,
            entropy: Entropy::from_seed(7),
            release: Release::default(),
        };
        Self {
            gateway,
            store,
            writer,
            providers: Providers::builtin(),
            _tasks: tasks,
        }
    }

    async fn client(&self) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let provider = self.providers.get("gcpsm").unwrap();
        provider.new_client(&self.store).await
    }

    async fn read(&self, remote: Value) -> Result<String, String> {
        let mut client = self.client().await.map_err(|error| error.to_string())?;
        let remote: RemoteRef = serde_json::from_value(remote).unwrap();
        let value = client.get_secret(&remote).await;
        client.close().await.unwrap();
        value
            .map(|value| value.expose_str().unwrap().to_owned())
            .map_err(|error| error.to_string())
    }

    fn asked(&self) -> Vec<String> {
        let entries = self.gateway.journal().entries();
        let entries = entries
            .iter()
            .filter(|e| e.client == rotaproof_gateway::ClientKind::Operator);
        entries.map(|entry| entry.operation.to_string()).collect()
    }
}

/// An API server with one service account, its tokens, and one Secret with a key file.
fn cluster(
    issuer: Issuer,
    clock: Clock,
    annotation: Option<&str>,
    key_file: SecretValue,
) -> kube::Client {
    let annotations = annotation.map(|email| json!({"iam.gke.io/gcp-service-account": email}));
    let issuer = Arc::new(issuer);
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (issuer, clock, annotations) = (issuer.clone(), clock.clone(), annotations.clone());
        let key_file = key_file.clone();
        async move {
            use base64::Engine;
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let line = format!("{} {}", parts.method, parts.uri.path());
            let meta = json!({"name": "eso", "namespace": "team", "annotations": annotations});
            let (status, value) = match line.as_str() {
                "GET /api/v1/namespaces/team/serviceaccounts/eso" => (
                    200,
                    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}),
                ),
                "POST /api/v1/namespaces/team/serviceaccounts/eso/token" => {
                    let asked: Value = serde_json::from_slice(&body).unwrap();
                    let now = clock.unix_seconds();
                    let lifetime = asked["spec"]["expirationSeconds"].as_i64().unwrap();
                    let token = issuer.sign(&json!({
                        "iss": "https://cluster", "sub": "system:serviceaccount:team:eso",
                        "aud": asked["spec"]["audiences"], "nbf": now, "exp": now + lifetime,
                    }));
                    let status = json!({"token": token.unwrap(), "expirationTimestamp": "2025-11-08T00:15:00Z"});
                    (
                        201,
                        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": {"audiences": []}, "status": status}),
                    )
                }
                "GET /api/v1/namespaces/team/secrets/key" => {
                    let data = base64::prelude::BASE64_STANDARD.encode(key_file.expose());
                    (
                        200,
                        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"key.json": data, "garbage": "eA=="}}),
                    )
                }
                _ => (
                    404,
                    json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": "\"it\" not found", "reason": "NotFound", "code": 404}),
                ),
            };
            let response = Response::builder()
                .status(status)
                .header("content-type", "application/json");
            let body = kube::client::Body::from(value.to_string().into_bytes());
            Ok::<_, Infallible>(response.body(body).unwrap())
        }
    });
    kube::Client::new(service, "default")
}

fn workload_identity(more: Value) -> Value {
    let mut spec = json!({
        "projectID": "my-project-id",
        "auth": {"workloadIdentity": {
            "clusterLocation": "us-central1", "clusterName": "my-cluster", "serviceAccountRef": {"name": "eso"},
        }},
    });
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

fn with_key(key: &str) -> Value {
    json!({"projectID": "my-project-id", "auth": {"secretRef": {"secretAccessKeySecretRef": {"name": "key", "key": key}}}})
}

fn text(value: &str) -> Content {
    Content::Text(SecretValue::new(value))
}

#[rstest]
#[case::as_a_google_account(workload_identity(json!({})), Some(EMAIL), &["metadata", "identitybindingtoken", "GenerateAccessToken", "AccessSecretVersion"])]
#[case::as_itself(workload_identity(json!({})), None, &["metadata", "identitybindingtoken", "AccessSecretVersion"])]
#[case::with_a_key(with_key("key.json"), None, &["oauth2 token", "AccessSecretVersion"])]
#[tokio::test(start_paused = true)]
async fn a_value_is_read_after_esos_requests_and_no_others(
    #[case] spec: Value,
    #[case] annotation: Option<&str>,
    #[case] requests: &[&str],
) {
    let world = World::new(&spec, annotation);
    world.writer.create("api-key", &text("v1")).await.unwrap();
    assert_eq!(
        world.read(json!({"key": "api-key"})).await.as_deref(),
        Ok("v1")
    );
    assert_eq!(world.asked(), requests);
    // The metadata server is asked once in the life of the process.
    assert!(
        world
            .read(json!({"key": "api-key", "version": "1"}))
            .await
            .is_ok()
    );
    let again: Vec<&str> = requests
        .iter()
        .copied()
        .filter(|one| *one != "metadata")
        .collect();
    assert_eq!(world.asked()[requests.len()..], again);
}

#[rstest]
#[case(json!({"key": "none"}), "Secret does not exist")]
#[case(json!({"key": "json", "property": "nope"}), "key nope does not exist in secret json")]
#[case(json!({"key": "plain", "property": "x"}), "unable to unmarshal secret from JSON: %w")]
#[case(json!({"key": "plain", "metadataPolicy": "Fetch", "property": "x"}), "invalid property x: metadata property should start with either annotations or labels")]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_in_esos_words(#[case] remote: Value, #[case] error: &str) {
    let world = World::new(&workload_identity(json!({})), Some(EMAIL));
    world.writer.create("plain", &text("v1")).await.unwrap();
    world
        .writer
        .create("json", &text(r#"{"a":{"b":1}}"#))
        .await
        .unwrap();
    assert_eq!(world.read(remote).await.unwrap_err(), error);
    let nested = world.read(json!({"key": "json", "property": "a.b"})).await;
    assert_eq!(nested.as_deref(), Ok("1"));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_trusted_reads_in_iams_words() {
    let world = World::new(
        &workload_identity(json!({})),
        Some("other@my-project-id.iam.gserviceaccount.com"),
    );
    assert_eq!(
        world.client().await.err().unwrap().to_string(),
        "failed to create GCP secretmanager client: unable to generate gcp access token: rpc error: code = PermissionDenied desc = Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).\nerror details: name = ErrorInfo reason = IAM_PERMISSION_DENIED domain = iam.googleapis.com metadata = map[permission:iam.serviceAccounts.getAccessToken]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_file_that_is_none_is_told_without_being_shown() {
    let world = World::new(&with_key("garbage"), None);
    assert_eq!(
        world.client().await.err().unwrap().to_string(),
        "failed to create GCP secretmanager client: failed to process the provided JSON credentials: invalid character in the key file"
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_are_found_by_name_and_by_label() {
    let world = World::new(&workload_identity(json!({})), Some(EMAIL));
    let fields = IndexMap::from([("user".to_owned(), SecretValue::new("u"))]);
    world.writer.create("api-one", &text("1")).await.unwrap();
    world.writer.create("api-two", &text("2")).await.unwrap();
    world
        .writer
        .create("db", &Content::Fields(fields))
        .await
        .unwrap();
    world
        .writer
        .set_labels("db", &[("env", "prod")])
        .await
        .unwrap();
    let mut client = world.client().await.unwrap();
    let mut keys = async |find: Value| {
        let find: Find = serde_json::from_value(find).unwrap();
        let found = client.get_all_secrets(&find).await;
        found
            .map(|found| found.into_keys().collect::<Vec<_>>())
            .map_err(|e| e.to_string())
    };
    assert_eq!(
        keys(json!({"name": {"regexp": "^api-"}})).await.unwrap(),
        ["api-one", "api-two"]
    );
    assert_eq!(
        keys(json!({"name": {"regexp": "o"}, "path": "api-t"}))
            .await
            .unwrap(),
        ["api-two"]
    );
    assert_eq!(
        keys(json!({"tags": {"env": "prod"}})).await.unwrap(),
        ["db"]
    );
    assert_eq!(
        keys(json!({})).await.unwrap_err(),
        "unexpected find operator"
    );
    let remote: RemoteRef = serde_json::from_value(json!({"key": "db"})).unwrap();
    let map = client.get_secret_map(&remote).await.ok().unwrap();
    assert_eq!(map["user"].expose_str(), Some("u"));
}

#[tokio::test(start_paused = true)]
async fn one_client_lives_at_a_time() {
    let world = World::new(&workload_identity(json!({})), Some(EMAIL));
    let mut first = world.client().await.unwrap();
    let second = world.client();
    let wait = std::time::Duration::from_secs(600);
    assert!(tokio::time::timeout(wait, second).await.is_err());
    first.close().await.unwrap();
    assert!(world.client().await.is_ok());
}
