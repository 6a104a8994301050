//! Writes to 1Password as its users do: with a token, through Connect's API.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use indexmap::IndexMap;
use rotaproof_base::{Clock, SecretValue};
use rotaproof_egress::Client;
use serde_json::{Value, json};

use crate::writer::{Ack, Content, Removal, Strategy, WriteError, Writer};

const VAULT: &str = "1Password Connect";
/// The field that [`Content::Text`] becomes; what ESO reads where a key has no property.
const PASSWORD: &str = "password";

/// Writes to the vaults behind one Connect server. A secret is named `vault/item`: `production/git-credentials`.
///
/// An item with a `username` becomes a Login, one with a `password` a Password, any other a Secure Note. A
/// [`Content::Text`] becomes the field `password`.
pub struct OnePasswordWriter {
    client: Client,
    base: String,
    token: SecretValue,
    clock: Clock,
}

/// What is done, to which secret.
#[derive(Clone, Copy)]
struct Deed<'a> {
    operation: &'static str,
    secret: &'a str,
}

impl Deed<'_> {
    fn failed(&self, message: impl Into<String>) -> WriteError {
        WriteError::Failed {
            operation: self.operation,
            secret: self.secret.to_owned(),
            message: message.into(),
        }
    }

    fn refused(&self, message: impl Into<String>) -> WriteError {
        WriteError::Refused {
            operation: self.operation,
            secret: self.secret.to_owned(),
            message: message.into(),
        }
    }
}

fn unsupported<T>(operation: &'static str) -> Result<T, WriteError> {
    Err(WriteError::Unsupported {
        vault: VAULT,
        operation,
    })
}

/// The values by label. Bytes that are no UTF-8 cannot be in JSON and are replaced.
fn values(content: &Content) -> IndexMap<String, String> {
    let text = |value: &SecretValue| String::from_utf8_lossy(value.expose()).into_owned();
    match content {
        Content::Text(value) => [(PASSWORD.to_owned(), text(value))].into(),
        Content::Fields(fields) => fields
            .iter()
            .map(|(label, value)| (label.clone(), text(value)))
            .collect(),
    }
}

/// A field that the item does not have yet.
fn new_field(label: &str, value: &str) -> Value {
    match label {
        "username" => {
            json!({"id": label, "type": "STRING", "purpose": "USERNAME", "label": label, "value": value})
        }
        PASSWORD => {
            json!({"id": label, "type": "CONCEALED", "purpose": "PASSWORD", "label": label, "value": value})
        }
        _ => json!({"type": "CONCEALED", "label": label, "value": value}),
    }
}

fn category(values: &IndexMap<String, String>) -> &'static str {
    if values.contains_key("username") {
        "LOGIN"
    } else if values.contains_key(PASSWORD) {
        "PASSWORD"
    } else {
        "SECURE_NOTE"
    }
}

fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn fields(item: &Value) -> impl Iterator<Item = &Value> {
    item.get("fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The item with these values and no others; fields keep what else they have.
fn replaced(mut item: Value, values: &IndexMap<String, String>) -> Value {
    let mut left = values.clone();
    let mut kept = Vec::new();
    for field in fields(&item) {
        let mut field = field.clone();
        if let Some(value) = left.shift_remove(member(&field, "label")) {
            field["value"] = value.into();
            kept.push(field);
        } else if member(&field, "purpose") == "NOTES" {
            kept.push(field);
        }
    }
    kept.extend(left.iter().map(|(label, value)| new_field(label, value)));
    item["fields"] = Value::Array(kept);
    item
}

/// The JSON Patch from the item as it is to these values.
fn difference(item: &Value, values: &IndexMap<String, String>) -> Value {
    let mut left = values.clone();
    let mut steps = Vec::new();
    for field in fields(item) {
        let id = member(field, "id").replace('~', "~0").replace('/', "~1");
        match left.shift_remove(member(field, "label")) {
            Some(value) if value == member(field, "value") => {}
            Some(value) => steps.push(
                json!({"op": "replace", "path": format!("/fields/{id}/value"), "value": value}),
            ),
            None if member(field, "purpose") == "NOTES" => {}
            None => steps.push(json!({"op": "remove", "path": format!("/fields/{id}")})),
        }
    }
    steps.extend(left.iter().map(
        |(label, value)| json!({"op": "add", "path": "/fields", "value": new_field(label, value)}),
    ));
    Value::Array(steps)
}

impl OnePasswordWriter {
    /// A writer to the Connect server at `base_url` (`https://connect.example.com`) with a token that may read and write.
    pub fn new(client: Client, base_url: &str, token: SecretValue, clock: Clock) -> Self {
        Self {
            client,
            base: base_url.trim_end_matches('/').to_owned(),
            token,
            clock,
        }
    }

    /// Sends one call and returns the answer's JSON.
    async fn call(
        &self,
        deed: Deed<'_>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, WriteError> {
        let mut bearer = b"Bearer ".to_vec();
        bearer.extend_from_slice(self.token.expose());
        let mut bearer = HeaderValue::from_bytes(&bearer)
            .map_err(|_| deed.failed("the token cannot be a header"))?;
        bearer.set_sensitive(true);
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| deed.failed(error.to_string()))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| deed.failed(error.to_string()))?;
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let message = match member(&body, "message") {
            "" => status.to_string(),
            message => format!("{status}: {message}"),
        };
        Err(match status.is_client_error() {
            true => deed.refused(message),
            false => deed.failed(message),
        })
    }

    /// The paths of the entries of a collection that have this name or title.
    async fn matching(
        &self,
        deed: Deed<'_>,
        collection: &str,
        attribute: &str,
        name: &str,
    ) -> Result<Vec<String>, WriteError> {
        let filter = format!("{attribute} eq {}", json!(name));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", &filter)
            .finish();
        let path = format!("{collection}?{query}");
        let found = self.call(deed, Method::GET, &path, None).await?;
        let found = found.as_array().into_iter().flatten();
        let path = |entry| format!("{collection}/{}", member(entry, "id"));
        Ok(found.map(path).collect())
    }

    /// The one of them.
    async fn one(
        &self,
        deed: Deed<'_>,
        collection: &str,
        attribute: &str,
        name: &str,
    ) -> Result<String, WriteError> {
        let mut found = self.matching(deed, collection, attribute, name).await?;
        match (found.len(), found.pop()) {
            (1, Some(path)) => Ok(path),
            (count, _) => Err(deed.refused(format!("{count} have the {attribute} {name:?}"))),
        }
    }

    /// The path of a secret's vault, and the item's title.
    async fn vault<'a>(&self, deed: Deed<'a>) -> Result<(String, &'a str), WriteError> {
        let (vault, title) = deed
            .secret
            .split_once('/')
            .ok_or_else(|| deed.failed("a secret is named vault/item"))?;
        let path = self.one(deed, "/v1/vaults", "name", vault).await?;
        Ok((path, title))
    }

    /// The path of a secret's item.
    async fn item(&self, deed: Deed<'_>) -> Result<String, WriteError> {
        let (vault, title) = self.vault(deed).await?;
        self.one(deed, &format!("{vault}/items"), "title", title)
            .await
    }

    fn acknowledge(&self, item: &Value) -> Ack {
        let version = item.get("version").and_then(Value::as_u64);
        Ack {
            version: version.map(|v| v.to_string()).unwrap_or_default(),
            at: self.clock.now(),
        }
    }

    async fn put(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let deed = Deed {
            operation: "UpdateVaultItem",
            secret,
        };
        let path = self.item(deed).await?;
        let item = self.call(deed, Method::GET, &path, None).await?;
        let item = replaced(item, &values(content));
        let item = self.call(deed, Method::PUT, &path, Some(item)).await?;
        Ok(self.acknowledge(&item))
    }

    async fn patch(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let deed = Deed {
            operation: "PatchVaultItem",
            secret,
        };
        let path = self.item(deed).await?;
        let item = self.call(deed, Method::GET, &path, None).await?;
        let patch = difference(&item, &values(content));
        let item = self.call(deed, Method::PATCH, &path, Some(patch)).await?;
        Ok(self.acknowledge(&item))
    }
}

