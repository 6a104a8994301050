//! The client-side throttle of client-go: 50 requests a second with a burst of 100 (ESO's `--client-qps` and
//! `--client-burst`) for each REST client. controller-runtime makes one per kind, and one for all reads of metadata.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, header};
use kube::client::Body;
use tokio::time::Instant;
use tower::service_fn;

const PER_SECOND: f64 = 50.0;
const BURST: f64 = 100.0;

/// The same client behind the throttle.
pub(crate) fn throttled(client: kube::Client) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    let buckets = Arc::new(Mutex::new(BTreeMap::<String, Bucket>::new()));
    let service = service_fn(move |request: Request<Body>| {
        let (client, buckets) = (client.clone(), buckets.clone());
        async move {
            let delay = match rest_client(&request) {
                Some(one) => buckets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(one)
                    .or_insert_with(Bucket::full)
                    .take(),
                None => Duration::ZERO,
            };
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            client.send(request).await
        }
    });
    kube::Client::new(service, namespace)
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full() -> Self {
        Self {
            tokens: BURST,
            filled: Instant::now(),
        }
    }

    /// Takes a token and tells how long to wait until it is there.
    fn take(&mut self) -> Duration {
        let now = Instant::now();
        let earned = now.saturating_duration_since(self.filled).as_secs_f64() * PER_SECOND;
        self.tokens = (self.tokens + earned).min(BURST) - 1.0;
        self.filled = now;
        Duration::from_secs_f64((-self.tokens).max(0.0) / PER_SECOND)
    }
}

/// Whose bucket a request is taken from: `metadata`, or the resource in its path. None where ESO makes a client for
/// the one request: a provider's TokenRequest (`kubernetes.NewForConfig` in each `NewClient`).
fn rest_client<B>(request: &Request<B>) -> Option<String> {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if accept.contains("as=PartialObjectMetadata") {
        return Some("metadata".to_owned());
    }
    let mut parts = request
        .uri()
        .path()
        .split('/')
        .filter(|part| !part.is_empty());
    // `api/v1/...` or `apis/<group>/<version>/...`
    let prefix = if parts.next() == Some("apis") { 2 } else { 1 };
    let rest: Vec<&str> = parts.skip(prefix).collect();
    match rest[..] {
        ["namespaces", _, "serviceaccounts", _, "token"] => None,
        ["namespaces", _, resource, ..] | [resource, ..] => Some(resource.to_owned()),
        [] => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/api/v1/namespaces/ns/secrets/s", "", Some("secrets"))]
    #[case("/api/v1/namespaces/ns", "", Some("namespaces"))]
    #[case(
        "/apis/external-secrets.io/v1/namespaces/ns/externalsecrets/e/status",
        "",
        Some("externalsecrets")
    )]
    #[case(
        "/apis/external-secrets.io/v1/clustersecretstores",
        "",
        Some("clustersecretstores")
    )]
    #[case(
        "/api/v1/secrets",
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        Some("metadata")
    )]
    #[case("/api/v1/namespaces/ns/serviceaccounts/sa/token", "", None)]
    #[case(
        "/api/v1/namespaces/ns/serviceaccounts/sa",
        "",
        Some("serviceaccounts")
    )]
    fn a_request_belongs_to_the_client_of_its_kind(
        #[case] path: &str,
        #[case] accept: &str,
        #[case] client: Option<&str>,
    ) {
        let request = Request::builder()
            .uri(path)
            .header("accept", accept)
            .body(())
            .unwrap();
        assert_eq!(rest_client(&request).as_deref(), client);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_burst_fifty_requests_pass_per_second() {
        let mut bucket = Bucket::full();
        let delays: Vec<Duration> = (0..200).map(|_| bucket.take()).collect();
        assert_eq!(delays[99], Duration::ZERO);
        assert_eq!(delays[199], Duration::from_secs(2));
    }
}
