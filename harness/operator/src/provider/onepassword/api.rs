//! The part of Connect's Go SDK that ESO uses, and ESO's retries around it (`retry_client.go`).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use rotaproof_base::{Entropy, SecretValue};
use serde::de::DeserializeOwned;

use super::super::StoreContext;
use super::wire::{self, File, Item, Vault, is_id};

/// Tries of an operation that is refused as out of scope.
const TRIES: u32 = 3;
/// The wait before the second try, times five before each further one, and a tenth of jitter at most.
const WAIT: Duration = Duration::from_millis(100);
const FACTOR: u32 = 5;

/// One Connect server and the token for it.
pub(super) struct Api {
    egress: rotaproof_egress::Client,
    host: String,
    token: SecretValue,
    entropy: Entropy,
}

impl Api {
    pub(super) fn new(store: &StoreContext, host: &str, token: SecretValue) -> Self {
        Self {
            // The SDK uses Go's default client: its connections outlive a reconcile.
            egress: store.egress.clone(),
            host: host.to_owned(),
            token,
            entropy: store.entropy.clone(),
        }
    }

    /// `GetVault`: by id where it has the form of one, else by name.
    pub(super) async fn vault(&self, query: &str) -> Result<Vault, String> {
        self.retrying(move || self.by_id_or_name(query)).await
    }

    async fn by_id_or_name(&self, query: &str) -> Result<Vault, String> {
        if query.is_empty() {
            return Err("Please provide either the vault name or its ID.".to_owned());
        }
        if is_id(query) {
            return self.get(&format!("/v1/vaults/{query}")).await;
        }
        let mut found: Vec<Vault> = self.list(&filtered("/v1/vaults", query)).await?;
        match (found.len(), found.pop()) {
            (1, Some(vault)) => Ok(vault),
            (count, _) => Err(format!("Found {count} vaults with title {query:?}")),
        }
    }

    /// `GetItemsByTitle`: the whole of each item of this title.
    pub(super) async fn items_by_title(
        &self,
        title: &str,
        vault: &str,
    ) -> Result<Vec<Item>, String> {
        self.retrying(async || self.titled(title, vault).await)
            .await
    }

    async fn titled(&self, title: &str, vault: &str) -> Result<Vec<Item>, String> {
        let path = format!("/v1/vaults/{vault}/items");
        let summaries: Vec<Item> = self.list(&filtered(&path, title)).await?;
        let mut items = Vec::with_capacity(summaries.len());
        for summary in summaries {
            items.push(self.by_id_or_title(&summary.id, summary.vault_id()).await?);
        }
        Ok(items)
    }

    /// `GetItem`, without its retries: by id where it has the form of one; where that fails, as a title.
    async fn by_id_or_title(&self, query: &str, vault: &str) -> Result<Item, String> {
        if query.is_empty() {
            return Err("Please provide either the item name or its ID.".to_owned());
        }
        if is_id(query)
            && let Ok(item) = self.by_id(query, vault).await
        {
            return Ok(item);
        }
        let path = format!("/v1/vaults/{vault}/items");
        let summaries: Vec<Item> = self.list(&filtered(&path, query)).await?;
        match summaries.as_slice() {
            // The SDK would look the one up the same way, which could go on for ever.
            [one] if one.id != query => self.by_id(&one.id, one.vault_id()).await,
            found => Err(format!(
                "Found {} item(s) in vault {vault:?} with title {query:?}",
                found.len()
            )),
        }
    }

    /// `GetItem`.
    pub(super) async fn item(&self, query: &str, vault: &str) -> Result<Item, String> {
        self.retrying(move || self.by_id_or_title(query, vault))
            .await
    }

    async fn by_id(&self, id: &str, vault: &str) -> Result<Item, String> {
        if !is_id(id) {
            return Err("malformed item uuid provided".to_owned());
        }
        self.get(&format!("/v1/vaults/{vault}/items/{id}")).await
    }

    /// `GetItemByUUID`.
    pub(super) async fn item_by_id(&self, id: &str, vault: &str) -> Result<Item, String> {
        self.retrying(move || self.by_id(id, vault)).await
    }

    /// `GetItems`: without fields and files.
    pub(super) async fn items(&self, vault: &str) -> Result<Vec<Item>, String> {
        let path = format!("/v1/vaults/{vault}/items");
        let path = path.as_str();
        self.retrying(move || self.list(path)).await
    }

    /// `GetFileContent`.
    pub(super) async fn content(&self, file: &File) -> Result<SecretValue, String> {
        let path = file.content_path.as_str();
        let body = self.retrying(move || self.body(path)).await?;
        Ok(SecretValue::new(body.to_vec()))
    }

    /// Tries an operation again where it is refused as out of scope.
    async fn retrying<T, F>(&self, operation: impl Fn() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, String>>,
    {
        let mut wait = WAIT;
        for _ in 1..TRIES {
            match operation().await {
                Err(error) if wire::is_spurious(&error) => {}
                outcome => return outcome,
            }
            let tenth = u64::try_from(wait.as_micros() / 10).unwrap_or_default();
            let jitter = Duration::from_micros(self.entropy.below(tenth));
            tokio::time::sleep(wait + jitter).await;
            wait *= FACTOR;
        }
        operation().await
    }

    async fn body(&self, path: &str) -> Result<Bytes, String> {
        wire::body(self.send(path).await?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        wire::parsed(self.send(path).await?)
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, String> {
        let list: Option<Vec<T>> = self.get(path).await?;
        Ok(list.unwrap_or_default())
    }

    async fn send(&self, path: &str) -> Result<Response<Bytes>, String> {
        let url = format!("{}{path}", self.host);
        let mut bearer = b"Bearer ".to_vec();
        bearer.extend_from_slice(self.token.expose());
        let mut bearer = HeaderValue::from_bytes(&bearer).map_err(|_| {
            format!("Get {url:?}: net/http: invalid header field value for \"Authorization\"")
        })?;
        bearer.set_sensitive(true);
        let request = Request::get(url.as_str())
            .header("content-type", "application/json")
            .header("authorization", bearer)
            .header("user-agent", "external-secrets")
            .body(Bytes::new())
            .map_err(|error| format!("parse {url:?}: {error}"))?;
        let answer = self.egress.send(request).await;
        answer.map_err(|error| wire::failure(&url, &error))
    }
}

/// A collection by title. Quotes in a title are not escaped, as in the SDK.
fn filtered(collection: &str, title: &str) -> String {
    let filter: String =
        form_urlencoded::byte_serialize(format!("title eq \"{title}\"").as_bytes()).collect();
    format!("{collection}?filter={filter}")
}
