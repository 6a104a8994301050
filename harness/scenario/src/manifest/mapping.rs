//! Where each key of each Kubernetes Secret comes from.

use indexmap::IndexMap;
use serde_json::Value;

use super::object::ObjectRef;
use super::remote::external_secrets;
use super::store::{PASSWORD, Part, stores};
use super::target::{Shape, shape};
use crate::model::Body;
use crate::model::vault::Vault;
use crate::{Located, ObjectName, SecretRef};

/// One key of a Kubernetes Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretKey {
    /// The Secret.
    pub secret: ObjectName,
    /// Its key.
    pub key: String,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A secret of a vault, as it is.
    Vault {
        /// The secret.
        secret: SecretRef,
        /// The property (a gjson path, as ESO has it); the whole body where none.
        property: Option<String>,
        /// The version that the manifest pins, in the vault's own terms.
        version: Option<String>,
    },
    /// From somewhere that cannot be followed.
    Unmapped {
        /// Why: a fragment such as "a template makes it".
        reason: String,
    },
}

/// Where the keys of Kubernetes Secrets come from, as manifests and vaults say it.
///
/// Where two objects of the same name are given, the later one counts, as when they are applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    secrets: IndexMap<ObjectName, Keys>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Keys {
    keys: IndexMap<String, Origin>,
    /// Where keys come from that are not listed: an `extract` maps whatever fields the secret has.
    others: Vec<Origin>,
    /// Made by an ExternalSecret.
    synced: bool,
}

