//! The top level of a file.

use std::num::NonZeroU16;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::step::Step;
use super::vault::Vault;
use crate::Located;
use crate::text::Period;

/// A scenario file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The title.
    pub scenario: Located<String>,
    /// What it shows, and why.
    #[serde(default)]
    pub about: Option<String>,
    /// Tags for `--filter`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Runs the file once per combination; `${name}` stands for the value.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Vec<Scalar>>")]
    pub matrix: Matrix,
    /// What the operator must be like.
    #[serde(default)]
    pub eso: Eso,
    /// The vaults, by the name that steps use.
    #[serde(default)]
    pub vaults: IndexMap<Located<String>, Vault>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What the External Secrets Operator of the scenario must be like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Eso {
    /// The versions of its API that the cluster serves; both unless given, as ESO 0.16 does. From 0.17 on it is v1 only.
    #[serde(default = "all_versions")]
    pub serves: Vec<EsoVersion>,
    /// How many objects of one kind it reconciles at a time, its flag `--concurrent`; 1 unless given.
    #[serde(default)]
    pub concurrent: Option<NonZeroU16>,
    /// How often it validates a store that names no interval itself, its flag `--store-requeue-interval`; 5m unless given.
    #[serde(default, rename = "store-requeue-interval")]
    pub store_requeue_interval: Option<Period>,
}

/// A version of `external-secrets.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EsoVersion {
    /// `v1`.
    V1,
    /// `v1beta1`.
    V1Beta1,
}

impl Default for Eso {
    fn default() -> Self {
        Self {
            serves: all_versions(),
            concurrent: None,
            store_requeue_interval: None,
        }
    }
}

fn all_versions() -> Vec<EsoVersion> {
    vec![EsoVersion::V1, EsoVersion::V1Beta1]
}

/// The names of a matrix and their values, as text.
pub type Matrix = IndexMap<Located<String>, Vec<String>>;

/// In the schema, a value of the matrix: any scalar, taken as it is written.
struct Scalar;

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
