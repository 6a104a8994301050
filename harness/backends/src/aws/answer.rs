//! What an answer of LocalStack tells: the versions that it carries, or the refusal.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Response;
use rotaproof_base::Fingerprinter;
use rotaproof_vaults::ServedVersion;
use rotaproof_vaults::aws::Caller;
use serde_json::{Value, json};

/// The versions and the refusal of an answer, for the journal.
pub(super) fn read(
    answer: &Response<Bytes>,
    operation: &str,
    fingerprinter: &Fingerprinter,
) -> (Vec<ServedVersion>, Option<String>) {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if !answer.status().is_success() {
        return (Vec::new(), Some(code(answer, &body)));
    }
    let versions = match operation {
        "GetSecretValue" => version(&body, fingerprinter).into_iter().collect(),
        "BatchGetSecretValue" => entries(&body, "SecretValues")
            .iter()
            .filter_map(|entry| version(entry, fingerprinter))
            .collect(),
        _ => Vec::new(),
    };
    (versions, None)
}

fn entries<'a>(body: &'a Value, member: &str) -> &'a [Value] {
    body[member].as_array().map_or(&[], Vec::as_slice)
}

fn version(entry: &Value, fingerprinter: &Fingerprinter) -> Option<ServedVersion> {
    let value = match (&entry["SecretString"], &entry["SecretBinary"]) {
        (Value::String(text), _) => fingerprinter.of(text.as_bytes()),
        (_, Value::String(encoded)) => fingerprinter.of(&BASE64_STANDARD.decode(encoded).ok()?),
        _ => return None,
    };
    Some(ServedVersion {
        secret: entry["Name"].as_str()?.to_owned(),
        version: entry["VersionId"].as_str()?.to_owned(),
        value,
    })
}

/// AWS's error code, which may come with a name space before it and a link behind it.
fn code(answer: &Response<Bytes>, body: &Value) -> String {
    let header = answer.headers().get("x-amzn-errortype");
    let code = header
        .and_then(|value| value.to_str().ok())
        .or_else(|| body["__type"].as_str())
        .or_else(|| body["code"].as_str());
    match code {
        Some(code) => {
            let code = code.split(':').next().unwrap_or(code);
            code.rsplit('#').next().unwrap_or(code).to_owned()
        }
        None => answer.status().to_string(),
    }
}

/// The answer without the values that the caller may not read: only BatchGetSecretValue names secrets that the
/// request's own check did not see. As in AWS, they are listed under `Errors`.
pub(super) fn permitted(answer: Response<Bytes>, caller: &Caller) -> Response<Bytes> {
    if caller.operation != "BatchGetSecretValue" {
        return answer;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else {
        return answer;
    };
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap_or_default().to_owned();
    let all = entries(&body, "SecretValues").to_vec();
    let (shown, hidden): (Vec<Value>, Vec<Value>) = all
        .into_iter()
        .partition(|entry| caller.may_read(&text(entry, "ARN"), &text(entry, "Name")));
    if hidden.is_empty() {
        return answer;
    }
    let mut errors = entries(&body, "Errors").to_vec();
    errors.extend(hidden.iter().map(|entry| {
        let action = "secretsmanager:GetSecretValue";
        json!({
            "SecretId": text(entry, "ARN"),
            "ErrorCode": "AccessDeniedException",
            "Message": format!(
                "User: {} is not authorized to perform: {action} on resource: {} because no identity-based policy allows the {action} action",
                caller.identity(), text(entry, "ARN")
            ),
        })
    }));
    body["SecretValues"] = shown.into();
    body["Errors"] = errors.into();
    answer.map(|_| Bytes::from(body.to_string()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answered(status: u16, body: &Value) -> Response<Bytes> {
        let answer = Response::builder().status(status);
        answer.body(Bytes::from(body.to_string())).unwrap()
    }

    #[rstest]
    #[case::plain(json!({"__type": "ResourceNotFoundException"}), "ResourceNotFoundException")]
    #[case::with_name_space(json!({"__type": "com.amazon.coral.service#ThrottlingException"}), "ThrottlingException")]
    #[case::without(json!({}), "400 Bad Request")]
    fn a_refusal_is_aws_own_code(#[case] body: Value, #[case] expected: &str) {
        let (versions, refusal) = read(
            &answered(400, &body),
            "GetSecretValue",
            &Fingerprinter::from_key([1; 32]),
        );
        assert!(versions.is_empty());
        assert_eq!(refusal.as_deref(), Some(expected));
    }

    #[test]
    fn a_binary_value_is_fingerprinted_as_its_bytes() {
        let fingerprinter = Fingerprinter::from_key([1; 32]);
        let body = json!({"Name": "prod/a", "VersionId": "v", "SecretBinary": BASE64_STANDARD.encode([0, 255])});
        let (versions, refusal) = read(&answered(200, &body), "GetSecretValue", &fingerprinter);
        assert_eq!(refusal, None);
        let expected = ServedVersion {
            secret: "prod/a".into(),
            version: "v".into(),
            value: fingerprinter.of(&[0, 255]),
        };
        assert_eq!(versions, [expected]);
    }

    #[test]
    fn an_answer_that_carries_no_value_names_no_version() {
        let body = json!({"Name": "prod/a", "VersionId": "v"});
        let fingerprinter = Fingerprinter::from_key([1; 32]);
        let (versions, _) = read(&answered(200, &body), "PutSecretValue", &fingerprinter);
        assert!(versions.is_empty());
    }
}