impl Mapping {
    /// The mapping that these objects make.
    pub fn of<'a>(
        objects: impl Iterator<Item = &'a Value> + Clone,
        vaults: &IndexMap<Located<String>, Vault>,
    ) -> Self {
        let mut mapping = Self::default();
        mapping.add_delivered(vaults);
        for object in objects
            .clone()
            .map(ObjectRef)
            .filter(|object| object.kind() == "Secret")
        {
            let keys = mapping.secrets.entry(object.object_name()).or_default();
            for field in ["data", "stringData"] {
                let written = object.0.get(field).and_then(Value::as_object);
                for key in written.into_iter().flat_map(|map| map.keys()) {
                    keys.keys
                        .insert(key.clone(), unmapped("the manifest itself holds it"));
                }
            }
        }
        let stores = stores(objects.clone(), vaults);
        // The last of two ExternalSecrets with one name counts.
        let declared: IndexMap<_, _> = external_secrets(objects)
            .into_iter()
            .map(|one| (one.name.clone(), one))
            .collect();
        for one in declared.values() {
            let Some(target) = &one.target else { continue };
            let keys = mapping.secrets.entry(target.clone()).or_default();
            keys.synced = true;
            let shape = shape(one.template);
            if let Shape::Templated {
                keys: templated, ..
            } = &shape
            {
                for key in templated {
                    keys.keys
                        .insert(key.clone(), unmapped("a template makes it"));
                }
            }
            if matches!(shape, Shape::Templated { open: true, .. }) {
                keys.others.push(unmapped("a template makes it"));
            }
            if matches!(shape, Shape::Templated { passes: false, .. }) {
                continue;
            }
            let origin = |store: &Option<super::StoreKey>,
                          remote: &super::remote::Remote<'_>,
                          part: Part<'_>| {
                if let Some(reason) = remote.altered {
                    return unmapped(reason);
                }
                let Some(store) = store.as_ref().and_then(|key| stores.get(key)) else {
                    return unmapped("no manifest defines its store");
                };
                match &store.vault {
                    Ok(vault) => {
                        let secret = store.secret_name(remote.key);
                        if vaults
                            .get(vault.as_str())
                            .is_some_and(|vault| vault.has_document(&secret))
                        {
                            return unmapped("it is a file, which no step can rotate");
                        }
                        Origin::Vault {
                            property: store.property(&secret, remote.property, part),
                            secret: SecretRef {
                                vault: vault.clone(),
                                secret,
                            },
                            version: remote.version.map(str::to_owned),
                        }
                    }
                    Err(provider) => {
                        unmapped(&format!("the scenario declares no vault for {provider}"))
                    }
                }
            };
            for source in &one.data_from {
                match &source.extract {
                    Some(remote) if !source.rewritten => {
                        let whole = origin(&source.store, remote, Part::All);
                        for field in declared_fields(&whole, vaults) {
                            keys.keys.insert(
                                field.to_owned(),
                                origin(&source.store, remote, Part::Field(field)),
                            );
                        }
                        keys.others.push(whole);
                    }
                    Some(_) => keys.others.push(unmapped("its keys are rewritten")),
                    None => keys.others.push(unmapped("`find` or a generator makes it")),
                }
            }
            for entry in &one.data {
                keys.keys.insert(
                    entry.secret_key.to_owned(),
                    origin(&entry.store, &entry.remote, Part::One),
                );
            }
        }
        mapping
    }

    /// The Secrets that the harness itself delivers: access keys, client secrets and tokens.
    fn add_delivered(&mut self, vaults: &IndexMap<Located<String>, Vault>) {
        let mut deliver = |secret: &ObjectName, key: &str, what: String| {
            let keys = self.secrets.entry(secret.clone()).or_default();
            keys.keys.insert(key.to_owned(), unmapped(&what));
        };
        for (name, vault) in vaults {
            match vault {
                Vault::AwsSecretsManager(aws) => {
                    for (key, access) in &aws.keys {
                        for field in [&access.access_key_id, &access.secret_access_key] {
                            deliver(
                                &access.secret,
                                field,
                                format!("it is the access key `{key}` of `{name}`"),
                            );
                        }
                    }
                }
                Vault::AzureKeyVault(azure) => {
                    for (key, principal) in &azure.service_principals {
                        for field in [&principal.client_id, &principal.client_secret] {
                            deliver(
                                &principal.secret,
                                field,
                                format!("it is the service principal `{key}` of `{name}`"),
                            );
                        }
                    }
                }
                Vault::OnePasswordConnect(connect) => {
                    for (key, token) in &connect.tokens {
                        deliver(
                            &token.secret,
                            &token.key,
                            format!("it is the access token `{key}` of `{name}`"),
                        );
                    }
                }
                Vault::GcpSecretManager(gcp) => {
                    for (email, account) in &gcp.service_accounts {
                        if let Some(key) = &account.key {
                            let what = format!("it is the key of `{email}` of `{name}`");
                            deliver(&key.secret, &key.key, what);
                        }
                    }
                }
                Vault::HashicorpVault(hashicorp) => {
                    for (key, token) in &hashicorp.tokens {
                        deliver(
                            &token.secret,
                            &token.key,
                            format!("it is the token `{key}` of `{name}`"),
                        );
                    }
                }
            }
        }
    }

    /// Whether some object makes this Secret.
    pub fn makes(&self, secret: &ObjectName) -> bool {
        self.secrets.contains_key(secret)
    }

    /// Whether an ExternalSecret makes this Secret.
    pub fn syncs(&self, secret: &ObjectName) -> bool {
        self.secrets.get(secret).is_some_and(|keys| keys.synced)
    }

    /// The Secrets, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &ObjectName> {
        self.secrets.keys()
    }

    /// The keys of a Secret that are known by name, and where they come from.
    pub fn keys(&self, secret: &ObjectName) -> impl Iterator<Item = (&str, &Origin)> {
        self.secrets
            .get(secret)
            .into_iter()
            .flat_map(|keys| keys.keys.iter().map(|(key, origin)| (key.as_str(), origin)))
    }

    /// Where one key comes from; `None` if nothing makes it.
    pub fn key(&self, secret: &ObjectName, key: &str) -> Option<Origin> {
        let keys = self.secrets.get(secret)?;
        if let Some(origin) = keys.keys.get(key) {
            return Some(origin.clone());
        }
        // Later entries of `dataFrom` win over earlier ones.
        keys.others.last().map(|origin| match origin {
            Origin::Vault {
                secret,
                property,
                version,
            } => Origin::Vault {
                secret: secret.clone(),
                property: joined(property.as_deref(), Some(key)),
                version: version.clone(),
            },
            unmapped @ Origin::Unmapped { .. } => unmapped.clone(),
        })
    }

    /// Whether a Secret may have keys beyond those that are known by name.
    pub fn is_open(&self, secret: &ObjectName) -> bool {
        self.secrets
            .get(secret)
            .is_some_and(|keys| !keys.others.is_empty())
    }
}

fn unmapped(reason: &str) -> Origin {
    Origin::Unmapped {
        reason: reason.to_owned(),
    }
}

fn joined(property: Option<&str>, field: Option<&str>) -> Option<String> {
    match (property, field) {
        (Some(property), Some(field)) => Some(format!("{property}.{field}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// The fields that the scenario declares of an extracted secret.
fn declared_fields<'a>(
    origin: &Origin,
    vaults: &'a IndexMap<Located<String>, Vault>,
) -> Vec<&'a str> {
    let Origin::Vault {
        secret,
        property: None,
        ..
    } = origin
    else {
        return Vec::new();
    };
    let vault = vaults.get(secret.vault.as_str());
    let body = vault.and_then(|vault| vault.secrets().get(secret.secret.as_str()));
    match (vault, body) {
        (_, Some(Body::Fields(fields))) => {
            fields.keys().map(|field| field.value.as_str()).collect()
        }
        (Some(Vault::OnePasswordConnect(_)), Some(Body::Text(_))) => vec![PASSWORD],
        _ => Vec::new(),
    }
}
