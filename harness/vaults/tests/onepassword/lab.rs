//! A Connect server with two vaults, one document and a few tokens, and a way to call it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use rotaproof_base::{Clock, Entropy, Fingerprinter, SecretValue};
use rotaproof_vaults::onepassword::{
    Access, ConnectToken, ConnectVault, Document, OnePasswordConfig, OnePasswordConnect, draw_token,
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
    pub(crate) connect: Arc<OnePasswordConnect>,
    pub(crate) notes: Notes,
    pub(crate) clock: Clock,
    administrator: String,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// Status and message of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        (self.status, body["message"].as_str().unwrap().to_owned())
    }
}

const READ: Access = Access {
    read: true,
    write: false,
};
const WRITE: Access = Access {
    read: false,
    write: true,
};

/// The token of a bearer in the lab.
pub(crate) fn token(name: &str) -> String {
    let token = draw_token(&Entropy::from_seed(7).fork(name));
    token.expose_str().unwrap().to_owned()
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Clock::starting_at(START.parse().unwrap());
        let bearer = |name: &str, access, ttl| ConnectToken {
            name: name.to_owned(),
            token: SecretValue::new(token(name)),
            vaults: vec![("production".to_owned(), access)],
            ttl,
        };
        let vault = |name: &str, documents| ConnectVault {
            name: name.to_owned(),
            documents,
        };
        let document = Document {
            title: "ca".to_owned(),
            file: "ca.pem".to_owned(),
            content: SecretValue::new("-----BEGIN-----"),
        };
        let connect = OnePasswordConnect::new(OnePasswordConfig {
            address: "connect.example.com".to_owned(),
            clock: clock.clone(),
            entropy: Entropy::from_seed(7),
            fingerprinter: Fingerprinter::from_key([7; 32]),
            vaults: vec![
                vault("production", vec![document]),
                vault("staging", Vec::new()),
            ],
            tokens: vec![
                bearer("reader", READ, None),
                bearer("writer", WRITE, None),
                bearer("short", READ, Some(Duration::from_secs(60))),
            ],
        });
        let administrator = connect.administrator();
        Self {
            connect: Arc::new(connect),
            notes: Notes::default(),
            clock,
            administrator: administrator.expose_str().unwrap().to_owned(),
        }
    }

    /// Sends one request with a whole `Authorization` header, which may be empty.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://connect.example.com{path}"));
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let request = request.body(body.into()).unwrap();
        let answer = self.connect.serve(request, &self.notes).await;
        let (parts, body) = answer.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// As a bearer of the lab.
    pub(crate) async fn by(&self, name: &str, method: &str, path: &str, body: Value) -> Answer {
        let header = format!("Bearer {}", token(name));
        self.send(method, path, &header, text(&body)).await
    }

    /// As the administrator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let header = format!("Bearer {}", self.administrator);
        self.send(method, path, &header, text(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.bytes);
        answer.json()
    }

    /// The id of a vault.
    pub(crate) async fn vault(&self, name: &str) -> String {
        let found = self
            .get(&format!("/v1/vaults?filter=name%20eq%20%22{name}%22"))
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// Makes a Login in `production`, and answers its path and the item as it was answered.
    pub(crate) async fn login(&self, title: &str, password: &str) -> (String, Value) {
        let vault = self.vault("production").await;
        let item = json!({
            "title": title, "category": "LOGIN", "vault": {"id": vault}, "tags": ["git", "ci"],
            "urls": [{"primary": true, "href": "https://example.com"}],
            "sections": [{"id": "extra", "label": "Extra"}],
            "fields": [
                {"type": "STRING", "purpose": "USERNAME", "value": "jovyan"},
                {"type": "CONCEALED", "purpose": "PASSWORD", "value": password},
                {"id": "token", "type": "CONCEALED", "label": "api token", "section": {"id": "extra"}, "value": "t"},
            ],
        });
        let answer = self
            .call("POST", &format!("/v1/vaults/{vault}/items"), item)
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.bytes);
        let item = answer.json();
        let path = format!("/v1/vaults/{vault}/items/{}", item["id"].as_str().unwrap());
        (path, item)
    }

    /// The last thing that the vault reported.
    pub(crate) fn last(&self) -> Served {
        self.notes.0.lock().unwrap().last().cloned().unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        self.notes.0.lock().unwrap().len()
    }
}

fn text(body: &Value) -> String {
    match body {
        Value::Null => String::new(),
        body => body.to_string(),
    }
}
