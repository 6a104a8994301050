//! The provider against the built-in Vault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, Listen, SecretValue, TaskGroup, memory};
use rotaproof_kinds::external_secrets::{Find, StoreKind};
use rotaproof_vaults::hashicorp::{
    Capability, HashicorpConfig, HashicorpVault, HashicorpWriter, KubernetesAuth, KubernetesRole,
    Mount, MountKind,
};
use rotaproof_vaults::{Content, Removal, Served, Strategy, Vault, Witness, Writer};
use serde_json::json;

use super::super::super::{ProviderError, StoreContext};
use super::world::{client, remote, store, with_kubernetes};

#[derive(Default)]
struct Notes(Mutex<Vec<Served>>);

impl Witness for Notes {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

struct Emulated {
    store: StoreContext,
    writer: HashicorpWriter,
    notes: Arc<Notes>,
    _tasks: TaskGroup,
}

impl Emulated {
    /// A Vault whose role `eso` binds the service account `team/<account>`; the store's own is `team/eso`.
    fn new(account: &str) -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let issuer = Issuer::generate("https://cluster").unwrap();
        let kv = Mount {
            path: "secret".to_owned(),
            kind: MountKind::KvV2,
        };
        let all = |path: &str, c| (path.to_owned(), vec![c]);
        let vault = Arc::new(HashicorpVault::new(HashicorpConfig {
            address: "vault.example.com".to_owned(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            mounts: vec![kv.clone()],
            policies: BTreeMap::from([(
                "reader".to_owned(),
                vec![
                    all("secret/data/*", Capability::Read),
                    (
                        "secret/metadata/*".to_owned(),
                        vec![Capability::List, Capability::Read],
                    ),
                ],
            )]),
            kubernetes: vec![KubernetesAuth {
                mount: "kubernetes".to_owned(),
                verifier: issuer.verifier(),
                roles: vec![KubernetesRole {
                    name: "eso".to_owned(),
                    service_accounts: vec![("team".to_owned(), account.to_owned())],
                    audience: None,
                    policies: vec!["reader".to_owned()],
                    ttl: None,
                }],
            }],
            jwt: Vec::new(),
            tokens: Vec::new(),
        }));
        let (dialer, mut listener) = memory();
        let dialer = Arc::new(dialer);
        let tasks = TaskGroup::new();
        let handle = tasks.handle();
        let notes = Arc::new(Notes::default());
        let (served, root, witness) = (vault.clone(), vault.root_token(), notes.clone());
        tasks.spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let (vault, notes) = (served.clone(), witness.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (vault, notes) = (vault.clone(), notes.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let request = Request::from_parts(parts, body);
                        Ok::<_, hyper::Error>(vault.serve(request, notes.as_ref()).await)
                    }
                });
                handle.spawn(async move {
                    let io = TokioIo::new(stream);
                    drop(http1::Builder::new().serve_connection(io, service).await);
                });
            }
        });
        let egress = rotaproof_egress::Client::builder(clock.clone()).direct(dialer.clone());
        let egress = egress.build().unwrap();
        let url = "http://vault.example.com:8200";
        let writer = HashicorpWriter::new(egress, url, root, vec![kv], clock.clone());
        let now = clock.unix_seconds();
        let claims = json!({
            "iss": "https://cluster", "sub": "system:serviceaccount:team:eso", "aud": ["a"], "exp": now + 600,
            "kubernetes.io": {"namespace": "team", "serviceaccount": {"name": "eso", "uid": "u-1"}},
        });
        let jwt = issuer.sign(&claims).unwrap();
        let spec = with_kubernetes();
        let store = store(
            StoreKind::SecretStore,
            &spec,
            dialer,
            clock,
            Arc::default(),
            &jwt,
        );
        Self {
            store,
            writer,
            notes,
            _tasks: tasks,
        }
    }

    /// Reads as one reconcile does: a client of its own, closed after.
    async fn reconcile(&self) -> Result<Vec<u8>, ProviderError> {
        let mut client = client(&self.store).await?;
        let entry = remote("git/credentials", json!({"property": "password"}));
        let value = client.get_secret(&entry).await;
        client.close().await.unwrap();
        value.map(|value| value.expose().to_vec())
    }
}

fn password(text: &str) -> Content {
    let field = ("password".to_owned(), SecretValue::new(text));
    Content::Fields([field].into_iter().collect())
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_leaves_the_trace_that_eso_leaves() {
    let emulated = Emulated::new("eso");
    let name = "secret/git/credentials";
    emulated.writer.create(name, &password("p1")).await.unwrap();
    emulated.notes.0.lock().unwrap().clear();
    assert_eq!(emulated.reconcile().await, Ok(b"p1".to_vec()));
    let notes = emulated.notes.0.lock().unwrap().clone();
    let operations: Vec<_> = notes.iter().map(|n| n.operation.as_str()).collect();
    let expected = [
        "kubernetes login",
        "kv-v2 read",
        "lookup-self",
        "revoke-self",
    ];
    assert_eq!(operations, expected);
    assert!(
        notes
            .iter()
            .all(|n| n.identity.as_deref() == Some("kubernetes/eso"))
    );
    assert_eq!(notes[1].secret.as_deref(), Some(name));
    assert_eq!(notes[1].versions[0].version, "1");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_seen_by_the_next_reconcile_and_a_removal_as_a_missing_secret() {
    let emulated = Emulated::new("eso");
    let name = "secret/git/credentials";
    let writer = &emulated.writer;
    assert_eq!(emulated.reconcile().await, Err(ProviderError::NoSecret));
    writer.create(name, &password("p1")).await.unwrap();
    writer
        .rotate(name, &password("p2"), None, Strategy::Put)
        .await
        .unwrap();
    assert_eq!(emulated.reconcile().await, Ok(b"p2".to_vec()));
    writer.remove(name, Removal::Recoverable).await.unwrap();
    assert_eq!(emulated.reconcile().await, Err(ProviderError::NoSecret));
    writer.restore(name).await.unwrap();
    assert_eq!(emulated.reconcile().await, Ok(b"p2".to_vec()));
    writer.destroy(name, "2").await.unwrap();
    assert_eq!(emulated.reconcile().await, Err(ProviderError::NoSecret));
}

#[tokio::test(start_paused = true)]
async fn a_service_account_that_the_role_does_not_bind_is_refused() {
    let emulated = Emulated::new("other");
    let error = emulated.reconcile().await.unwrap_err().to_string();
    let expected = "unable to log in to auth method: unable to log in with Kubernetes auth: Error making API request.\n\n\
                    URL: PUT http://vault.example.com:8200/v1/auth/kubernetes/login\nCode: 403. Errors:\n\n\
                    * service account name not authorized";
    assert_eq!(error, expected);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_found_by_their_custom_metadata() {
    let emulated = Emulated::new("eso");
    for name in ["secret/a/prod", "secret/a/test", "secret/b"] {
        emulated.writer.create(name, &password("p")).await.unwrap();
    }
    let tags = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    emulated
        .writer
        .set_custom_metadata("secret/a/prod", &tags)
        .await
        .unwrap();
    let find: Find = serde_json::from_value(json!({"tags": {"env": "prod"}})).unwrap();
    let mut client = client(&emulated.store).await.unwrap();
    let found = client.get_all_secrets(&find).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a/prod"]);
}
