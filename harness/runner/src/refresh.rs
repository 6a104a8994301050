//! `--refresh`: shorter intervals of ExternalSecrets, so that what takes hours as written takes seconds.

use std::time::Duration;

use rotaproof_scenario::Period;
use serde_json::Value;

/// What an ExternalSecret has where it names no interval: the CRD's default.
const DEFAULT: &str = "1h";

/// Sets the refresh interval of an ExternalSecret, or of those that a ClusterExternalSecret makes, to `to` where it is
/// longer, and answers what it was. One that is shorter stays, as does one that is never counted: 0, or with a
/// `refreshPolicy` other than `Periodic`.
pub(crate) fn shorten(object: &mut Value, to: Duration) -> Option<Period> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    if !text("/apiVersion")?.starts_with("external-secrets.io/") {
        return None;
    }
    let spec = match text("/kind")? {
        "ExternalSecret" => "/spec",
        "ClusterExternalSecret" => "/spec/externalSecretSpec",
        _ => return None,
    };
    let spec = object.pointer_mut(spec)?.as_object_mut()?;
    let policy = spec.get("refreshPolicy").and_then(Value::as_str);
    if matches!(policy, Some("CreatedOnce" | "OnChange")) {
        return None;
    }
    let written = match spec.get("refreshInterval") {
        None | Some(Value::Null) => DEFAULT,
        Some(Value::String(text)) => text,
        // No duration, as the API will say.
        Some(_) => return None,
    };
    // A bare `0` has no unit, and is no time: it stays, as does what is no duration.
    let written: Period = written.parse().ok()?;
    if written.0 <= to {
        return None;
    }
    spec.insert("refreshInterval".into(), Period(to).to_string().into());
    Some(written)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::longer(json!({"refreshInterval": "1h"}), "2s", Some("1h"))]
    #[case::as_go_prints_it(json!({"refreshInterval": "1h0m0s"}), "2s", Some("1h"))]
    #[case::absent(json!({}), "2s", Some("1h"))]
    #[case::null(json!({"refreshInterval": null}), "2s", Some("1h"))]
    #[case::periodic(json!({"refreshInterval": "5m", "refreshPolicy": "Periodic"}), "2s", Some("5m"))]
    #[case::shorter(json!({"refreshInterval": "1s"}), "1s", None)]
    #[case::equal(json!({"refreshInterval": "2s"}), "2s", None)]
    #[case::zero(json!({"refreshInterval": "0"}), "0", None)]
    #[case::zero_seconds(json!({"refreshInterval": "0s"}), "0s", None)]
    #[case::once(json!({"refreshInterval": "1h", "refreshPolicy": "CreatedOnce"}), "1h", None)]
    #[case::on_change(json!({"refreshInterval": "1h", "refreshPolicy": "OnChange"}), "1h", None)]
    #[case::nonsense(json!({"refreshInterval": "often"}), "often", None)]
    fn only_a_longer_interval_becomes_shorter(
        #[case] spec: Value,
        #[case] applied: &str,
        #[case] was: Option<&str>,
        #[values("v1", "v1beta1")] version: &str,
    ) {
        let version = format!("external-secrets.io/{version}");
        let two = Duration::from_secs(2);
        let of_cluster = json!({
            "apiVersion": version,
            "kind": "ClusterExternalSecret",
            "spec": {"refreshTime": "1m", "externalSecretSpec": spec},
        });
        let mut single = json!({"apiVersion": version, "kind": "ExternalSecret", "spec": spec});
        let mut cluster = of_cluster;
        for (object, spec) in [
            (&mut single, "/spec"),
            (&mut cluster, "/spec/externalSecretSpec"),
        ] {
            let shortened = shorten(object, two).map(|period| period.to_string());
            assert_eq!(shortened.as_deref(), was);
            let interval = object.pointer(spec).unwrap()["refreshInterval"].as_str();
            assert_eq!(interval, Some(applied));
        }
        assert_eq!(cluster["spec"]["refreshTime"], "1m");
    }

    #[rstest]
    #[case::a_store(json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "spec": {}}))]
    #[case::somebody_elses(json!({"apiVersion": "example.com/v1", "kind": "ExternalSecret", "spec": {}}))]
    #[case::no_spec(json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}))]
    fn nothing_else_is_touched(#[case] mut object: Value) {
        let before = object.clone();
        assert_eq!(shorten(&mut object, Duration::from_secs(2)), None);
        assert_eq!(object, before);
    }
}
