//! The part of Vault's Go client that ESO uses: one call with its retries and its time limit.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_kinds::external_secrets::VaultProvider;
use serde_json::Value;

use super::super::{ProviderError, StoreContext};
use super::wire::{self, Secret};

/// `api.DefaultConfig().Timeout`: over a call and its retries together.
const TIMEOUT: Duration = Duration::from_secs(60);
/// `api.DefaultConfig()`: two more tries, a second to a second and a half apart, growing with each.
const RETRIES: u32 = 2;
const MIN_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_millis(1500);

/// A connection to one Vault with its token, namespace and headers.
pub(super) struct Api {
    egress: rotaproof_egress::Client,
    /// `https://vault.example.com`, without a path.
    origin: String,
    /// The address's own path.
    base: String,
    pub(super) token: Option<SecretValue>,
    pub(super) namespace: Option<String>,
    headers: BTreeMap<String, String>,
    /// The last `X-Vault-Index` seen, where reads are to follow it.
    index: Option<Option<HeaderValue>>,
    retries: u32,
    waits: (Duration, Duration),
    entropy: Entropy,
}

impl Api {
    /// A client without a token.
    pub(super) fn new(
        store: &StoreContext,
        spec: &VaultProvider,
        egress: rotaproof_egress::Client,
    ) -> Result<Self, ProviderError> {
        let invalid = |what: &str| {
            ProviderError::Other(format!(
                "cannot setup new vault client: parse {:?}: {what}",
                spec.server
            ))
        };
        let uri: Uri = spec
            .server
            .parse()
            .map_err(|_| invalid("invalid address"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid("missing scheme or host"));
        };
        let read_your_writes = spec.read_your_writes.unwrap_or_default();
        let forward = spec.forward_inconsistent.unwrap_or_default();
        let mut headers = spec.headers.clone().unwrap_or_default();
        if read_your_writes && forward {
            headers.insert(
                "X-Vault-Inconsistent".to_owned(),
                "forward-active-node".to_owned(),
            );
        }
        let mut api = Self {
            egress,
            origin: format!("{scheme}://{authority}"),
            base: uri.path().trim_end_matches('/').to_owned(),
            token: None,
            namespace: spec.namespace.clone().filter(|ns| !ns.is_empty()),
            headers,
            index: (read_your_writes || forward).then_some(None),
            retries: RETRIES,
            waits: (MIN_WAIT, MAX_WAIT),
            entropy: store.entropy.clone(),
        };
        if let Some(settings) = &store.spec.retry_settings {
            let retries = settings.max_retries.unwrap_or_default();
            api.retries = u32::try_from(retries).unwrap_or_default();
            if let Some(interval) = &settings.retry_interval {
                let wait: rotaproof_kinds::GoDuration = interval.parse().map_err(|_| {
                    ProviderError::Other(format!("time: invalid duration {interval:?}"))
                })?;
                let wait = wait.to_std();
                api.waits = (wait, wait);
            }
        }
        Ok(api)
    }

    /// `Logical().ReadWithData`.
    pub(super) async fn read(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<Secret>, String> {
        let url = self.url(path, query);
        let answer = self.send(Method::GET, &url, None).await?;
        self.secret_or_nothing(&Method::GET, &url, &answer)
    }

    /// `Logical().List`: a GET with `list=true`.
    pub(super) async fn list(&mut self, path: &str) -> Result<Option<Secret>, String> {
        self.read(path, &[("list", "true")]).await
    }

    /// `Logical().Write`.
    pub(super) async fn write(
        &mut self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<Secret>, String> {
        let url = self.url(path, &[]);
        let answer = self.send(Method::PUT, &url, body).await?;
        self.secret_or_nothing(&Method::PUT, &url, &answer)
    }

    /// `Auth().Token().LookupSelf`: a 404 is an error here.
    pub(super) async fn lookup_self(&mut self) -> Result<Option<Secret>, String> {
        let url = self.url("auth/token/lookup-self", &[]);
        let answer = self.send(Method::GET, &url, None).await?;
        match wire::refusal(&Method::GET, &url, self.namespace.as_deref(), &answer) {
            Some(error) => Err(error),
            None => wire::parse(answer.body()),
        }
    }

    /// A 404 may still carry data or warnings; without them there is nothing.
    fn secret_or_nothing(
        &self,
        method: &Method,
        url: &str,
        answer: &Response<Bytes>,
    ) -> Result<Option<Secret>, String> {
        if answer.status() == http::StatusCode::NOT_FOUND {
            let secret = wire::parse(answer.body())?;
            return Ok(secret
                .filter(|s| s.warnings || s.data.as_ref().is_some_and(|data| !data.is_empty())));
        }
        match wire::refusal(method, url, self.namespace.as_deref(), answer) {
            Some(error) => Err(error),
            None => wire::parse(answer.body()),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}{}", self.origin, wire::joined(&self.base, path));
        if !query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(query)
                .finish();
            url.push('?');
            url.push_str(&query);
        }
        url
    }

    fn request(
        &self,
        method: &Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Request<Bytes>, String> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("user-agent", "Go-http-client/1.1")
            .header("x-vault-request", "true")
            .body(Bytes::from(bytes))
            .map_err(|e| format!("parse {url:?}: {e}"))?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::try_from(value))
            {
                headers.append(name, value);
            }
        }
        let verb = if *method == Method::PUT { "Put" } else { "Get" };
        let invalid = |name: &str| {
            format!("{verb} {url:?}: net/http: invalid header field value for {name:?}")
        };
        if let Some(token) = &self.token {
            let mut value =
                HeaderValue::from_bytes(token.expose()).map_err(|_| invalid("X-Vault-Token"))?;
            value.set_sensitive(true);
            headers.insert("x-vault-token", value);
        }
        if let Some(namespace) = &self.namespace {
            let value =
                HeaderValue::try_from(namespace).map_err(|_| invalid("X-Vault-Namespace"))?;
            headers.insert("x-vault-namespace", value);
        }
        if let Some(Some(index)) = &self.index {
            headers.insert("x-vault-index", index.clone());
        }
        Ok(request)
    }

    async fn send(
        &mut self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, String> {
        let request = self.request(&method, url, body)?;
        let answer = tokio::time::timeout(TIMEOUT, self.attempts(&request))
            .await
            .map_err(|_| "context deadline exceeded".to_owned())?
            .map_err(|error| wire::failure(&method, url, &error))?;
        if let Some(index) = &mut self.index
            && let Some(seen) = answer.headers().get("x-vault-index")
        {
            *index = Some(seen.clone());
        }
        Ok(answer)
    }

    /// One request until it succeeds, fails for good, or has been tried often enough.
    async fn attempts(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, rotaproof_egress::Error> {
        let mut tried = 0;
        loop {
            let outcome = self.egress.send(request.clone()).await;
            if tried >= self.retries || !wire::worth_a_retry(&outcome) {
                return outcome;
            }
            tried += 1;
            let named = outcome
                .as_ref()
                .ok()
                .and_then(|answer| wire::retry_after(answer.status(), answer.headers()));
            let wait = match named {
                Some(seconds) => Duration::from_secs(seconds),
                None => self.wait(tried),
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// `LinearJitterBackoff`: a wait between the two limits, times the attempt.
    fn wait(&self, attempt: u32) -> Duration {
        let (min, max) = self.waits;
        let span = max.saturating_sub(min).as_millis();
        let jitter = self.entropy.below(u64::try_from(span).unwrap_or_default());
        (min + Duration::from_millis(jitter)) * attempt
    }
}
