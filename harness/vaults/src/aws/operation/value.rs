//! A secret's value in requests and answers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rotaproof_base::SecretValue;
use serde_json::Value;

use super::super::error::ApiError;
use super::super::state::Body;

/// The most bytes that a value may have.
const LIMIT: usize = 65_536;

/// `SecretString`, `SecretBinary` and `ClientRequestToken` of a request.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewValue {
    secret_string: Option<String>,
    secret_binary: Option<String>,
    client_request_token: Option<String>,
}

impl NewValue {
    /// The value, if there is one.
    pub(super) fn body(&mut self) -> Result<Option<Body>, ApiError> {
        let body = match (self.secret_string.take(), self.secret_binary.take()) {
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid_parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (None, None) => return Ok(None),
            (Some(text), None) => check("secretString", SecretValue::new(text)).map(Body::Text),
            (None, Some(encoded)) => {
                let bytes = BASE64_STANDARD
                    .decode(encoded)
                    .map_err(|_| ApiError::serialization())?;
                check("secretBinary", SecretValue::new(bytes)).map(Body::Binary)
            }
        };
        body.map(Some)
    }

    /// The token that names the new version. An SDK always sends one.
    pub(super) fn token(&self) -> Result<&str, ApiError> {
        let token = self.client_request_token.as_deref().ok_or_else(|| {
            ApiError::invalid_request(
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            )
        })?;
        match token.len() {
            ..32 => Err(ApiError::validation(
                "clientRequestToken",
                Some(token),
                "Member must have length greater than or equal to 32",
            )),
            65.. => Err(ApiError::validation(
                "clientRequestToken",
                Some(token),
                "Member must have length less than or equal to 64",
            )),
            _ => Ok(token),
        }
    }
}

fn check(member: &str, value: SecretValue) -> Result<SecretValue, ApiError> {
    match value.expose().len() {
        0 => Err(ApiError::validation_of_sensitive(
            member,
            "Member must have length greater than or equal to 1",
        )),
        1..=LIMIT => Ok(value),
        _ => Err(ApiError::validation_of_sensitive(
            member,
            "Member must have length less than or equal to 65536",
        )),
    }
}

/// Puts a value into an answer.
pub(super) fn show(answer: &mut Value, body: &Body) {
    match body {
        // A Text was UTF-8 when it arrived.
        Body::Text(text) => answer["SecretString"] = text.expose_str().unwrap_or_default().into(),
        Body::Binary(bytes) => {
            answer["SecretBinary"] = BASE64_STANDARD.encode(bytes.expose()).into();
        }
    }
}
