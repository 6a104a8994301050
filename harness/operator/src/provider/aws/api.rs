//! One signed POST to an AWS endpoint.

use std::time::SystemTime;

use aws_credential_types::Credentials as SigningCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use rotaproof_base::Clock;
use rotaproof_egress::Client;
use uuid::Uuid;

use super::credentials::Credentials;
use super::failure::Failure;

/// Where a request goes, and for what its signature is good.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// `https://sts.us-east-1.amazonaws.com/`.
    pub(super) url: String,
    host: String,
    region: String,
    service: &'static str,
}

impl Endpoint {
    /// The regional endpoint of a service (`secretsmanager`, `sts`).
    pub(super) fn new(service: &'static str, region: &str) -> Self {
        let suffix = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let host = format!("{service}.{region}.{suffix}");
        Self {
            url: format!("https://{host}/"),
            host,
            region: region.to_owned(),
            service,
        }
    }
}

/// The attempt that a request is, for its `amz-sdk-*` headers.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub(super) invocation: Uuid,
    pub(super) number: u32,
    pub(super) of: u32,
}

/// What is posted.
pub(super) struct Post<'a> {
    pub(super) content_type: &'static str,
    pub(super) target: Option<&'a str>,
    pub(super) body: Bytes,
}

/// Sends a request, signed where there are credentials.
pub(super) async fn post(
    egress: &Client,
    clock: &Clock,
    endpoint: &Endpoint,
    post: Post<'_>,
    credentials: Option<&Credentials>,
    attempt: Attempt,
) -> Result<Response<Bytes>, Failure> {
    let mut request = Request::post(&endpoint.url)
        .header(http::header::HOST, &endpoint.host)
        .header(http::header::CONTENT_TYPE, post.content_type)
        .header("amz-sdk-invocation-id", attempt.invocation.to_string())
        .header(
            "amz-sdk-request",
            format!("attempt={}; max={}", attempt.number, attempt.of),
        );
    if let Some(target) = post.target {
        request = request.header("x-amz-target", target);
    }
    let mut request = request
        .body(post.body)
        .map_err(|error| Failure::local(format!("failed to build request, {error}")))?;
    if let Some(credentials) = credentials {
        signed(&mut request, clock, endpoint, credentials)
            .map_err(|error| Failure::local(format!("failed to sign request: {error}")))?;
    }
    let sent = egress.send(request).await;
    sent.map_err(|error| Failure::unanswered(&endpoint.url, &error))
}

fn signed(
    request: &mut Request<Bytes>,
    clock: &Clock,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let identity = SigningCredentials::new(
        credentials.access_key_id.as_str(),
        credentials
            .secret_access_key
            .expose_str()
            .unwrap_or_default(),
        credentials
            .session_token
            .as_ref()
            .and_then(|token| token.expose_str())
            .map(str::to_owned),
        None,
        "rotaproof",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&endpoint.region)
        .name(endpoint.service)
        .time(SystemTime::from(clock))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let instructions = {
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| !name.as_str().starts_with("amz-sdk-"))
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new("POST", endpoint.url.as_str(), headers, body)?;
        sign(signable, &params)?.into_parts().0
    };
    let (headers, _) = instructions.into_parts();
    for header in headers {
        let name = http::HeaderName::from_bytes(header.name().as_bytes())?;
        let mut value = HeaderValue::from_str(header.value())?;
        value.set_sensitive(header.sensitive());
        request.headers_mut().insert(name, value);
    }
    Ok(())
}
