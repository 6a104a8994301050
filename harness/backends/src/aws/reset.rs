//! A region of an account is emptied before a scenario gets it.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use serde_json::{Value, json};

use crate::Error;
use crate::forward::Upstream;

/// Deletes every secret for good, those that wait for their deletion too.
pub(super) async fn empty(upstream: &Upstream, authorization: &HeaderValue) -> Result<(), Error> {
    loop {
        let asked = json!({"IncludePlannedDeletion": true, "MaxResults": 100});
        let listed = ask(upstream, authorization, "ListSecrets", &asked).await?;
        let listed = listed["SecretList"].as_array().cloned().unwrap_or_default();
        if listed.is_empty() {
            return Ok(());
        }
        for secret in listed {
            let forced = json!({"SecretId": secret["ARN"], "ForceDeleteWithoutRecovery": true});
            ask(upstream, authorization, "DeleteSecret", &forced).await?;
        }
    }
}

async fn ask(
    upstream: &Upstream,
    authorization: &HeaderValue,
    operation: &str,
    body: &Value,
) -> Result<Value, Error> {
    let request = Request::post(upstream.url("/"))
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(header::AUTHORIZATION, authorization)
        .body(Bytes::from(body.to_string()))
        .map_err(|error| upstream.refused(operation, error.to_string()))?;
    let answer = upstream.send(request).await?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() {
        return Ok(body);
    }
    let said = body["Message"].as_str().unwrap_or_default();
    Err(upstream.refused(operation, format!("{} {said}", answer.status())))
}
