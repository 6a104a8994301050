//! A Vault with two engines, two auth methods and a few tokens, and a way to call it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_vaults::hashicorp::{
    Capability, HashicorpConfig, HashicorpVault, JwtAuth, JwtRole, KubernetesAuth, KubernetesRole,
    Mount, MountKind, StaticToken,
};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::{Value, json};

pub(crate) const START: &str = "2025-11-08T00:00:00Z";

/// Keeps what the vault reports.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<Served>>);

impl Witness for Notes {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

pub(crate) struct Lab {
    pub(crate) vault: Arc<HashicorpVault>,
    pub(crate) notes: Notes,
    pub(crate) issuer: Issuer,
    pub(crate) clock: Clock,
    pub(crate) root: String,
}

pub(crate) fn mounts() -> Vec<Mount> {
    let mount = |path: &str, kind| Mount {
        path: path.to_owned(),
        kind,
    };
    vec![
        mount("secret", MountKind::KvV2),
        mount("secret/legacy", MountKind::KvV1),
        mount("kv1", MountKind::KvV1),
    ]
}

fn policies() -> BTreeMap<String, Vec<(String, Vec<Capability>)>> {
    use Capability::{Create, List, Read, Update};
    let rules = |list: &[(&str, &[Capability])]| {
        list.iter()
            .map(|(path, c)| ((*path).to_owned(), c.to_vec()))
            .collect::<Vec<_>>()
    };
    BTreeMap::from([
        (
            "reader".to_owned(),
            rules(&[
                ("secret/data/git/*", &[Read]),
                ("secret/metadata/*", &[List]),
            ]),
        ),
        (
            "creator".to_owned(),
            rules(&[("secret/data/*", &[Create]), ("kv1/*", &[Create])]),
        ),
        (
            "updater".to_owned(),
            rules(&[("secret/data/*", &[Update]), ("kv1/*", &[Update])]),
        ),
    ])
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with_policies(policies())
    }

    /// The same with `update` on a path for `reader`.
    pub(crate) fn granting(&self, path: &str) -> Self {
        let mut policies = policies();
        if let Some(rules) = policies.get_mut("reader") {
            rules.push((path.to_owned(), vec![Capability::Update]));
        }
        Self::with_policies(policies)
    }

    fn with_policies(policies: BTreeMap<String, Vec<(String, Vec<Capability>)>>) -> Self {
        let clock = Clock::starting_at(START.parse().unwrap());
        let issuer = Issuer::generate("https://cluster").unwrap();
        let role =
            |name: &str, accounts: &[(&str, &str)], audience: Option<&str>, ttl| KubernetesRole {
                name: name.to_owned(),
                service_accounts: accounts
                    .iter()
                    .map(|(ns, n)| ((*ns).to_owned(), (*n).to_owned()))
                    .collect(),
                audience: audience.map(str::to_owned),
                policies: vec!["reader".to_owned()],
                ttl,
            };
        let jwt_role =
            |name: &str, audiences: &[&str], subject: Option<&str>, claim: &str| JwtRole {
                name: name.to_owned(),
                bound_audiences: audiences.iter().map(|a| (*a).to_owned()).collect(),
                bound_subject: subject.map(str::to_owned),
                user_claim: claim.to_owned(),
                policies: vec!["reader".to_owned()],
                ttl: None,
            };
        let token = |name: &str, policies: &[&str], ttl| StaticToken {
            name: name.to_owned(),
            token: SecretValue::new(format!("hvs.{name}")),
            policies: policies.iter().map(|p| (*p).to_owned()).collect(),
            ttl,
        };
        let sub = "system:serviceaccount:team:eso";
        let vault = HashicorpVault::new(HashicorpConfig {
            address: "vault.example.com".to_owned(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            mounts: mounts(),
            policies,
            kubernetes: vec![KubernetesAuth {
                mount: "kubernetes".to_owned(),
                verifier: issuer.verifier(),
                roles: vec![
                    role(
                        "eso",
                        &[("team", "eso")],
                        None,
                        Some(Duration::from_secs(3600)),
                    ),
                    role("any", &[("*", "*")], None, None),
                    role("bound", &[("team", "eso")], Some("vault"), None),
                ],
            }],
            jwt: vec![JwtAuth {
                mount: "jwt".to_owned(),
                verifier: issuer.verifier(),
                roles: vec![
                    jwt_role("eso", &["vault"], Some(sub), "sub"),
                    jwt_role("unbound", &[], None, "sub"),
                    jwt_role("other", &["vault"], Some("somebody"), "sub"),
                    jwt_role("email", &["vault"], None, "email"),
                ],
            }],
            tokens: vec![
                token("reader", &["reader"], None),
                token("creator", &["creator"], None),
                token("updater", &["updater"], None),
                token("short", &["reader"], Some(Duration::from_secs(60))),
            ],
        });
        let root = vault.root_token().expose_str().unwrap().to_owned();
        Self {
            vault: Arc::new(vault),
            notes: Notes::default(),
            issuer,
            clock,
            root,
        }
    }

    /// Sends one request; `token` may be empty. Returns status, headers' content type aside, and JSON.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://vault.example.com/v1/{path}"));
        if !token.is_empty() {
            request = request.header("x-vault-token", token);
        }
        if method == "PATCH" {
            request = request.header("content-type", "application/merge-patch+json");
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let answer = self.vault.serve(request, &self.notes).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// As root.
    pub(crate) async fn root(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call(method, path, &self.root, &body).await
    }

    /// Writes a KV v2 secret and returns its version.
    pub(crate) async fn put(&self, key: &str, data: Value) -> u64 {
        let path = format!("secret/data/{key}");
        let (status, answer) = self.root("POST", &path, json!({ "data": data })).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["version"].as_u64().unwrap()
    }

    /// The last thing that the vault reported.
    pub(crate) fn last(&self) -> Served {
        self.notes.0.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        self.notes.0.lock().unwrap().len()
    }

    /// A projected token of a service account, with changes to its claims.
    pub(crate) fn service_account(&self, changes: Value) -> String {
        let now = self.clock.unix_seconds();
        let mut claims = json!({
            "iss": "https://cluster", "sub": "system:serviceaccount:team:eso",
            "aud": ["vault"], "iat": now, "nbf": now, "exp": now + 600,
            "kubernetes.io": {"namespace": "team", "serviceaccount": {"name": "eso", "uid": "u-1"}},
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.sign(&claims).unwrap()
    }
}

/// An answer without its random id.
pub(crate) fn steady(mut answer: Value) -> Value {
    assert!(
        answer["request_id"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
    );
    answer["request_id"] = json!("");
    answer
}

/// The errors of an answer.
pub(crate) fn errors(answer: &Value) -> Vec<&str> {
    let list = answer["errors"].as_array().unwrap();
    list.iter().map(|e| e.as_str().unwrap()).collect()
}
