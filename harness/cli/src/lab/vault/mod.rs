//! The vaults of a lab, set up as their own people would: a file per kind.
//!
//! What is not declared is refused, as the real one refuses it: an identity that no role trusts, a path that no policy
//! grants. Service accounts and Kubernetes Secrets are named `namespace/name`.

mod aws;
mod hashicorp;
mod onepassword;

pub use aws::{AccessKey, AwsSecretsManager, IamRole};
pub use hashicorp::{AuthRole, HashicorpVault, StaticToken};
pub use onepassword::{ConnectToken, OnePasswordConnect};
use rotaproof_scenario::model::vault as declared;
pub use rotaproof_scenario::model::vault::{Capability, EngineKind, VaultAccess};
use rotaproof_scenario::{Located, ObjectName};

/// A vault of any kind: each becomes one with `into()`.
#[derive(Clone, Debug)]
pub struct Vault(pub(super) Result<declared::Vault, String>);

/// Names that people write: the first that is none is told when the lab starts.
fn names<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Located<ObjectName>>, String> {
    texts.into_iter().map(name).collect()
}

fn name(text: &str) -> Result<Located<ObjectName>, String> {
    text.parse().map(|name: ObjectName| name.into())
}
