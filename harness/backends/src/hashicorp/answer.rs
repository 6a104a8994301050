//! What an answer of the server tells, in the words of the built-in vault.

use http::StatusCode;
use rotaproof_base::Fingerprinter;
use rotaproof_vaults::ServedVersion;
use serde_json::Value;

/// The refusal of a token that the server does not know, or no longer.
pub(super) const UNKNOWN_TOKEN: &str = "permission denied, invalid token";

/// The versions that an answer carries.
pub(super) fn versions(
    operation: &str,
    secret: String,
    mut body: Value,
    fingerprinter: &Fingerprinter,
) -> Vec<ServedVersion> {
    let number = body.pointer("/data/metadata/version").map(Value::to_string);
    let (pointer, version) = match operation {
        "kv-v2 read" => ("/data/data", number),
        "kv-v1 read" => ("/data", Some(String::new())),
        _ => return Vec::new(),
    };
    let data = body.pointer_mut(pointer).map(Value::take);
    let (Some(mut data), Some(version)) = (data.filter(Value::is_object), version) else {
        return Vec::new();
    };
    data.sort_all_objects();
    vec![ServedVersion {
        secret,
        version,
        value: fingerprinter.of(data.to_string().as_bytes()),
    }]
}

/// Why the server refused; `None` where it did not.
pub(super) fn refusal(status: StatusCode, body: &Value) -> Option<String> {
    if status.is_success() {
        return None;
    }
    let errors = body["errors"].as_array();
    let messages = errors.into_iter().flatten().filter_map(Value::as_str);
    let messages: Vec<&str> = messages.flat_map(listed).collect();
    if !messages.is_empty() {
        return Some(messages.join(", "));
    }
    let metadata = body.pointer("/data/metadata").or_else(|| body.get("data"));
    Some(match status {
        StatusCode::NOT_FOUND if body["warnings"].is_array() => "invalid path".to_owned(),
        StatusCode::NOT_FOUND => match metadata.filter(|metadata| metadata.is_object()) {
            Some(metadata) if metadata["destroyed"] == true => "version is destroyed".to_owned(),
            Some(_) => "version is deleted".to_owned(),
            None => "not found".to_owned(),
        },
        StatusCode::METHOD_NOT_ALLOWED => "method not allowed".to_owned(),
        status if status.is_redirection() => "path is not clean".to_owned(),
        status => status.to_string(),
    })
}

/// The messages of a list as Go's multierror renders it; any other message is one.
fn listed(message: &str) -> Vec<&str> {
    let items: Vec<&str> = message
        .lines()
        .filter_map(|line| line.strip_prefix("\t* "))
        .collect();
    match items.is_empty() {
        true => vec![message],
        false => items,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::denied(403, json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}), "permission denied")]
    #[case::unknown_token(403, json!({"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}), UNKNOWN_TOKEN)]
    #[case::plain(400, json!({"errors": ["no data provided"]}), "no data provided")]
    #[case::absent(404, json!({"errors": []}), "not found")]
    #[case::deleted(404, json!({"data": {"data": null, "metadata": {"destroyed": false}}}), "version is deleted")]
    #[case::destroyed(404, json!({"data": {"data": null, "metadata": {"destroyed": true}}}), "version is destroyed")]
    #[case::misdirected(404, json!({"warnings": ["Invalid path"]}), "invalid path")]
    #[case::wordless(405, json!({"errors": []}), "method not allowed")]
    fn a_refusal_is_told_as_by_the_built_in_vault(
        #[case] status: u16,
        #[case] body: Value,
        #[case] expected: &str,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(refusal(status, &body).as_deref(), Some(expected));
    }

    #[rstest]
    #[case::kv2("kv-v2 read", json!({"data": {"data": {"b": "2", "a": "1"}, "metadata": {"version": 3}}}), Some("3"))]
    #[case::kv1("kv-v1 read", json!({"data": {"b": "2", "a": "1"}}), Some(""))]
    #[case::metadata("kv-v2 read metadata", json!({"data": {"current_version": 3}}), None)]
    #[case::wrapped("kv-v2 read", json!({"data": null, "wrap_info": {}}), None)]
    fn a_version_is_fingerprinted_as_compact_json_with_sorted_keys(
        #[case] operation: &str,
        #[case] body: Value,
        #[case] version: Option<&str>,
    ) {
        let fingerprinter = Fingerprinter::from_key([1; 32]);
        let found = versions(operation, "secret/a".into(), body, &fingerprinter);
        let expected = version.map(|version| ServedVersion {
            secret: "secret/a".into(),
            version: version.into(),
            value: fingerprinter.of(br#"{"a":"1","b":"2"}"#),
        });
        assert_eq!(found, Vec::from_iter(expected));
    }
}
