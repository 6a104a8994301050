//! A vault that is asked by hand, in virtual time.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_vaults::azure::{AzureConfig, AzureVault, FederatedCredential, Principal, Role};
use rotaproof_vaults::{Served, Vault, Witness};
use serde_json::{Value, json};

pub(crate) const HOST: &str = "my-vault.vault.azure.net";
pub(crate) const LOGIN: &str = "login.microsoftonline.com";
pub(crate) const IMDS: &str = "169.254.169.254";
pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const MANAGED: &str = "3c5f2c4e-6f0a-4b7e-9a51-0d6c1f0e7b21";
pub(crate) const ARM_ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/eso";
pub(crate) const READER: &str = "5d2d1d4e-0000-4000-8000-000000000001";
pub(crate) const FEDERATED: &str = "7b0f4c7a-52f1-4a0e-8d0b-6f3a2d9c1e54";
pub(crate) const SUBJECT: &str = "system:serviceaccount:eso:sa";
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";

#[derive(Default)]
pub(crate) struct Journal(Mutex<Vec<Served>>);

impl Journal {
    pub(crate) fn last(&self) -> Served {
        self.0.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Witness for Journal {
    fn record(&self, served: Served) {
        self.0.lock().unwrap().push(served);
    }
}

pub(crate) struct Lab {
    pub(crate) vault: Arc<AzureVault>,
    pub(crate) clock: Clock,
    pub(crate) cluster: Issuer,
    pub(crate) journal: Journal,
    pub(crate) fingerprinter: Fingerprinter,
}

/// An answer: its status, its challenge and its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// `status code`, with the inner code where there is one.
    pub(crate) fn refusal(&self) -> String {
        let text = |pointer: &str| self.body.pointer(pointer).and_then(Value::as_str);
        let code = text("/error/innererror/code").or(text("/error/code"));
        format!("{} {}", self.status, code.unwrap_or_default())
    }

    pub(crate) fn version(&self) -> String {
        let id = self.body["id"].as_str().unwrap();
        id.rsplit('/').next().unwrap().to_owned()
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Clock::starting_at("2025-11-08T00:00:00Z".parse().unwrap());
        let cluster = Issuer::generate("https://cluster.example").unwrap();
        let fingerprinter = Fingerprinter::from_key([7; 32]);
        let principal = |name: &str, client_id: &str, roles| Principal {
            name: name.into(),
            client_id: client_id.into(),
            roles,
            managed_identity: None,
            client_secret: None,
            federated: Vec::new(),
        };
        let managed = Principal {
            managed_identity: Some(ARM_ID.into()),
            ..principal("managed", MANAGED, vec![Role::SecretsUser])
        };
        let reader = Principal {
            client_secret: Some(SecretValue::new("reader's secret")),
            ..principal("reader", READER, vec![Role::Reader])
        };
        let federated = Principal {
            federated: vec![FederatedCredential {
                issuer: cluster.url().into(),
                subject: SUBJECT.into(),
                audience: AUDIENCE.into(),
            }],
            ..principal("federated", FEDERATED, vec![Role::SecretsUser])
        };
        let vault = AzureVault::new(AzureConfig {
            host: HOST.into(),
            tenant: TENANT.into(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(1),
            fingerprinter: fingerprinter.clone(),
            verifier: cluster.verifier(),
            principals: vec![managed, reader, federated],
        });
        Self {
            vault: Arc::new(vault.unwrap()),
            clock,
            cluster,
            journal: Journal::default(),
            fingerprinter,
        }
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        let answer = self.vault.serve(request, &self.journal).await;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let challenge = parts.headers.get(header::WWW_AUTHENTICATE);
        Answer {
            status: parts.status.as_u16(),
            challenge: challenge.map(|value| value.to_str().unwrap().to_owned()),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// A request to the vault; `path` has no api-version yet.
    pub(crate) async fn vault(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{path}{joint}api-version=7.6"))
            .header(header::HOST, HOST);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(request.body(Bytes::from(body)).unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.vault(token, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn set(&self, token: &str, name: &str, value: &str) -> Answer {
        let path = format!("/secrets/{name}");
        self.vault(token, Method::PUT, &path, json!({ "value": value }))
            .await
    }

    /// A form to a token endpoint of the tenant.
    pub(crate) async fn token(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(path)
            .header(header::HOST, LOGIN)
            .body(Bytes::from(form));
        self.send(request.unwrap()).await
    }

    pub(crate) async fn imds(&self, query: &str, metadata: bool) -> Answer {
        let uri = format!("/metadata/identity/oauth2/token?{query}");
        let mut request = Request::get(uri).header(header::HOST, IMDS);
        if metadata {
            request = request.header("metadata", "true");
        }
        self.send(request.body(Bytes::new()).unwrap()).await
    }

    /// A token of the application that may do everything.
    pub(crate) async fn administrator(&self) -> String {
        let it = self.vault.administrator();
        let secret = it.client_secret.expose_str().unwrap();
        self.application(&it.client_id, secret, "https://vault.azure.net")
            .await
    }

    pub(crate) async fn application(&self, id: &str, secret: &str, resource: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("resource", resource),
        ];
        let answer = self.token(&format!("/{TENANT}/oauth2/token"), &form).await;
        answer.body["access_token"].as_str().unwrap().to_owned()
    }
}
