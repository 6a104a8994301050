//! The vaults of a lab, set up as their own people would: a file per kind.
//!
//! What is not declared is refused, as the real one refuses it: an identity that no role trusts, a path that no policy
//! grants. Service accounts and Kubernetes Secrets are named `namespace/name`.

mod aws;
mod azure;
mod gcp;
mod hashicorp;
mod onepassword;

pub use aws::{AccessKey, AwsSecretsManager, IamRole};
pub use azure::AzureKeyVault;
pub use gcp::{GcpSecretManager, ServiceAccount};
pub use hashicorp::{AuthRole, HashicorpVault, StaticToken};
pub use onepassword::{ConnectToken, OnePasswordConnect};
use rotaproof_scenario::model::vault as declared;
pub use rotaproof_scenario::model::vault::{Capability, EngineKind, KeyVaultRole, VaultAccess};
use rotaproof_scenario::{Located, ObjectName};

/// A vault of any kind: each becomes one with `into()`.
#[derive(Clone, Debug)]
pub struct Vault(pub(super) Result<declared::Vault, String>);

impl Vault {
    /// A vault as a scenario file declares it, for what the types of this module do not have.
    ///
    /// ```
    /// use rotaproof::Lab;
    /// use rotaproof::vault::Vault;
    ///
    /// # fn main() -> rotaproof::Result {
    /// let lab = Lab::builder()
    ///     .vault("aws", Vault::yaml("{ kind: aws-secrets-manager, secrets: { prod/db: a-text } }"))
    ///     .start()?;
    /// lab.rotate("aws/prod/db")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn yaml(text: &str) -> Self {
        let indented = text.replace('\n', "\n    ");
        let scenario = format!("scenario: a vault\nvaults:\n  vault:\n    {indented}\nsteps: []\n");
        let parsed = rotaproof_scenario::parse("a vault".as_ref(), scenario.as_bytes());
        Self(match parsed {
            Ok(scenarios) => scenarios
                .into_iter()
                .next()
                .and_then(|(mut scenario, _)| scenario.vaults.shift_remove("vault"))
                .ok_or_else(|| "no vault is declared".into()),
            Err(diagnostics) => Err(diagnostics.render(false)),
        })
    }
}

/// Names that people write: the first that is none is told when the lab starts.
fn names<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Located<ObjectName>>, String> {
    texts.into_iter().map(name).collect()
}

fn name(text: &str) -> Result<Located<ObjectName>, String> {
    text.parse().map(|name: ObjectName| name.into())
}
