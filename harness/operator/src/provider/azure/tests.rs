//! The provider against the built-in vault and its tenant, through the gateway: what each client asks, and in what order.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue, TaskGroup, memory};
use rotaproof_gateway::fault::{Fault, Hang, Status};
use rotaproof_gateway::{ClientKind, Config, FaultSpec, Gateway};
use rotaproof_kinds::external_secrets::{RemoteRef, StoreKind};
use rotaproof_vaults::azure::{
    AzureConfig, AzureVault, AzureWriter, FederatedCredential, Principal, Role,
};
use rotaproof_vaults::{Content, Writer};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::{ProviderError, Providers, SecretsClient, StoreContext};
use crate::Release;

const HOST: &str = "my-vault.vault.azure.net";
const TENANT: &str = "11111111-2222-4333-8444-55555555abcd";
const APPLICATION: &str = "7b0f4c7a-52f1-4a0e-8d0b-6f3a2d9c1e54";
const PASSWORD: &str = "the application's secret";
const ISSUER: &str = "https://cluster";
/// What a client of the new SDK asks for before its first secret.
const FIRST: [&str; 4] = ["SecretGet", "discovery", "openid-configuration", "token"];

struct World {
    gateway: Gateway,
    store: StoreContext,
    _tasks: TaskGroup,
}

impl World {
    /// A store with more in its `spec.provider.azurekv`, and a vault with secrets `one` and `two`. The service account
    /// `team/eso` may be the application, if its token is for `api://AzureADTokenExchange`.
    async fn open(more: Value) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate(ISSUER).unwrap();
        let vault = AzureVault::new(AzureConfig {
            host: HOST.into(),
            tenant: TENANT.into(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(1),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            verifier: issuer.verifier(),
            principals: vec![Principal {
                name: "application".into(),
                client_id: APPLICATION.into(),
                roles: vec![Role::SecretsUser],
                managed_identity: None,
                client_secret: Some(SecretValue::new(PASSWORD)),
                federated: vec![FederatedCredential {
                    issuer: ISSUER.into(),
                    subject: "system:serviceaccount:team:eso".into(),
                    audience: "api://AzureADTokenExchange".into(),
                }],
            }],
        });
        let vault = Arc::new(vault.unwrap());
        let gateway = Gateway::new(Config {
            clock: clock.clone(),
            entropy: Entropy::from_seed(2),
        })
        .unwrap();
        gateway.attach("azure", vault.clone()).unwrap();
        let tasks = TaskGroup::new();
        let (proxy, listener) = memory();
        gateway.serve(listener, &tasks);
        let (direct, listener) = memory();
        gateway.serve_direct("azure", listener, &tasks).unwrap();
        let builder = || rotaproof_egress::Client::builder(clock.clone());
        let writing = builder().direct(Arc::new(direct)).build().unwrap();
        let administrator = vault.administrator();
        let writer = AzureWriter::new(writing, "http", HOST, administrator, clock.clone());
        for name in ["one", "two"] {
            let content = Content::Text(SecretValue::new(format!("value of {name}")));
            writer.create(name, &content).await.unwrap();
        }
        let egress = builder().through_proxy(Arc::new(proxy));
        let egress = egress.trust_pem(gateway.ca_pem()).build().unwrap();
        let mut spec = json!({"vaultUrl": format!("https://{HOST}"), "tenantId": TENANT});
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        let spec = json!({"provider": {"azurekv": spec}});
        let store = StoreContext {
            kind: StoreKind::SecretStore,
            name: "azure".to_owned(),
            namespace: "team".to_owned(),
            generation: 1,
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            kube: cluster(issuer, clock.clone()),
            egress,
            clock,
            entropy: Entropy::from_seed(7),
            release: Release::V0_20,
        };
        Self {
            gateway,
            store,
            _tasks: tasks,
        }
    }

    /// Makes a client as a reconcile does.
    async fn client(&self) -> Result<Box<dyn SecretsClient>, ProviderError> {
        let providers = Providers::builtin();
        let provider = providers.get("azurekv").unwrap();
        provider.new_client(&self.store).await
    }

    /// What a new client reads of a secret, or says.
    async fn read(&self, remote: Value) -> Result<String, String> {
        let client = self.client().await;
        let mut client = client.map_err(|error| error.to_string())?;
        read(client.as_mut(), remote).await
    }

    /// The operations that were asked for since, in order.
    fn asked(&self) -> Vec<String> {
        let entries = self.gateway.journal().entries();
        let operator = entries
            .iter()
            .filter(|entry| entry.client == ClientKind::Operator);
        operator.map(|entry| entry.operation.to_string()).collect()
    }

    fn inject(&self, operation: &str, first: Option<u32>, kind: impl Fault) {
        self.gateway.faults().inject(FaultSpec {
            name: "fault".into(),
            vault: "azure".into(),
            operation: Some(operation.into()),
            first,
            share: None,
            kind: Arc::new(kind),
        });
    }
}

