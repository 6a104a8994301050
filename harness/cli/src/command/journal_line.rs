//! One request of the journal, in a line that people read.

use std::time::Duration;

use rotaproof_events::human;
use serde_json::Value;

/// `12:03:55.120 operator aws GetSecretValue prod/db -> v:5f1c… 200 in 3ms`
pub(crate) fn of(entry: &Value) -> String {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let or = |text: &str, other: &str| match text.is_empty() {
        true => other.to_owned(),
        false => text.to_owned(),
    };
    // `2026-11-25T12:03:55.120345678Z`
    let time = text("at").get(11..23).unwrap_or_default();
    let vault = or(text("vault"), text("host"));
    let operation = match text("operation") {
        "" => format!("{} {}", text("method"), text("path")),
        operation => operation.to_owned(),
    };
    let mut line = format!("{time} {:<8} {vault} {operation}", text("client"));
    let versions = entry.get("versions").and_then(Value::as_array);
    let versions: Vec<&Value> = versions.into_iter().flatten().collect();
    match versions.as_slice() {
        [] if text("secret").is_empty() => {}
        [] => line.push_str(&format!(" {}", text("secret"))),
        versions => {
            for served in versions {
                let of = |field: &str| served.get(field).and_then(Value::as_str);
                line.push_str(&format!(
                    " {}@{}",
                    of("secret").unwrap_or_default(),
                    of("version").unwrap_or_default()
                ));
            }
        }
    }
    if !text("identity").is_empty() {
        line.push_str(&format!(" as {}", text("identity")));
    }
    match entry.get("status").and_then(Value::as_u64) {
        Some(status) => line.push_str(&format!(" -> {status}")),
        None if entry.get("duration").is_some_and(|it| !it.is_null()) => {
            line.push_str(" -> reset");
        }
        None => line.push_str(" -> ..."),
    }
    if let Some(seconds) = entry.get("duration").and_then(Value::as_f64) {
        let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        line.push_str(&format!(" in {}", human(took)));
    }
    for (label, field) in [("refused", "refusal"), ("fault", "fault")] {
        if !text(field).is_empty() {
            line.push_str(&format!(" [{label}: {}]", text(field)));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::served(
        json!({"status": 200, "duration": 0.003, "operation": "GetSecretValue", "identity": "role/eso",
            "versions": [{"secret": "prod/db", "version": "a1", "value": "0123456789ab"}]}),
        "12:03:55.120 operator aws GetSecretValue prod/db@a1 as role/eso -> 200 in 3ms"
    )]
    #[case::refused(
        json!({"status": 400, "duration": 0.001, "operation": "GetSecretValue", "secret": "prod/db",
            "refusal": "AccessDeniedException"}),
        "12:03:55.120 operator aws GetSecretValue prod/db -> 400 in 1ms [refused: AccessDeniedException]"
    )]
    #[case::open(
        json!({"operation": "GetSecretValue", "fault": "hang"}),
        "12:03:55.120 operator aws GetSecretValue -> ... [fault: hang]"
    )]
    #[case::reset(
        json!({"operation": "GetSecretValue", "duration": 0.002, "fault": "reset"}),
        "12:03:55.120 operator aws GetSecretValue -> reset in 2ms [fault: reset]"
    )]
    #[case::nobodys(
        json!({"vault": null, "host": "example.com", "method": "CONNECT", "path": "", "status": 403, "duration": 0.0,
            "refusal": "no vault claims this host"}),
        "12:03:55.120 operator example.com CONNECT  -> 403 in 0s [refused: no vault claims this host]"
    )]
    fn a_request_is_one_line(#[case] entry: Value, #[case] line: &str) {
        let mut whole = json!({
            "at": "2026-11-25T12:03:55.120345678Z", "client": "operator", "vault": "aws",
            "method": "POST", "path": "/", "host": "secretsmanager.us-east-1.amazonaws.com",
        });
        for (name, value) in entry.as_object().unwrap() {
            whole[name] = value.clone();
        }
        assert_eq!(of(&whole), line);
    }
}