#[async_trait]
impl Writer for OnePasswordWriter {
    /// Titles need not be unique in 1Password; a second item of one title is refused, since it could not be named.
    async fn create(&self, secret: &str, content: &Content) -> Result<Ack, WriteError> {
        let deed = Deed {
            operation: "CreateVaultItem",
            secret,
        };
        let (vault, title) = self.vault(deed).await?;
        let items = format!("{vault}/items");
        let same = self.matching(deed, &items, "title", title).await?;
        if !same.is_empty() {
            return Err(deed.refused("an item of this title exists"));
        }
        let values = values(content);
        let fields: Vec<Value> = values.iter().map(|(l, v)| new_field(l, v)).collect();
        let id = vault.rsplit('/').next().unwrap_or_default();
        let item = json!({
            "vault": {"id": id}, "title": title, "category": category(&values), "fields": fields,
        });
        let item = self.call(deed, Method::POST, &items, Some(item)).await?;
        Ok(self.acknowledge(&item))
    }

    async fn rotate(
        &self,
        secret: &str,
        content: &Content,
        _previous: Option<&Content>,
        strategy: Strategy,
    ) -> Result<Ack, WriteError> {
        match strategy {
            Strategy::Put => self.put(secret, content).await,
            Strategy::Patch => self.patch(secret, content).await,
            Strategy::Staged => unsupported("staged rotation"),
            Strategy::CheckAndSet => unsupported("check-and-set"),
        }
    }

    /// Connect shows no earlier version: the content is written anew.
    async fn roll_back(
        &self,
        secret: &str,
        _version: &str,
        content: &Content,
    ) -> Result<Ack, WriteError> {
        self.put(secret, content).await
    }

    async fn remove(&self, secret: &str, removal: Removal) -> Result<Ack, WriteError> {
        if removal == Removal::Recoverable {
            return unsupported("recoverable delete");
        }
        let deed = Deed {
            operation: "DeleteVaultItem",
            secret,
        };
        let path = self.item(deed).await?;
        let nothing = self.call(deed, Method::DELETE, &path, None).await?;
        Ok(self.acknowledge(&nothing))
    }

    async fn restore(&self, _secret: &str) -> Result<Ack, WriteError> {
        unsupported("way to restore an item")
    }

    async fn destroy(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        unsupported("way to destroy one version")
    }

    async fn disable(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        unsupported("way to disable one version")
    }

    async fn enable(&self, _secret: &str, _version: &str) -> Result<Ack, WriteError> {
        unsupported("way to enable one version")
    }

    async fn read(&self, secret: &str) -> Result<Content, WriteError> {
        let deed = Deed {
            operation: "GetVaultItemById",
            secret,
        };
        let path = self.item(deed).await?;
        let item = self.call(deed, Method::GET, &path, None).await?;
        let told = fields(&item).filter(|field| member(field, "purpose") != "NOTES");
        let values = told.map(|field| {
            let value = SecretValue::new(member(field, "value"));
            (member(field, "label").to_owned(), value)
        });
        Ok(Content::Fields(values.collect()))
    }
}