async fn read(client: &mut dyn SecretsClient, remote: Value) -> Result<String, String> {
    let remote: RemoteRef = serde_json::from_value(remote).unwrap();
    let value = client.get_secret(&remote).await;
    value
        .map(|value| value.expose_str().unwrap().to_owned())
        .map_err(|error| error.to_string())
}

fn cluster(issuer: Issuer, clock: Clock) -> kube::Client {
    let issuer = Arc::new(issuer);
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (issuer, clock) = (issuer.clone(), clock.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let line = format!("{} {}", parts.method, parts.uri.path());
            let annotations = json!({"azure.workload.identity/client-id": APPLICATION});
            let meta = json!({"name": "eso", "namespace": "team", "annotations": annotations});
            let base64 = |text: &str| BASE64_STANDARD.encode(text);
            let (status, value) = match line.as_str() {
                "GET /api/v1/namespaces/team/serviceaccounts/eso" => (
                    200,
                    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}),
                ),
                "POST /api/v1/namespaces/team/serviceaccounts/eso/token" => {
                    let asked: Value = serde_json::from_slice(&body).unwrap();
                    let now = clock.unix_seconds();
                    let token = issuer.sign(&json!({
                        "iss": ISSUER, "sub": "system:serviceaccount:team:eso",
                        "aud": asked["spec"]["audiences"], "nbf": now, "exp": now + 3600,
                    }));
                    let status = json!({"token": token.unwrap(), "expirationTimestamp": "2025-11-08T01:00:00Z"});
                    (
                        201,
                        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": {"audiences": []}, "status": status}),
                    )
                }
                "GET /api/v1/namespaces/team/secrets/application" => (
                    200,
                    json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {
                        "id": base64(APPLICATION), "password": base64(PASSWORD), "wrong": base64("x"),
                    }}),
                ),
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

fn workload_identity(new_sdk: bool) -> Value {
    json!({
        "useAzureSDK": new_sdk, "authType": "WorkloadIdentity", "serviceAccountRef": {"name": "eso"},
    })
}

fn service_principal(secret: &str) -> Value {
    json!({
        "useAzureSDK": true, "authType": "ServicePrincipal",
        "authSecretRef": {
            "clientId": {"name": "application", "key": "id"},
            "clientSecret": {"name": "application", "key": secret},
        },
    })
}

fn status(code: u16) -> Status {
    Status::new(StatusCode::from_u16(code).unwrap())
}

#[rstest]
#[case::of_a_workload_identity(workload_identity(true))]
#[case::of_a_service_principal(service_principal("password"))]
#[tokio::test(start_paused = true)]
async fn each_client_of_the_new_sdk_draws_a_challenge_and_learns_its_authority_anew(
    #[case] more: Value,
) {
    let world = World::open(more).await;
    for _ in 0..2 {
        let mut client = world.client().await.ok().unwrap();
        for name in ["one", "two"] {
            let value = read(client.as_mut(), json!({"key": name})).await;
            assert_eq!(value, Ok(format!("value of {name}")));
        }
    }
    let reconcile = [&FIRST[..], &["SecretGet", "SecretGet"]].concat();
    assert_eq!(world.asked(), reconcile.repeat(2));
}

#[tokio::test(start_paused = true)]
async fn go_autorest_s_workload_identity_discovers_no_instance() {
    let world = World::open(workload_identity(false)).await;
    let value = world.read(json!({"key": "one"})).await;
    assert_eq!(value, Ok("value of one".into()));
    assert_eq!(
        world.asked(),
        ["openid-configuration", "token", "SecretGet"]
    );
}

#[tokio::test(start_paused = true)]
async fn without_instance_discovery_there_is_a_token_all_the_same() {
    let world = World::open(workload_identity(true)).await;
    world.inject("discovery", None, status(403));
    let value = world.read(json!({"key": "one"})).await;
    assert_eq!(value, Ok("value of one".into()));
    assert_eq!(world.asked(), [&FIRST[..], &["SecretGet"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_refuses_a_token_gets_the_same_one_again() {
    let world = World::open(workload_identity(true)).await;
    let forged = r#"{"access_token": "forged", "expires_in": 3599}"#;
    let json = HeaderValue::from_static("application/json");
    let body = Some((json, forged.to_owned()));
    world.inject(
        "token",
        Some(1),
        Status {
            body,
            ..status(200)
        },
    );
    let mut client = world.client().await.ok().unwrap();
    for name in ["one", "two"] {
        let error = read(client.as_mut(), json!({"key": name})).await;
        let error = error.unwrap_err();
        assert!(error.contains("RESPONSE 401: 401 Unauthorized"), "{error}");
    }
    let refused_again = ["SecretGet", "SecretGet", "SecretGet"];
    assert_eq!(world.asked(), [&FIRST[..], &refused_again].concat());
}

#[rstest]
#[case("discovery")]
#[case("openid-configuration")]
#[case("token")]
#[tokio::test(start_paused = true)]
async fn azidentity_tries_the_identity_platform_again_as_azcore_does(#[case] operation: &str) {
    let world = World::open(workload_identity(true)).await;
    world.inject(operation, Some(3), status(503));
    let value = world.read(json!({"key": "one"})).await;
    assert_eq!(value, Ok("value of one".into()));
    let tries = world.asked().iter().filter(|one| *one == operation).count();
    assert_eq!(tries, 4);
}

#[rstest]
#[case::straight(
    false,
    1,
    "http call(https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token)(POST) error: reply status code was 503"
)]
#[case::through_azcore(
    true,
    4,
    "ClientAssertionCredential authentication failed. \nPOST https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token\n-----"
)]
#[tokio::test(start_paused = true)]
async fn what_the_identity_platform_says_without_words_is_told(
    #[case] new_sdk: bool,
    #[case] tries: usize,
    #[case] said: &str,
) {
    let world = World::open(workload_identity(new_sdk)).await;
    world.inject(
        "token",
        None,
        Status {
            body: None,
            ..status(503)
        },
    );
    let error = world.read(json!({"key": "one"})).await.unwrap_err();
    let said = said.replace("{TENANT}", TENANT);
    assert!(error.starts_with(&said), "{error}");
    let tried = world.asked().iter().filter(|one| *one == "token").count();
    assert_eq!(tried, tries);
}

