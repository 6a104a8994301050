//! Backups of secrets: a blob that only the vault which made it can read, as Azure's can only be read in its geography.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rotaproof_base::{Entropy, SecretValue};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::secrets::{Secret, Settings, Version};

/// Seals and opens backups.
pub(super) struct Sealer {
    /// `None` where the key could not be used: nothing is sealed then.
    key: Option<LessSafeKey>,
    nonces: Entropy,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    name: String,
    versions: Vec<StoredVersion>,
}

#[derive(Serialize, Deserialize)]
struct StoredVersion {
    id: String,
    value: String,
    settings: Settings,
    created: Timestamp,
    updated: Timestamp,
}

impl Sealer {
    pub(super) fn new(entropy: &Entropy) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(key.as_mut());
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        Self {
            key: key.ok().map(LessSafeKey::new),
            nonces: entropy.fork("nonces"),
        }
    }

    /// The blob of a secret with all its versions.
    pub(super) fn seal(&self, secret: &Secret) -> Option<String> {
        let versions = secret.versions.iter().map(|version| {
            Some(StoredVersion {
                id: version.id.clone(),
                value: version.value.expose_str()?.to_owned(),
                settings: version.settings.clone(),
                created: version.created,
                updated: version.updated,
            })
        });
        let stored = Stored {
            name: secret.name.clone(),
            versions: versions.collect::<Option<_>>()?,
        };
        let mut bytes = serde_json::to_vec(&stored).ok()?;
        let mut nonce = [0; NONCE_LEN];
        self.nonces.fill(&mut nonce);
        let sealing = Nonce::assume_unique_for_key(nonce);
        let key = self.key.as_ref()?;
        key.seal_in_place_append_tag(sealing, Aad::empty(), &mut bytes)
            .ok()?;
        let mut blob = nonce.to_vec();
        blob.append(&mut bytes);
        Some(BASE64_URL_SAFE_NO_PAD.encode(blob))
    }

    /// The secret of a blob; `None` for what this vault did not seal.
    pub(super) fn open(&self, blob: &str) -> Option<Secret> {
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(blob).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let key = self.key.as_ref()?;
        let opened = key.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        let stored: Stored = serde_json::from_slice(opened).ok()?;
        let versions = stored.versions.into_iter().map(|version| Version {
            id: version.id,
            value: SecretValue::new(version.value),
            settings: version.settings,
            created: version.created,
            updated: version.updated,
        });
        Some(Secret {
            name: stored.name,
            versions: versions.collect(),
        })
    }
}
