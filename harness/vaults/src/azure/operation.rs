//! The operations of the vault on its secrets, once the caller is known and may do them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use rotaproof_base::{Entropy, Fingerprinter, SecretValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::backup::Sealer;
use super::bundle::Addresses;
use super::error::VaultError;
use super::listing::Page;
use super::route::Target;
use super::secrets::{Secret, Secrets, Settings, Version};
use crate::{Served, ServedVersion};

/// The longest value, in bytes.
const LONGEST_VALUE: usize = 25 * 1024;

/// One operation and all that it needs.
pub(super) struct Call<'a> {
    pub(super) secrets: &'a mut Secrets,
    pub(super) addresses: Addresses<'a>,
    pub(super) sealer: &'a Sealer,
    pub(super) ids: &'a Entropy,
    pub(super) fingerprinter: &'a Fingerprinter,
    pub(super) now: Timestamp,
    pub(super) query: &'a Query,
    pub(super) body: &'a Bytes,
    pub(super) served: &'a mut Served,
}

/// The parameters of an address.
#[derive(Default)]
pub(super) struct Query {
    pub(super) api_version: Option<String>,
    pub(super) max_results: Option<String>,
    pub(super) skip_token: Option<String>,
}

impl Query {
    pub(super) fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Some(value.into_owned());
            match &*name {
                "api-version" => read.api_version = value,
                "maxresults" => read.max_results = value,
                "$skiptoken" => read.skip_token = value,
                _ => {}
            }
        }
        read
    }

    /// Lenient with versions that exist or look as if they might: 7.x and dates.
    pub(super) fn check_version(&self) -> Result<(), VaultError> {
        let Some(version) = self.api_version.as_deref().filter(|text| !text.is_empty()) else {
            return Err(VaultError::bad_parameter("api-version must be specified"));
        };
        let stem = version
            .split_once("-preview")
            .map_or(version, |(stem, _)| stem);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let date = stem.len() == 10 && stem.split('-').count() == 3 && stem.split('-').all(digits);
        if date || stem.strip_prefix("7.").is_some_and(digits) {
            return Ok(());
        }
        Err(VaultError::bad_parameter(format!(
            "The specified version ({version}) is not recognized. Consider using the latest supported version (7.6)."
        )))
    }
}

/// The body of a set or an update.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Parameters {
    value: Option<String>,
    content_type: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    attributes: Option<Attributes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

impl Parameters {
    fn settings(self) -> (Option<SecretValue>, Settings) {
        let attributes = self.attributes.unwrap_or_default();
        let settings = Settings {
            content_type: self.content_type,
            tags: self.tags,
            enabled: attributes.enabled,
            not_before: attributes.nbf,
            expires: attributes.exp,
        };
        (self.value.map(SecretValue::new), settings)
    }
}

/// The parse error of serde names places, and may name a value: it is not passed on.
fn parse<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, VaultError> {
    serde_json::from_slice(body)
        .map_err(|_| VaultError::bad_parameter("The request body could not be parsed as JSON."))
}

fn check_name(name: &str) -> Result<(), VaultError> {
    let valid = (1..=127).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if valid {
        return Ok(());
    }
    Err(VaultError::bad_parameter(format!(
        "The request URI contains an invalid name: {name}"
    )))
}

