//! Signs a request with AWS's own signer crate.

use std::time::SystemTime;

use aws_sdk_secretsmanager::config::Credentials as SdkCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use rotaproof_vaults::aws::Credentials;

pub(crate) fn sign(
    mut request: Request<Bytes>,
    region: &str,
    service: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Request<Bytes> {
    let text = |value: &rotaproof_base::SecretValue| value.expose_str().unwrap().to_owned();
    let identity = SdkCredentials::new(
        &credentials.access_key_id,
        text(&credentials.secret_access_key),
        credentials.session_token.as_ref().map(text),
        None,
        "test",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        SignableBody::Bytes(request.body()),
    )
    .unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(signable, &params.into())
        .unwrap()
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}
