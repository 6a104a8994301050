//! Which vault of the scenario a store speaks to.

use indexmap::IndexMap;
use serde_json::Value;

use super::object::ObjectRef;
use crate::model::Body;
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

/// What an ExternalSecret takes of a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// One value, by an entry of `data`.
    One,
    /// All fields, by an `extract`.
    All,
    /// One of them.
    Field(&'a str),
}

/// The field of a 1Password item that is meant where none is named.
pub(crate) const PASSWORD: &str = "password";

#[derive(Clone, Debug)]
pub(crate) enum Provider {
    Aws,
    Azure,
    Gcp,
    /// The mount (`path`), and whether it is KV v2.
    Vault {
        mount: Option<String>,
        v2: bool,
    },
    OnePassword {
        /// The vaults that are searched, in this order.
        order: Vec<String>,
        /// The items that the scenario declares, as `vault/item`, and whether each is one plain body.
        declared: Vec<(String, bool)>,
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
    if let Some(azure) = object.0.pointer("/spec/provider/azurekv") {
        let url = azure.get("vaultUrl").and_then(Value::as_str);
        let url = url.unwrap_or_default();
        let vault = vaults.iter().find(|(_, vault)| {
            matches!(vault, Vault::AzureKeyVault(vault) if host(&vault.vault_url) == host(url))
        });
        return Store {
            vault: named(
                vault.map(|(name, _)| name),
                format!("Azure Key Vault at `{url}`"),
            ),
            provider: Provider::Azure,
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
    if let Some(provider) = object.0.pointer("/spec/provider/onepassword") {
        return one_password(provider, vaults);
    }
    if let Some(gcp) = object.0.pointer("/spec/provider/gcpsm") {
        // Without a project, the store means the cluster's own.
        let project = gcp.get("projectID").and_then(Value::as_str);
        let vault = vaults.iter().find(|(_, vault)| {
            matches!(vault, Vault::GcpSecretManager(vault)
                if project.is_none_or(|project| vault.project == project))
        });
        return Store {
            vault: named(
                vault.map(|(name, _)| name),
                match project {
                    Some(project) => format!("GCP Secret Manager of project `{project}`"),
                    None => "GCP Secret Manager".to_owned(),
                },
            ),
            provider: Provider::Gcp,
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

fn one_password(provider: &Value, vaults: &IndexMap<Located<String>, Vault>) -> Store {
    let server = provider.get("connectHost").and_then(Value::as_str);
    let server = server.unwrap_or_default();
    let found = vaults.iter().find_map(|(name, vault)| match vault {
        Vault::OnePasswordConnect(vault) if host(&vault.address) == host(server) => {
            Some((name, vault))
        }
        _ => None,
    });
    let searched = provider.get("vaults").and_then(Value::as_object);
    let mut order: Vec<(i64, String)> = searched
        .into_iter()
        .flatten()
        .map(|(name, order)| (order.as_i64().unwrap_or_default(), name.clone()))
        .collect();
    order.sort();
    let secrets = found.into_iter().flat_map(|(_, vault)| &vault.secrets);
    let secrets = secrets.map(|(name, body)| (name.value.clone(), matches!(body, Body::Text(_))));
    let documents = found.into_iter().flat_map(|(_, vault)| &vault.documents);
    let documents = documents.map(|(name, _)| (name.value.clone(), false));
    Store {
        vault: found
            .map(|(name, _)| name.value.clone())
            .ok_or_else(|| format!("1Password Connect at `{server}`")),
        provider: Provider::OnePassword {
            order: order.into_iter().map(|(_, name)| name).collect(),
            declared: secrets.chain(documents).collect(),
        },
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
    /// For Vault as ESO 2.9.0 builds the path (`providers/v1/vault/client_get.go`, `buildPath`); for Azure without the
    /// kind of object before it (`providers/v1/azure/keyvault/keyvault.go`, `getObjType`).
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
            Provider::Azure => key.strip_prefix("secret/").unwrap_or(key).to_owned(),
            // As ESO 2.9.0 searches (`providers/v1/onepassword`, `findItem`).
            Provider::OnePassword { order, declared } => {
                let places = order.iter().map(|vault| format!("{vault}/{key}"));
                let held = |place: &String| declared.iter().any(|(name, _)| name == place);
                let mut held = places.clone().filter(held);
                held.next()
                    .or_else(|| places.clone().next())
                    .unwrap_or_else(|| key.to_owned())
            }
            _ => key.to_owned(),
        }
    }

    /// What of the secret is asked for; the whole body where `None`.
    ///
    /// For 1Password as ESO 2.9.0 reads it (`getObjType`, `getField`): an entry without a property means the field
    /// `password`, which a plain body is.
    pub(crate) fn property(
        &self,
        secret: &str,
        property: Option<&str>,
        part: Part<'_>,
    ) -> Option<String> {
        let Provider::OnePassword { declared, .. } = &self.provider else {
            return match (property, part) {
                (Some(property), Part::Field(field)) => Some(format!("{property}.{field}")),
                (None, Part::Field(field)) => Some(field.to_owned()),
                (property, _) => property.map(str::to_owned),
            };
        };
        let label = match part {
            Part::One => property.unwrap_or(PASSWORD),
            Part::All => property?,
            Part::Field(field) => field,
        };
        let label = label.strip_prefix("field/").unwrap_or(label);
        let plain = declared
            .iter()
            .any(|(name, plain)| name == secret && *plain);
        (!plain || label != PASSWORD).then(|| label.to_owned())
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
