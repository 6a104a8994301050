//! Each kind of vault, declared in Rust: read and rotated through the record's own manifests, and strict.

use rotaproof::expect::{externalsecret, secret};
use rotaproof::vault::{
    AccessKey, AuthRole, AwsSecretsManager, AzureKeyVault, Capability, ConnectToken, EngineKind,
    GcpSecretManager, HashicorpVault, IamRole, KeyVaultRole, OnePasswordConnect, ServiceAccount,
    StaticToken, Vault, VaultAccess,
};
use rotaproof::{Lab, REFRESH, Result, Value, Version};
use rstest::rstest;

use crate::{HOUR, SECOND};

const ARN: &str = "arn:aws:iam::123456789012:role/external-secrets";
const READER: &str = "external-secrets-system/external-secrets-sa";

fn aws(role: IamRole) -> Vault {
    let fields = [
        ("access_key_id", Value::aws_access_key_id()),
        ("secret_access_key", Value::aws_secret_access_key()),
    ];
    AwsSecretsManager::new()
        .role(ARN, role)
        .secret("prod/notebook/aws", fields)
        .into()
}

fn azure(role: KeyVaultRole) -> Vault {
    AzureKeyVault::at("https://my-vault.vault.azure.net")
        .managed_identity("eso", "3c5f2c4e-6f0a-4b7e-9a51-0d6c1f0e7b21", [role])
        .secret("db-host", "postgres.example.com")
        .secret("db-username", Value::text(12))
        .secret("db-password", Value::password(32))
        .into()
}

fn gcp(account: ServiceAccount) -> Vault {
    GcpSecretManager::of_project("my-project-id")
        .service_account(
            "external-secrets@my-project-id.iam.gserviceaccount.com",
            account.workload_identity_users([READER]),
        )
        .secret("openai-api-key", Value::text(51))
        .secret("huggingface-token", Value::hex(37))
        .into()
}

fn hashicorp(policies: &[&'static str]) -> Vault {
    let role = AuthRole::trusting([READER])
        .policies(policies.iter().copied())
        .ttl(HOUR);
    let fields = [
        ("username", Value::uuid()),
        ("password", Value::password(32)),
    ];
    HashicorpVault::at("https://vault.example.com")
        .policy("notebooks", [("secret/data/git/*", [Capability::Read])])
        .kubernetes_role("jupyter-validator", role)
        .secret("secret/git/credentials", fields)
        .into()
}

fn one_password(scope: &str) -> Vault {
    let token = ConnectToken::in_secret("external-secrets-system/onepassword-connect-token")
        .access(scope, [VaultAccess::Read]);
    let fields = [
        ("username", Value::text(12)),
        ("password", Value::password(32)),
    ];
    OnePasswordConnect::at("https://connect.example.com", ["production", "other"])
        .token("external-secrets", token)
        .secret("production/mlflow", fields)
        .into()
}

/// Applies the record's manifests of a vault.
#[track_caller]
fn with_manifests(folder: &str, vault: Vault) -> Result<Lab> {
    let lab = Lab::builder().vault(folder, vault).start()?;
    // The record's own store for Azure has an `identityId` that ESO cannot use.
    let store = match folder {
        "azure" => "store-corrected",
        _ => "store",
    };
    for manifest in ["cluster", store, "externalsecret"] {
        let path = format!("../../scenarios/seed/{folder}/manifests/{manifest}.yaml");
        lab.apply(path)?;
    }
    Ok(lab)
}

#[rstest]
#[case::aws("aws", aws(IamRole::trusting([READER])), "aws-credentials", "prod/notebook/aws")]
#[case::azure(
    "azure",
    azure(KeyVaultRole::SecretsUser),
    "database-credentials",
    "db-password"
)]
#[case::gcp("gcp", gcp(ServiceAccount::new()), "api-keys", "openai-api-key")]
#[case::vault("vault", hashicorp(&["notebooks"]), "git-credentials", "secret/git/credentials")]
#[case::one_password(
    "onepassword",
    one_password("production"),
    "mlflow-credentials",
    "production/mlflow"
)]
fn a_declared_vault_is_synced_and_rotated(
    #[case] name: &str,
    #[case] vault: Vault,
    #[case] synced: &str,
    #[case] rotated: &str,
) -> Result {
    let lab = with_manifests(name, vault)?;
    let is_current = || secret(&format!("notebook-validation/{synced}")).is(Version::Current);
    lab.expect(is_current().within(10 * SECOND))?;
    lab.rotate(format!("{name}/{rotated}").as_str())?;
    assert!(lab.expect(is_current()).is_err());
    lab.expect(is_current().within(REFRESH + 10 * SECOND))?;
    Ok(())
}

