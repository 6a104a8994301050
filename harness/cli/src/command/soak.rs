//! `rotaproof soak`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::new::write_new;
use super::run::{How, carry_out, duration};
use crate::error::{Error, ExitStatus};

/// What to refresh and rotate, for how long, and how often to rotate.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Days of virtual time.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Between two rotations of each secret: 6h, 90m; more than the refresh interval of 1h.
    #[arg(long, value_name = "DURATION", default_value = "6h", value_parser = duration)]
    every: Duration,
    /// The vaults, each in a lab of its own, side by side; all of them unless given. Several with commas.
    #[arg(long, value_name = "VAULT", value_enum, value_delimiter = ',')]
    vault: Vec<VaultName>,
    #[command(flatten)]
    how: How,
}

/// The vaults that a soak knows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VaultName {
    Aws,
    Azure,
    Gcp,
    Vault,
    Onepassword,
}

/// What is particular to the soak of one vault.
struct Soaked {
    product: &'static str,
    /// Its name in the scenario.
    name: &'static str,
    /// Its declaration, and the store's `spec.provider`.
    declaration: &'static str,
    provider: &'static str,
    /// The secret as the scenario and as the ExternalSecret name it.
    secret: &'static str,
    remote: &'static str,
    /// The operation that every fetch makes once.
    read: &'static str,
}

impl VaultName {
    fn soaked(self) -> Soaked {
        macro_rules! template {
            ($file:literal) => {
                include_str!(concat!("../../templates/soak/", $file, ".yaml"))
            };
        }
        match self {
            Self::Aws => Soaked {
                product: "AWS Secrets Manager",
                name: "aws",
                declaration: template!("aws/vault"),
                provider: template!("aws/provider"),
                secret: "aws/soak",
                remote: "{ key: soak, property: password }",
                read: "GetSecretValue",
            },
            Self::Azure => Soaked {
                product: "Azure Key Vault",
                name: "azure",
                declaration: template!("azure/vault"),
                provider: template!("azure/provider"),
                secret: "azure/soak",
                remote: "{ key: soak }",
                read: "SecretGet",
            },
            Self::Gcp => Soaked {
                product: "GCP Secret Manager",
                name: "gcp",
                declaration: template!("gcp/vault"),
                provider: template!("gcp/provider"),
                secret: "gcp/soak",
                remote: "{ key: soak }",
                read: "AccessSecretVersion",
            },
            Self::Vault => Soaked {
                product: "HashiCorp Vault",
                name: "vault",
                declaration: template!("vault/vault"),
                provider: template!("vault/provider"),
                secret: "vault/secret/soak",
                remote: "{ key: soak, property: password }",
                read: "kv-v2 read",
            },
            Self::Onepassword => Soaked {
                product: "1Password Connect",
                name: "onepassword",
                declaration: template!("onepassword/vault"),
                provider: template!("onepassword/provider"),
                secret: "onepassword/soak/soak",
                remote: "{ key: soak, property: password }",
                read: "GetVaultItems",
            },
        }
    }
}

const SCENARIO: &str = include_str!("../../templates/soak/soak.scenario.yaml");
const CLUSTER: &str = include_str!("../../templates/soak/cluster.yaml");
const STORE: &str = include_str!("../../templates/soak/store.yaml");
const SYNC: &str = include_str!("../../templates/soak/sync.yaml");

/// What the manifest of the soak has.
const INTERVAL: Duration = Duration::from_secs(3600);

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let total = Duration::from_secs(u64::from(args.days) * 86_400);
    if args.every <= INTERVAL || args.every > total {
        return Err(Error::Usage(
            "--every takes more than 1h, and not more than --days".into(),
        ));
    }
    let times = total.as_secs() / args.every.as_secs();
    let interval = args.how.place.shortened(INTERVAL);
    let fetches = total.as_millis() / interval.as_millis().max(1) + 2;
    let scenario = SCENARIO
        .replace("@DAYS@", &args.days.to_string())
        .replace("@TIMES@", &times.to_string())
        // The first sync may read twice.
        .replace("@FETCHES@", &fetches.to_string())
        .replace("@EVERY@", &format!("{}s", args.every.as_secs()));
    let folder = tempfile::tempdir()?;
    let mut cases = Vec::new();
    for name in VaultName::value_variants() {
        if args.vault.is_empty() || args.vault.contains(name) {
            let soaked = name.soaked();
            let file = soaked.write(&folder.path().join(soaked.name), &scenario)?;
            cases.extend(rotaproof_scenario::load(&file).map_err(Error::Scenarios)?);
        }
    }
    carry_out(&cases, &args.how)
}

impl Soaked {
    /// Writes the scenario and its manifests, and answers the scenario's path.
    fn write(&self, folder: &Path, scenario: &str) -> Result<PathBuf, Error> {
        let fill = |template: &str| {
            template
                .replace("@PRODUCT@", self.product)
                .replace("@VAULT@", self.name)
                .replace("@SECRET@", self.secret)
                .replace("@REMOTE@", self.remote)
                .replace("@READ@", self.read)
                .replace("@DECLARATION@", &indented(self.declaration))
                .replace("@PROVIDER@", &indented(self.provider))
        };
        let file = folder.join("soak.scenario.yaml");
        write_new(&file, &fill(scenario))?;
        for (name, text) in [("cluster", CLUSTER), ("store", STORE), ("sync", SYNC)] {
            let manifest = folder.join("manifests").join(name).with_extension("yaml");
            write_new(&manifest, &fill(text))?;
        }
        Ok(file)
    }
}

/// The lines of a part of a YAML file, two levels in.
fn indented(part: &str) -> String {
    let lines: Vec<String> = part.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
