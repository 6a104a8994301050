//! A HashiCorp Vault on Vault's dev server, through the writer and as operators with tokens and logins.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rotaproof_backends::{ClusterIdentity, Containers, Error};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Entropy, SecretValue, TaskGroup};
use rotaproof_egress::Client;
use rotaproof_vaults::hashicorp::{
    Capability, HashicorpConfig, HashicorpVault, HashicorpWriter, JwtAuth, JwtRole, KubernetesAuth,
    KubernetesRole, Mount, MountKind, StaticToken,
};
use rotaproof_vaults::{Removal, Strategy, Vault, Writer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::lab::{Lab, Shared, fields, run, run_id, start, text, vault_only};
use crate::review;

const ISSUER: &str = "https://oidc.cluster.example";

fn mounts() -> Vec<Mount> {
    let mount = |path: &str, kind| Mount {
        path: path.to_owned(),
        kind,
    };
    vec![
        mount("secret", MountKind::KvV2),
        mount("team/kv", MountKind::KvV2),
        mount("old", MountKind::KvV1),
    ]
}

pub(crate) fn config(lab: &Lab, issuer: &Issuer) -> HashicorpConfig {
    let read = |path: &str| (path.to_owned(), vec![Capability::Read]);
    HashicorpConfig {
        address: "vault.example.com".into(),
        clock: lab.clock.clone(),
        entropy: Entropy::from_seed(7),
        fingerprinter: lab.fingerprinter.clone(),
        mounts: mounts(),
        policies: BTreeMap::from([(
            "reader".to_owned(),
            vec![read("secret/data/git/*"), read("old/git")],
        )]),
        kubernetes: Vec::new(),
        jwt: vec![JwtAuth {
            mount: "jwt".into(),
            verifier: issuer.verifier(),
            roles: vec![JwtRole {
                name: "eso".into(),
                bound_audiences: vec!["vault".into()],
                bound_subject: Some("system:serviceaccount:external-secrets:eso".into()),
                user_claim: "sub".into(),
                policies: vec!["reader".into()],
                ttl: None,
            }],
        }],
        tokens: vec![StaticToken {
            name: "ci".into(),
            token: SecretValue::new("hvs.staticstaticstaticstatic"),
            policies: vec!["reader".into()],
            ttl: None,
        }],
    }
}

fn cluster(host: &str, issuer: &Issuer) -> ClusterIdentity {
    ClusterIdentity {
        host: host.to_owned(),
        ca_pem: String::new(),
        reviewer_token: Some(SecretValue::new("reviewer")),
        issuer: Some(ISSUER.into()),
        jwks: issuer.jwks().clone(),
    }
}

async fn containers() -> Containers {
    let began = Instant::now();
    let containers = start(vault_only(), &run_id()).await;
    println!("Vault healthy after {:.2?}", began.elapsed());
    containers
}

/// An operator that has a token, or none yet.
pub(crate) struct Operator<'a>(pub(crate) &'a Client);

impl Operator<'_> {
    pub(crate) async fn ask(&self, token: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("https://vault.example.com/v1/{path}");
        let request = match &body {
            Some(_) => Request::put(url),
            None => Request::get(url),
        };
        let request = match token {
            "" => request,
            token => request.header("x-vault-token", token),
        };
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = request.body(Bytes::from(body)).unwrap();
        let (status, body) = text(self.0.send(request).await.unwrap());
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub(crate) async fn log_in(&self, mount: &str, jwt: &str) -> Option<String> {
        let body = json!({"role": "eso", "jwt": jwt});
        let path = format!("auth/{mount}/login");
        let (_, answer) = self.ask("", &path, Some(body)).await;
        Some(answer.pointer("/auth/client_token")?.as_str()?.to_owned())
    }
}