#[rstest]
#[case::aws_trusts_another("aws", aws(IamRole::trusting(["team/other"])), "aws-credentials")]
#[case::aws_allows_another("aws", aws(IamRole::trusting([READER]).allow(["secretsmanager:*"], ["other"])), "aws-credentials")]
#[case::aws_wants_another_audience("aws", aws(IamRole::trusting([READER]).audience("other")), "aws-credentials")]
#[case::azure("azure", azure(KeyVaultRole::Reader), "database-credentials")]
#[case::gcp("gcp", gcp(ServiceAccount::new().allow(["roles/secretmanager.viewer"], ["*"])), "api-keys")]
#[case::vault("vault", hashicorp(&[]), "git-credentials")]
#[case::one_password("onepassword", one_password("other"), "mlflow-credentials")]
fn who_is_not_declared_is_refused(
    #[case] name: &str,
    #[case] vault: Vault,
    #[case] synced: &str,
) -> Result {
    let lab = with_manifests(name, vault)?;
    let synced = format!("notebook-validation/{synced}");
    lab.expect(secret(&synced).absent().throughout(60 * SECOND))?;
    assert!(
        lab.expect(externalsecret(&synced).ready("SecretSynced"))
            .is_err()
    );
    Ok(())
}

#[test]
fn static_credentials_are_delivered_into_the_cluster() -> Result {
    let aws = AwsSecretsManager::new().region("eu-central-1").access_key(
        "ci",
        AccessKey::in_secret("team/aws-key", "id", "secret")
            .allow(["secretsmanager:GetSecretValue"], ["*"]),
    );
    let vault = HashicorpVault::at("https://vault.example.com")
        .engine("legacy", EngineKind::KvV1)
        .token("ci", StaticToken::in_secret("team/vault-token").key("it"))
        .secret("legacy/db", [("password", "given")]);
    let gcp = GcpSecretManager::of_project("p")
        .cluster("here", "it")
        .service_account(
            "ci@p.iam.gserviceaccount.com",
            ServiceAccount::new().key_in_secret("team/gcp-key", "key.json"),
        );
    let connect = OnePasswordConnect::at("https://connect.example.com", ["v"]).token(
        "ci",
        ConnectToken::in_secret("team/op-token").key("it").ttl(HOUR),
    );
    let lab = Lab::builder()
        .vault("aws", aws)
        .vault("vault", vault)
        .vault("gcp", gcp)
        .vault("connect", connect)
        .start()?;
    lab.expect(secret("team/aws-key").has_keys(["id", "secret"]))?;
    lab.expect(secret("team/vault-token").has_keys(["it"]))?;
    lab.expect(secret("team/gcp-key").has_keys(["key.json"]))?;
    lab.expect(secret("team/op-token").has_keys(["it"]))?;
    lab.rotate("vault/legacy/db")?;
    Ok(())
}

#[test]
fn a_vault_can_be_declared_as_in_a_scenario_file() -> Result {
    let declared = Vault::yaml(
        "kind: hashicorp-vault\naddress: https://vault.example.com\nsecrets:\n  secret/db: { password: given }",
    );
    let lab = Lab::builder().vault("vault", declared).start()?;
    lab.rotate("vault/secret/db")?;
    let wrong = Lab::builder().vault("v", Vault::yaml("{ kind: sealed-envelope }"));
    let shown = wrong.start().err().unwrap().to_string();
    assert!(shown.contains("sealed-envelope"), "{shown}");
    Ok(())
}
