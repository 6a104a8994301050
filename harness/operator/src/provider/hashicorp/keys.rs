//! From the keys of manifests to Vault's paths (`buildPath` and `buildMetadataPath` in `client_get.go`).

use rotaproof_kinds::external_secrets::VaultKvVersion;

/// The path to read for a key; `mount` is the store's `path`.
///
/// A key may repeat the mount, and `data` after it; both spellings lead to the same path.
pub(super) fn data_path(mount: Option<&str>, version: VaultKvVersion, key: &str) -> String {
    let versioned = version == VaultKvVersion::V2;
    let Some(mount) = mount else {
        if versioned && !key.contains("/data/") {
            let (first, rest) = match key.split_once('/') {
                Some((first, rest)) => (first, Some(rest)),
                None => (key, None),
            };
            return match rest {
                Some(rest) => format!("{first}/data/{rest}"),
                None => format!("{first}/data"),
            };
        }
        return key.to_owned();
    };
    let mut rest = key;
    if let Some(below) = key.strip_prefix(mount).and_then(|k| k.strip_prefix('/')) {
        rest = below;
        if versioned {
            rest = rest.strip_prefix("data/").unwrap_or(rest);
        }
    }
    if versioned {
        format!("{mount}/data/{rest}")
    } else {
        format!("{mount}/{rest}")
    }
}

/// The path of a key's metadata, or of a folder to list.
pub(super) fn metadata_path(
    mount: Option<&str>,
    version: VaultKvVersion,
    key: &str,
) -> Result<String, &'static str> {
    match (version, mount) {
        (VaultKvVersion::V1, mount) => Ok(format!("{}/{key}", mount.unwrap_or_default())),
        (VaultKvVersion::V2, Some(mount)) => Ok(format!("{mount}/metadata/{key}")),
        (VaultKvVersion::V2, None) if !key.contains("data") => {
            Err("provided Path isn't a valid kv v2 path")
        }
        (VaultKvVersion::V2, None) => Ok(key.replacen("/data/", "/metadata/", 1)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::below_the_mount(
        Some("secret"),
        VaultKvVersion::V2,
        "git/credentials",
        "secret/data/git/credentials"
    )]
    #[case::with_the_mount(
        Some("secret"),
        VaultKvVersion::V2,
        "secret/git/credentials",
        "secret/data/git/credentials"
    )]
    #[case::with_data(
        Some("secret"),
        VaultKvVersion::V2,
        "secret/data/git/credentials",
        "secret/data/git/credentials"
    )]
    #[case::data_alone_is_a_folder(
        Some("secret"),
        VaultKvVersion::V2,
        "data/git",
        "secret/data/data/git"
    )]
    #[case::deep_mount(Some("team/kv"), VaultKvVersion::V2, "team/kv/a", "team/kv/data/a")]
    #[case::similar_prefix(
        Some("secret"),
        VaultKvVersion::V2,
        "secrets/a",
        "secret/data/secrets/a"
    )]
    #[case::v1(Some("secret"), VaultKvVersion::V1, "git", "secret/git")]
    #[case::v1_with_the_mount(Some("secret"), VaultKvVersion::V1, "secret/git", "secret/git")]
    #[case::v1_keeps_data(
        Some("secret"),
        VaultKvVersion::V1,
        "secret/data/git",
        "secret/data/git"
    )]
    #[case::no_mount(None, VaultKvVersion::V2, "secret/path/foo", "secret/data/path/foo")]
    #[case::no_mount_with_data(
        None,
        VaultKvVersion::V2,
        "secret/path/data/foo",
        "secret/path/data/foo"
    )]
    #[case::no_mount_one_segment(None, VaultKvVersion::V2, "secret", "secret/data")]
    #[case::no_mount_v1(None, VaultKvVersion::V1, "secret/path/foo", "secret/path/foo")]
    fn both_spellings_of_a_key_lead_to_one_path(
        #[case] mount: Option<&str>,
        #[case] version: VaultKvVersion,
        #[case] key: &str,
        #[case] path: &str,
    ) {
        assert_eq!(data_path(mount, version, key), path);
    }

    #[rstest]
    #[case(Some("secret"), VaultKvVersion::V2, "git", Ok("secret/metadata/git"))]
    #[case(Some("secret"), VaultKvVersion::V2, "", Ok("secret/metadata/"))]
    #[case(None, VaultKvVersion::V2, "secret/data/git", Ok("secret/metadata/git"))]
    #[case(
        None,
        VaultKvVersion::V2,
        "secret/git",
        Err("provided Path isn't a valid kv v2 path")
    )]
    #[case(Some("kv"), VaultKvVersion::V1, "git/", Ok("kv/git/"))]
    fn metadata_lies_beside_the_data(
        #[case] mount: Option<&str>,
        #[case] version: VaultKvVersion,
        #[case] key: &str,
        #[case] path: Result<&str, &'static str>,
    ) {
        assert_eq!(metadata_path(mount, version, key), path.map(str::to_owned));
    }
}