impl Call<'_> {
    /// Runs the operation: its status and its body.
    pub(super) fn run(&mut self, target: Target<'_>) -> Result<(StatusCode, Value), VaultError> {
        self.query.check_version()?;
        if let Some(name) = target.secret() {
            check_name(name)?;
        }
        self.secrets.expire(self.now);
        let body = match target {
            Target::Get { name, version } => self.get(name, version)?,
            Target::Set { name } => self.set(name)?,
            Target::List => self.list()?,
            Target::ListVersions { name } => self.list_versions(name)?,
            Target::Update { name, version } => self.update(name, version)?,
            Target::Delete { name } => {
                let deleted = self.secrets.delete(name, self.now)?;
                self.addresses.deleted(deleted, false)
            }
            Target::ListDeleted => self.list_deleted()?,
            Target::GetDeleted { name } => {
                let deleted = self.secrets.deleted_secret(name)?;
                self.addresses.deleted(deleted, false)
            }
            Target::Recover { name } => {
                let secret = self.secrets.recover(name)?;
                current(self.addresses, secret)
            }
            Target::Purge { name } => {
                self.secrets.purge(name)?;
                return Ok((StatusCode::NO_CONTENT, Value::Null));
            }
            Target::Backup { name } => self.backup(name)?,
            Target::Restore => self.restore()?,
            Target::Key { id } => {
                return Err(VaultError::object_not_found("key", "KeyNotFound", id));
            }
            Target::Certificate { id } => {
                let code = "CertificateNotFound";
                return Err(VaultError::object_not_found("certificate", code, id));
            }
        };
        Ok((StatusCode::OK, body))
    }

    fn get(&mut self, name: &str, version: &str) -> Result<Value, VaultError> {
        let (secret, version) = self.secrets.version(name, version)?;
        if !version.is_enabled() {
            return Err(VaultError::disabled());
        }
        self.served.versions.push(ServedVersion {
            secret: secret.name.clone(),
            version: version.id.clone(),
            value: self.fingerprinter.of(version.value.expose()),
        });
        Ok(self.addresses.bundle(secret, version))
    }

    fn set(&mut self, name: &str) -> Result<Value, VaultError> {
        let parameters: Parameters = parse(self.body)?;
        let (value, settings) = parameters.settings();
        let value =
            value.ok_or_else(|| VaultError::bad_parameter("The parameter 'value' is required."))?;
        if value.expose().len() > LONGEST_VALUE {
            return Err(VaultError::bad_parameter(format!(
                "The value of the secret is longer than {LONGEST_VALUE} bytes."
            )));
        }
        let (secret, version) = self
            .secrets
            .set(name, value, settings, self.ids, self.now)?;
        Ok(self.addresses.bundle(secret, version))
    }

    fn update(&mut self, name: &str, version: &str) -> Result<Value, VaultError> {
        let parameters: Parameters = parse(self.body)?;
        let (_, settings) = parameters.settings();
        self.secrets.update(name, version, settings, self.now)?;
        let (secret, version) = self.secrets.version(name, version)?;
        Ok(self.addresses.version(secret, version))
    }

    fn list(&self) -> Result<Value, VaultError> {
        let item = |secret: &Secret| {
            let key = secret.name.to_ascii_lowercase();
            (key, self.addresses.item(secret))
        };
        self.page("secrets")
            .of(self.secrets.live().map(item).collect())
    }

    /// In the order of the versions' ids, as the vault lists them, which tells nothing of their age.
    fn list_versions(&self, name: &str) -> Result<Value, VaultError> {
        let secret = self.secrets.secret(name)?;
        let item = |version: &Version| {
            let id = version.id.clone();
            (id, self.addresses.version(secret, version))
        };
        let mut entries: Vec<_> = secret.versions.iter().map(item).collect();
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        self.page(&format!("secrets/{}/versions", secret.name))
            .of(entries)
    }

    fn list_deleted(&self) -> Result<Value, VaultError> {
        let entries = self.secrets.deleted().map(|deleted| {
            let key = deleted.secret.name.to_ascii_lowercase();
            (key, self.addresses.deleted(deleted, true))
        });
        self.page("deletedsecrets").of(entries.collect())
    }

    fn backup(&self, name: &str) -> Result<Value, VaultError> {
        let secret = self.secrets.secret(name)?;
        let blob = self.sealer.seal(secret);
        let blob =
            blob.ok_or_else(|| VaultError::bad_parameter("The secret cannot be backed up."))?;
        Ok(json!({ "value": blob }))
    }

    fn restore(&mut self) -> Result<Value, VaultError> {
        #[derive(Deserialize)]
        struct Backup {
            value: String,
        }
        let backup: Backup = parse(self.body)?;
        let secret = self.sealer.open(&backup.value).ok_or_else(|| {
            VaultError::bad_parameter("Backup blob is corrupted or was not created in this vault.")
        })?;
        let secret = self.secrets.restore(secret)?;
        self.served.secret = Some(secret.name.clone());
        Ok(current(self.addresses, secret))
    }

    fn page(&self, path: &str) -> Page<'_> {
        Page {
            address: format!("{}/{path}", self.addresses.base),
            api_version: self.query.api_version.as_deref().unwrap_or_default(),
            max_results: self.query.max_results.as_deref(),
            skip_token: self.query.skip_token.as_deref(),
        }
    }
}

fn current(addresses: Addresses<'_>, secret: &Secret) -> Value {
    match secret.current() {
        Some(version) => addresses.version(secret, version),
        None => Value::Null,
    }
}
