//! ESO's hashes: SHA3-224 over what Go prints for a value with `%+v` (ESO 2.9.0, `esutils.ObjectHash`), so that
//! labels and annotations equal a real ESO's.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha3::{Digest, Sha3_224};

fn digest(text: &[u8]) -> String {
    hex::encode(Sha3_224::digest(text))
}

/// The value of the label `created-by`.
pub(crate) fn owner(namespace: &str, name: &str) -> String {
    digest(format!("{namespace}/{name}").as_bytes())
}

/// The value of the annotation `data-hash`.
pub(crate) fn data(data: Option<&BTreeMap<String, ByteString>>) -> String {
    // Values pass through this buffer, so it is wiped when it goes.
    let mut text = zeroize::Zeroizing::new(String::from("map["));
    for (index, (key, value)) in data.into_iter().flatten().enumerate() {
        let space = if index > 0 { " " } else { "" };
        let _ = write!(text, "{space}{key}:[");
        for (index, byte) in value.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            let _ = write!(text, "{space}{byte}");
        }
        text.push(']');
    }
    text.push(']');
    digest(text.as_bytes())
}

/// `status.syncedResourceVersion`: the generation, and a hash of annotations and labels.
pub(crate) fn resource_version(meta: &ObjectMeta) -> String {
    let map = |map: Option<&BTreeMap<String, String>>| {
        let entries: Vec<String> = map
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        format!("map[{}]", entries.join(" "))
    };
    let text = format!(
        "{{annotations:{} labels:{}}}",
        map(meta.annotations.as_ref()),
        map(meta.labels.as_ref())
    );
    format!(
        "{}-{}",
        meta.generation.unwrap_or(0),
        digest(text.as_bytes())
    )
}

/// The field manager of an ExternalSecret's writes; a name that is too long is hashed.
pub(crate) fn field_manager(name: &str) -> String {
    let plain = format!("externalsecrets.external-secrets.io/{name}");
    if plain.len() > 63 {
        return format!(
            "externalsecrets.external-secrets.io/sha3/{}",
            digest(name.as_bytes())
        );
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_label_is_the_one_that_a_real_eso_wrote() {
        // Recorded from ESO 2.9.0.
        assert_eq!(
            owner("notebook-validation", "vk"),
            "7d873bc532ca9bc3b6c410a3075b24cfa1c8781a7aafa5d2f9b600f8"
        );
        assert_eq!(
            owner("notebook-validation", "aws-credentials"),
            "03b01b2e091768c26c97bff7c2f6dcc9fb9c4d241e7873ab7a413237"
        );
    }

    #[test]
    fn the_data_hash_depends_on_keys_and_bytes_and_not_on_absence() {
        let one = |key: &str, value: &[u8]| {
            data(Some(&BTreeMap::from([(
                key.to_owned(),
                ByteString(value.to_vec()),
            )])))
        };
        assert_eq!(one("a", b"x"), digest(b"map[a:[120]]"));
        assert_ne!(one("a", b"x"), one("b", b"x"));
        assert_eq!(data(None), data(Some(&BTreeMap::new())));
    }

    #[test]
    fn a_long_name_has_a_hashed_field_manager() {
        assert_eq!(
            field_manager("vk"),
            "externalsecrets.external-secrets.io/vk"
        );
        let long = field_manager(&"x".repeat(40));
        assert!(long.starts_with("externalsecrets.external-secrets.io/sha3/"));
    }
}
