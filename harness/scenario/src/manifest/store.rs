//! Which vault of the scenario a store speaks to.

use indexmap::IndexMap;
use serde_json::Value;

use super::object::ObjectRef;
use crate::model::vault::Vault;
use crate::{Located, ObjectName};

/// A store as an ExternalSecret refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StoreKey {
    Cluster(String),
    Namespaced(ObjectName),
}

/// A store, and the name of the vault behind it or why there is none.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) vault: Result<String, String>,
    pub(crate) provider: Provider,
}

#[derive(Clone, Debug)]
pub(crate) enum Provider {
    Aws,
    /// The mount (`path`), and whether it is KV v2.
    Vault {
        mount: Option<String>,
        v2: bool,
    },
    Other,
}

impl StoreKey {
    /// The store of an ExternalSecret's (or a data entry's) `secretStoreRef`.
    pub(crate) fn of_reference(reference: &Value, namespace: &str) -> Option<Self> {
        let name = reference.get("name")?.as_str()?.to_owned();
        Some(match reference.get("kind").and_then(Value::as_str) {
            Some("ClusterSecretStore") => Self::Cluster(name),
            _ => Self::Namespaced(ObjectName::new(namespace, name)),
        })
    }
}

/// The stores among the objects.
pub(crate) fn stores<'a>(
    objects: impl Iterator<Item = &'a Value>,
    vaults: &IndexMap<Located<String>, Vault>,
) -> IndexMap<StoreKey, Store> {
    objects
        .filter_map(|object| {
            let object = ObjectRef(object);
            let key = match object.kind() {
                "SecretStore" => StoreKey::Namespaced(object.object_name()),
                "ClusterSecretStore" => StoreKey::Cluster(object.name().to_owned()),
                _ => return None,
            };
            Some((key, store(object, vaults)))
        })
        .collect()
}

fn store(object: ObjectRef<'_>, vaults: &IndexMap<Located<String>, Vault>) -> Store {
    let named = |found: Option<&Located<String>>, otherwise: String| {
        found.map(|name| name.value.clone()).ok_or(otherwise)
    };
    if let Some(aws) = object.0.pointer("/spec/provider/aws") {
        let region = aws
            .get("region")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let service = aws
            .get("service")
            .and_then(Value::as_str)
            .unwrap_or("SecretsManager");
        let vault = vaults.iter().find(
            |(_, vault)| matches!(vault, Vault::AwsSecretsManager(vault) if vault.region == region),
        );
        return Store {
            vault: if service == "SecretsManager" {
                named(
                    vault.map(|(name, _)| name),
                    format!("AWS Secrets Manager in region `{region}`"),
                )
            } else {
                Err(format!("AWS service `{service}`"))
            },
            provider: Provider::Aws,
        };
    }
    if let Some(provider) = object.0.pointer("/spec/provider/vault") {
        let server = provider
            .get("server")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let vault = vaults.iter().find(|(_, vault)| {
            matches!(vault, Vault::HashicorpVault(vault) if host(&vault.address) == host(server))
        });
        return Store {
            vault: named(
                vault.map(|(name, _)| name),
                format!("HashiCorp Vault at `{server}`"),
            ),
            provider: Provider::Vault {
                mount: provider
                    .get("path")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                v2: provider.get("version").and_then(Value::as_str) != Some("v1"),
            },
        };
    }
    let provider = object
        .0
        .pointer("/spec/provider")
        .and_then(Value::as_object)
        .and_then(|provider| provider.keys().next())
        .map_or("none", String::as_str);
    Store {
        vault: Err(format!("provider `{provider}`")),
        provider: Provider::Other,
    }
}

/// The host of an address, in lower case, without scheme, port and path.
pub(crate) fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

impl Store {
    /// The name under which the vault of the scenario holds what a `remoteRef.key` asks for.
    ///
    /// For Vault as ESO 2.9.0 builds the path (`providers/v1/vault/client_get.go`, `buildPath`).
    pub(crate) fn secret_name(&self, key: &str) -> String {
        match &self.provider {
            Provider::Vault {
                mount: Some(mount),
                v2,
            } => {
                let mount = mount.trim_matches('/');
                let path = match key
                    .strip_prefix(mount)
                    .and_then(|rest| rest.strip_prefix('/'))
                {
                    Some(path) if *v2 => path.strip_prefix("data/").unwrap_or(path),
                    Some(path) => path,
                    None => key,
                };
                format!("{mount}/{path}")
            }
            Provider::Vault {
                mount: None,
                v2: true,
            } => match key.split_once("/data/") {
                Some((mount, path)) => format!("{mount}/{path}"),
                None => key.to_owned(),
            },
            _ => key.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("secret"), true, "git/credentials", "secret/git/credentials")]
    #[case(
        Some("secret"),
        true,
        "secret/data/git/credentials",
        "secret/git/credentials"
    )]
    #[case(
        Some("secret"),
        true,
        "secret/git/credentials",
        "secret/git/credentials"
    )]
    #[case(Some("secret"), false, "secret/data/git", "secret/data/git")]
    #[case(None, true, "secret/data/git", "secret/git")]
    #[case(None, true, "secret/git", "secret/git")]
    fn a_key_is_spelled_in_more_than_one_way(
        #[case] mount: Option<&str>,
        #[case] v2: bool,
        #[case] key: &str,
        #[case] want: &str,
    ) {
        let store = Store {
            vault: Ok("v".to_owned()),
            provider: Provider::Vault {
                mount: mount.map(str::to_owned),
                v2,
            },
        };
        assert_eq!(store.secret_name(key), want);
    }

    #[rstest]
    #[case("https://Vault.example.com:8200/v1", "vault.example.com")]
    #[case("vault.example.com", "vault.example.com")]
    #[case("http://vault.example.com.", "vault.example.com")]
    fn an_address_has_a_host(#[case] address: &str, #[case] want: &str) {
        assert_eq!(host(address), want);
    }
}