#[rstest]
#[case(
    false,
    "server response error:\n Post \"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token\": context deadline exceeded"
)]
#[case(
    true,
    "ClientAssertionCredential: server response error:\n context deadline exceeded"
)]
#[tokio::test(start_paused = true)]
async fn an_identity_platform_that_hangs_is_waited_for_for_half_a_minute(
    #[case] new_sdk: bool,
    #[case] said: &str,
) {
    let world = World::open(workload_identity(new_sdk)).await;
    world.inject("token", None, Hang);
    let begun = Instant::now();
    let error = world.read(json!({"key": "one"})).await.unwrap_err();
    assert_eq!(error, said.replace("{TENANT}", TENANT));
    assert_eq!(begun.elapsed().as_secs(), Duration::from_secs(30).as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_refused_assertion_reads_as_msal_prints_it() {
    let mut more = workload_identity(false);
    more["tenantId"] = "99999999-0000-4000-8000-000000000000".into();
    let world = World::open(more).await;
    let error = world.read(json!({"key": "one"})).await.unwrap_err();
    let said = "unable to resolve an endpoint: http call(https://login.microsoftonline.com/99999999-0000-4000-8000-000000000000/v2.0/.well-known/openid-configuration?)(GET) error: reply status code was 400:\n{";
    assert!(error.starts_with(said), "{error}");

    let world = World::open(workload_identity(false)).await;
    world.inject("token", None, status(401));
    let error = world.read(json!({"key": "one"})).await.unwrap_err();
    let said = format!(
        "http call(https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token)(POST) error: reply status code was 401"
    );
    assert!(error.starts_with(&said), "{error}");
}

#[rstest]
#[case::of_another("99999999-0000-4000-8000-000000000000".to_owned())]
#[case::in_other_letters(TENANT.to_uppercase())]
#[tokio::test(start_paused = true)]
async fn the_new_sdk_asks_for_no_token_of_a_tenant_that_is_not_the_vaults(#[case] tenant: String) {
    let mut more = service_principal("password");
    more["tenantId"] = tenant.into();
    let world = World::open(more).await;
    let error = world.read(json!({"key": "one"})).await.unwrap_err();
    assert_eq!(
        error,
        format!(
            "ClientSecretCredential isn't configured to acquire tokens for tenant \"{TENANT}\". To enable acquiring tokens for this tenant add it to the AdditionallyAllowedTenants on the credential options, or add \"*\" to allow acquiring tokens for any tenant"
        )
    );
    assert_eq!(world.asked(), ["SecretGet"]);
}

#[rstest]
#[case::in_0_20(Release::V0_20, false)]
#[case::in_2_9(Release::V2_9, true)]
#[tokio::test(start_paused = true)]
async fn a_secrets_times_are_metadata_with_some_releases(
    #[case] release: Release,
    #[case] told: bool,
) {
    let mut world = World::open(workload_identity(false)).await;
    world.store.release = release;
    let remote = json!({"key": "one", "metadataPolicy": "Fetch", "property": "attribute.created"});
    let told = match told {
        true => Ok("2025-11-08T00:00:00Z".to_owned()),
        false => Err("tag attribute.created does not exist".to_owned()),
    };
    assert_eq!(world.read(remote).await, told);
    world.store.spec = {
        let mut spec = workload_identity(true);
        spec["vaultUrl"] = format!("https://{HOST}").into();
        spec["tenantId"] = TENANT.into();
        let spec = json!({"provider": {"azurekv": spec}});
        Arc::new(serde_json::from_value(spec).unwrap())
    };
    let all = json!({"key": "one", "metadataPolicy": "Fetch"});
    assert_eq!(world.read(all).await, Ok("{}".to_owned()));
}
