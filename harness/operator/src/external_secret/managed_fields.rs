//! What an ExternalSecret wrote into a Secret before, by `managedFields`: so that keys, labels and annotations
//! which it no longer wants go away, and those of others stay.

use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

/// The names below `f:<path...>` that a field manager owns.
pub(super) fn owned(secret: &Secret, manager: &str, path: &[&str]) -> Vec<String> {
    let entries = secret.metadata.managed_fields.iter().flatten();
    entries
        .filter(|entry| entry.manager.as_deref() == Some(manager))
        .filter_map(|entry| {
            let fields = serde_json::to_value(entry.fields_v1.as_ref()?).ok()?;
            path.iter().try_fold(fields, |fields, step| {
                fields.get(format!("f:{step}")).cloned()
            })
        })
        .filter_map(|fields| match fields {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
        .flat_map(|fields| fields.into_iter().map(|(name, _)| name))
        .filter_map(|name| name.strip_prefix("f:").map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_names_of_the_asked_manager_are_listed() {
        let secret: Secret = serde_json::from_value(json!({"metadata": {"managedFields": [
            {"manager": "ours", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:a": {}}, "f:metadata": {"f:labels": {"f:x/y": {}}}}},
            {"manager": "theirs", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:b": {}}}},
        ]}}))
        .unwrap();
        assert_eq!(owned(&secret, "ours", &["data"]), ["a"]);
        assert_eq!(owned(&secret, "ours", &["metadata", "labels"]), ["x/y"]);
        assert!(owned(&secret, "ours", &["metadata", "annotations"]).is_empty());
    }
}
