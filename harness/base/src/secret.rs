//! Secret values, and the only thing that may be shown of one: its keyed fingerprint.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Entropy;

/// Bytes that must never be printed: no `Debug`, no `Display`, no `Serialize`; zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes the bytes over.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, for the wire, a volume or a comparison; never for a message.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, where they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// What may be shown of a value: the first 12 hex digits of HMAC-SHA-256 under the run's key.
///
/// Two equal values have equal fingerprints within a run; across runs nothing can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// A fingerprint as a probe reported it.
    pub fn from_report(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The run's key: makes fingerprints, and is handed to probes.
#[derive(Clone)]
pub struct Fingerprinter(Zeroizing<[u8; 32]>);

impl Fingerprinter {
    /// Draws the run's key.
    pub fn draw(entropy: &Entropy) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(key.as_mut());
        Self(key)
    }

    /// The key as a probe received it.
    pub fn from_key(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key, for handing to a probe over a private pipe.
    pub fn key(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprint of a value.
    pub fn of(&self, value: &[u8]) -> Fingerprint {
        // HMAC takes a key of any length; the error cannot occur for 32 bytes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_ref()) else {
            return Fingerprint(String::new());
        };
        mac.update(value);
        let mut digits = hex::encode(mac.finalize().into_bytes());
        digits.truncate(12);
        Fingerprint(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_the_key_and_the_value() {
        let one = Fingerprinter::from_key([1; 32]);
        let two = Fingerprinter::from_key([2; 32]);
        assert_eq!(one.of(b"value"), one.of(b"value"));
        assert_ne!(one.of(b"value"), one.of(b"other"));
        assert_ne!(one.of(b"value"), two.of(b"value"));
        assert_eq!(one.of(b"value").as_str().len(), 12);
    }
}