/// A day of a vault: every way of writing, each followed by an operator's look; returns the journal.
async fn day(
    lab: &Lab,
    vault: Arc<dyn Vault>,
    root: SecretValue,
    token: SecretValue,
    issuer: &Issuer,
) -> Vec<String> {
    let writer = HashicorpWriter::new(
        lab.attach(vault),
        "http://vault.example.com",
        root,
        mounts(),
        lab.clock.clone(),
    );
    let client = lab.operator();
    let operator = Operator(&client);
    let ci = token.expose_str().unwrap();
    const SECRET: &str = "secret/git/credentials";
    let look = async |token: &str| {
        operator
            .ask(token, "secret/data/git/credentials", None)
            .await;
    };
    look(ci).await;
    let one = fields(&[("user", "a"), ("password", "1")]);
    writer.create(SECRET, &one).await.unwrap();
    look(ci).await;
    assert!(writer.create(SECRET, &one).await.is_err());
    let two = fields(&[("user", "a"), ("password", "2")]);
    writer
        .rotate(SECRET, &two, Some(&one), Strategy::Put)
        .await
        .unwrap();
    look(ci).await;
    let three = fields(&[("user", "a"), ("password", "3")]);
    writer
        .rotate(SECRET, &three, Some(&two), Strategy::CheckAndSet)
        .await
        .unwrap();
    look(ci).await;
    let four = fields(&[("user", "a"), ("password", "4"), ("more", "m")]);
    writer
        .rotate(SECRET, &four, Some(&three), Strategy::Patch)
        .await
        .unwrap();
    look(ci).await;
    writer.roll_back(SECRET, "1", &one).await.unwrap();
    look(ci).await;
    operator
        .ask(ci, "secret/data/git/credentials?version=2", None)
        .await;
    operator.ask(ci, "secret/data/other", None).await;
    operator.ask(ci, "secret/git/credentials", None).await;
    operator.ask(ci, "nowhere/data/git", None).await;
    operator.ask(ci, "auth/token/lookup-self", None).await;
    operator.ask(ci, "sys/health", None).await;
    look("").await;
    look("hvs.nobody").await;
    writer.remove(SECRET, Removal::Recoverable).await.unwrap();
    look(ci).await;
    writer.restore(SECRET).await.unwrap();
    writer.destroy(SECRET, "2").await.unwrap();
    operator
        .ask(ci, "secret/data/git/credentials?version=2", None)
        .await;
    writer.remove(SECRET, Removal::Forced).await.unwrap();
    look(ci).await;
    writer.create("team/kv/deep/er", &one).await.unwrap();
    writer.read("team/kv/deep/er").await.unwrap();
    writer.create("old/git", &one).await.unwrap();
    operator.ask(ci, "old/git", None).await;
    writer.remove("old/git", Removal::Forced).await.unwrap();
    let now = lab.clock.unix_seconds();
    let jwt = |subject: &str| {
        let claims = json!({"iss": ISSUER, "sub": subject, "aud": ["vault"], "iat": now, "nbf": now, "exp": now + 600});
        issuer.sign(&claims).unwrap()
    };
    let eso = jwt("system:serviceaccount:external-secrets:eso");
    let session = operator.log_in("jwt", &eso).await.unwrap();
    look(&session).await;
    let stranger = jwt("system:serviceaccount:other:other");
    assert_eq!(operator.log_in("jwt", &stranger).await, None);
    operator
        .ask(&session, "auth/token/revoke-self", Some(json!({})))
        .await;
    look(&session).await;
    lab.journal()
}

pub(crate) fn the_journal_of_a_vault_reads_as_with_the_built_in_vault(_: &Shared) {
    run(async {
        let issuer = Issuer::generate(ISSUER).unwrap();
        let lab = Lab::new();
        let vault = HashicorpVault::new(config(&lab, &issuer));
        let root = vault.root_token();
        let token = SecretValue::new("hvs.staticstaticstaticstatic");
        let expected = day(&lab, Arc::new(vault), root, token, &issuer).await;
        let containers = containers().await;
        let lab = Lab::new();
        let cluster = cluster("https://127.0.0.1:1", &issuer);
        let began = Instant::now();
        let vault = containers.hashicorp(config(&lab, &issuer), Some(&cluster));
        let vault = vault.await.unwrap();
        println!("Vault set up in {:.1?}", began.elapsed());
        let (root, token) = (vault.root_token(), vault.token("ci").unwrap());
        let found = day(&lab, Arc::new(vault), root, token, &issuer).await;
        assert_eq!(found, expected);
        for line in ["git/credentials@4=", "by jwt/eso", "by ci", "old/git@="] {
            assert!(
                found.iter().any(|entry| entry.contains(line)),
                "{line}\n{found:#?}"
            );
        }
        drop(lab);
        containers.stop().await.unwrap();
    });
}

