//! From a provider's bytes to the data of a Secret, step by step as ESO 2.9.0 takes them: `property`, the map of a
//! JSON object, `rewrite`, `conversionStrategy`, the check of keys, `decodingStrategy`, `nullBytePolicy`.

mod decoding;
mod go_base64;
mod json_map;
mod keys;
mod null_bytes;
mod property;
mod rewrite;

use std::collections::BTreeMap;

use rotaproof_base::SecretValue;

pub use decoding::{decode, decode_map};
pub(crate) use go_base64::{Alphabet, decode as decode_base64};
pub use json_map::{bytes_of, secret_map};
pub use keys::{convert_keys, validate_keys};
pub use null_bytes::check_null_bytes;
pub use property::{property, property_path_first};
pub use rewrite::rewrite;

/// Keys and values, as a provider answers with them and as a Secret holds them.
pub type SecretMap = BTreeMap<String, SecretValue>;

/// Why a value or a map of them cannot be used, in ESO's words; never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(String);

impl ValueError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
