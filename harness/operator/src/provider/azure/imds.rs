//! The metadata service's token, as either SDK asks for it and retries.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode};
use rotaproof_base::Entropy;
use rotaproof_egress::{Client, Error};

use super::azcore::Retries;
use super::credential::RESOURCE;
use super::wire;

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The address of a token for Key Vault. `identity` is what the store calls `identityId`, and goes out as a client id.
pub(super) fn url(identity: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("api-version", "2018-02-01");
    if let Some(identity) = identity.filter(|identity| !identity.is_empty()) {
        query.append_pair("client_id", identity);
    }
    query.append_pair("resource", RESOURCE);
    let query = query.finish();
    format!("http://169.254.169.254/metadata/identity/oauth2/token?{query}")
}

/// adal's `retryForIMDS`: every attempt that may pass is followed by a wait, the last one too.
pub(super) async fn adal(egress: &Client, url: &str) -> Result<Response<Bytes>, String> {
    const ATTEMPTS: u32 = 5;
    let mut wait = Duration::ZERO;
    let mut attempt = 0;
    loop {
        let outcome = send(egress, url).await?;
        let settled = outcome
            .as_ref()
            .is_ok_and(|answer| !is_passing(answer.status()));
        if settled {
            return outcome.map_err(|error| failed(url, &error));
        }
        attempt += 1;
        wait = (wait + Duration::from_secs(1 << attempt)).min(LONGEST_WAIT);
        tokio::time::sleep(wait).await;
        if attempt == ATTEMPTS {
            return outcome.map_err(|error| failed(url, &error));
        }
    }
}

/// azidentity's: azcore's policy with tries and waits of its own.
pub(super) async fn azidentity(
    egress: &Client,
    entropy: &Entropy,
    url: &str,
) -> Result<Response<Bytes>, String> {
    let mut tried = 0;
    loop {
        let outcome = send(egress, url).await?;
        tried += 1;
        let Some(wait) = Retries::METADATA.wait(tried, &outcome, entropy) else {
            return outcome.map_err(|error| failed(url, &error));
        };
        tokio::time::sleep(wait).await;
    }
}

async fn send(egress: &Client, url: &str) -> Result<Result<Response<Bytes>, Error>, String> {
    let mut request = wire::get(url, None)?;
    let yes = HeaderValue::from_static("true");
    request.headers_mut().insert("metadata", yes);
    Ok(egress.send(request).await)
}

fn failed(url: &str, error: &Error) -> String {
    wire::unanswered(&Method::GET, url, error)
}

/// IMDS may answer 404 and 410 while it is updated, beside the usual.
fn is_passing(status: StatusCode) -> bool {
    wire::is_passing(status)
        || status == StatusCode::NOT_FOUND
        || status == StatusCode::GONE
        || status.is_server_error()
}