pub(crate) fn a_service_account_is_reviewed_by_the_cluster(_: &Shared) {
    run(async {
        let tasks = TaskGroup::new();
        let host = review::serve(&tasks).await;
        let issuer = Issuer::generate(ISSUER).unwrap();
        let containers = containers().await;
        let lab = Lab::new();
        let mut config = config(&lab, &issuer);
        config.kubernetes = vec![KubernetesAuth {
            mount: "k8s".into(),
            verifier: issuer.verifier(),
            roles: vec![KubernetesRole {
                name: "eso".into(),
                service_accounts: vec![("external-secrets".into(), "eso".into())],
                audience: Some("vault".into()),
                policies: vec!["reader".into()],
                ttl: Some(std::time::Duration::from_secs(1200)),
            }],
        }];
        let cluster = cluster(&host, &issuer);
        let vault = containers.hashicorp(config, Some(&cluster)).await.unwrap();
        lab.attach(Arc::new(vault));
        let client = lab.operator();
        let operator = Operator(&client);
        let now = lab.clock.unix_seconds();
        let signed = issuer.sign(&json!({
            "iss": ISSUER, "sub": "system:serviceaccount:external-secrets:eso", "aud": ["vault"],
            "iat": now, "nbf": now, "exp": now + 600,
            "kubernetes.io": {"namespace": "external-secrets", "serviceaccount": {"name": "eso", "uid": "6c0a7d1e-0000-4000-8000-000000000001"}},
        })).unwrap();
        // The review alone decides: it knows a token that ends in `good`.
        let (head, _) = signed.rsplit_once('.').unwrap();
        let bad = operator.log_in("k8s", &format!("{head}.bad0")).await;
        assert_eq!(bad, None);
        assert!(
            lab.last()
                .contains("kubernetes login by - of - gave [] refused "),
            "{}",
            lab.last()
        );
        let session = operator.log_in("k8s", &format!("{head}.good")).await;
        let session = session.unwrap_or_else(|| panic!("{}", lab.last()));
        assert_eq!(
            lab.last(),
            "operator kubernetes login by k8s/eso of - gave [] refused -"
        );
        operator.ask(&session, "secret/data/git/none", None).await;
        assert_eq!(
            lab.last(),
            "operator kv-v2 read by k8s/eso of secret/git/none gave [] refused not found"
        );
        let (_, looked) = operator.ask(&session, "auth/token/lookup-self", None).await;
        assert_eq!(looked["data"]["creation_ttl"], 1200);
        drop(lab);
        containers.stop().await.unwrap();
    });
}

pub(crate) fn engines_are_those_declared(_: &Shared) {
    run(async {
        let issuer = Issuer::generate(ISSUER).unwrap();
        let containers = containers().await;
        let cases = [
            ("kept", MountKind::KvV2, "secret"),
            ("of another version", MountKind::KvV1, "secret"),
            ("not declared", MountKind::KvV2, "other"),
        ];
        for (case, kind, path) in cases {
            let lab = Lab::new();
            let mut config = config(&lab, &issuer);
            config.jwt.clear();
            config.mounts = vec![Mount {
                path: path.into(),
                kind,
            }];
            let began = Instant::now();
            let vault = containers.hashicorp(config, None).await.unwrap();
            println!("Vault for a scenario in {:.1?}", began.elapsed());
            let root = vault.root_token();
            let writer = lab.attach(Arc::new(vault));
            let request = Request::get("http://vault.example.com/v1/sys/mounts")
                .header("x-vault-token", root.expose())
                .body(Bytes::new());
            let (_, answer) = text(writer.send(request.unwrap()).await.unwrap());
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let engines = answer["data"].as_object().unwrap().iter();
            let engines = engines.filter(|(_, engine)| engine["type"] == "kv");
            let engines: Vec<String> = engines
                .map(|(path, engine)| format!("{path} {}", engine["options"]["version"]))
                .collect();
            let version = if kind == MountKind::KvV1 { "1" } else { "2" };
            assert_eq!(engines, [format!("{path}/ {version:?}")], "{case}");
            let writer = HashicorpWriter::new(
                writer,
                "http://vault.example.com",
                root,
                vec![Mount {
                    path: path.into(),
                    kind,
                }],
                lab.clock.clone(),
            );
            let secret = format!("{path}/a");
            writer
                .create(&secret, &fields(&[("k", "1")]))
                .await
                .unwrap();
            let began = Instant::now();
            for _ in 0..100 {
                writer.read(&secret).await.unwrap();
            }
            println!("a read through Vault: {:.2?}", began.elapsed() / 100);
        }
        containers.stop().await.unwrap();
    });
}

pub(crate) fn a_login_without_a_cluster_is_refused_by_name(_: &Shared) {
    run(async {
        let issuer = Issuer::generate(ISSUER).unwrap();
        let containers = containers().await;
        let lab = Lab::new();
        let refused = containers.hashicorp(config(&lab, &issuer), None).await;
        let error = refused.err().unwrap();
        assert!(matches!(error, Error::NoCluster { .. }));
        assert_eq!(
            error.to_string(),
            "Vault's auth method jwt needs a cluster: the keys of its token issuer"
        );
        containers.stop().await.unwrap();
    });
}
