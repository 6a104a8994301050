//! What Vault's Go client makes of answers and failures: URLs, errors as it prints them, what is worth a retry
//! (`hashicorp/vault/api`, `hashicorp/go-retryablehttp`).

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rotaproof_egress::Error;
use serde_json::Value;

use super::super::transport;

/// What Go's `url.URL.EscapedPath` leaves as it is.
const PATH: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// `path.Join` of an address's path and `/v1/` with a request's path: no `//`, `.`, `..` or slash at the end.
pub(super) fn joined(base: &str, path: &str) -> String {
    let mut clean: Vec<&str> = Vec::new();
    let whole = format!("{base}/v1/{path}");
    for segment in whole.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                clean.pop();
            }
            plain => clean.push(plain),
        }
    }
    let text = format!("/{}", clean.join("/"));
    utf8_percent_encode(&text, &PATH).to_string()
}

/// An answer of Vault, as `api.Secret`.
#[derive(Default)]
pub(super) struct Secret {
    pub(super) data: Option<serde_json::Map<String, Value>>,
    pub(super) warnings: bool,
    /// The token of a login.
    pub(super) token: Option<String>,
}

/// `ParseSecret`: `None` where there is no body.
pub(super) fn parse(body: &Bytes) -> Result<Option<Secret>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() {
            "unexpected EOF".to_owned()
        } else {
            // Go quotes the character; it could be one of a value.
            "invalid character in the answer of Vault, looking for beginning of value".to_owned()
        }
    })?;
    let Value::Object(mut members) = value else {
        return Err(
            "json: cannot unmarshal the answer of Vault into Go value of type api.Secret"
                .to_owned(),
        );
    };
    let data = match members.remove("data") {
        Some(Value::Object(data)) => Some(data),
        _ => None,
    };
    let warnings = members.get("warnings").and_then(Value::as_array);
    let token = members
        .get("auth")
        .and_then(|auth| auth.get("client_token"));
    Ok(Some(Secret {
        data,
        warnings: warnings.is_some_and(|list| !list.is_empty()),
        token: token
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
            .map(str::to_owned),
    }))
}

/// The error of an answer that is one, as `api.ResponseError` prints it.
pub(super) fn refusal(
    method: &Method,
    url: &str,
    namespace: Option<&str>,
    answer: &Response<Bytes>,
) -> Option<String> {
    let code = answer.status().as_u16();
    if (200..400).contains(&code) {
        return None;
    }
    let errors = serde_json::from_slice::<Value>(answer.body())
        .ok()
        .filter(Value::is_object)
        .map(|body| {
            let list = body.get("errors").and_then(Value::as_array).cloned();
            let list = list.unwrap_or_default();
            let texts = list.iter().filter_map(Value::as_str);
            texts.map(|text| format!("* {text}")).collect::<String>()
        });
    let (kind, body) = match errors {
        Some(errors) => ("Errors", errors),
        None => (
            "Raw Message",
            String::from_utf8_lossy(answer.body()).into_owned(),
        ),
    };
    let namespace = namespace
        .map(|ns| format!("Namespace: {ns}\n"))
        .unwrap_or_default();
    Some(format!(
        "Error making API request.\n\n{namespace}URL: {method} {url}\nCode: {code}. {kind}:\n\n{body}"
    ))
}

/// A failure to get any answer, as Go's `url.Error` prints it.
pub(super) fn failure(method: &Method, url: &str, error: &Error) -> String {
    let name = match *method {
        Method::PUT => "Put",
        _ => "Get",
    };
    format!("{name} {url:?}: {}", transport::cause(error))
}

/// `retryablehttp.DefaultRetryPolicy` and Vault's own addition of 412.
pub(super) fn worth_a_retry(outcome: &Result<Response<Bytes>, Error>) -> bool {
    match outcome {
        Ok(answer) => {
            let status = answer.status();
            status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::PRECONDITION_FAILED
                || (status.as_u16() >= 500 && status != StatusCode::NOT_IMPLEMENTED)
        }
        // A certificate that is not trusted stays so.
        Err(error) => !matches!(
            error,
            Error::Tls { .. } | Error::Target(_) | Error::Trust(_)
        ),
    }
}

/// The seconds of a `Retry-After`, which counts with 429 and 503 only.
pub(super) fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "secret/data/git", "/v1/secret/data/git")]
    #[case("/vault/", "secret/metadata/", "/vault/v1/secret/metadata")]
    #[case("", "secret//data/a b", "/v1/secret/data/a%20b")]
    #[case("", "secret/data/../x", "/v1/secret/x")]
    fn a_path_is_joined_as_go_does(#[case] base: &str, #[case] path: &str, #[case] expected: &str) {
        assert_eq!(joined(base, path), expected);
    }

    fn answer(status: u16, body: &'static str) -> Response<Bytes> {
        let builder = Response::builder().status(status);
        builder.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn a_refusal_reads_as_vaults_go_client_prints_it() {
        let body = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
        let text = refusal(&Method::GET, "https://v/v1/x", None, &answer(403, body));
        assert_eq!(
            text.as_deref(),
            Some(
                "Error making API request.\n\nURL: GET https://v/v1/x\nCode: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied\n\n"
            )
        );
        let text = refusal(
            &Method::PUT,
            "https://v/v1/x",
            Some("team"),
            &answer(502, "<html>"),
        );
        assert_eq!(
            text.as_deref(),
            Some(
                "Error making API request.\n\nNamespace: team\nURL: PUT https://v/v1/x\nCode: 502. Raw Message:\n\n<html>"
            )
        );
        assert!(refusal(&Method::GET, "u", None, &answer(204, "")).is_none());
    }

    #[rstest]
    #[case(500, true)]
    #[case(503, true)]
    #[case(501, false)]
    #[case(412, true)]
    #[case(429, true)]
    #[case(403, false)]
    #[case(200, false)]
    fn only_what_may_pass_is_retried(#[case] status: u16, #[case] retried: bool) {
        assert_eq!(worth_a_retry(&Ok(answer(status, ""))), retried);
    }
}
