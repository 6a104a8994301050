//! An AWS account on LocalStack, through the writer and as an operator with a role.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rotaproof_backends::Error;
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_egress::Client;
use rotaproof_vaults::aws::{self, AwsConfig, AwsVault, AwsWriter, Credentials, Role, Statement};
use rotaproof_vaults::{Removal, Strategy, Vault, Writer};
use serde_json::json;
use tokio::time::Instant;

use crate::lab::{Lab, Shared, fields, run, text};

const REGION: &str = "us-east-1";

fn config(lab: &Lab, issuer: &Issuer, account: &str) -> AwsConfig {
    let allow = |actions: &[&str], secrets: &str| Statement {
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
        secrets: vec![secrets.to_owned()],
    };
    AwsConfig {
        region: REGION.into(),
        account: account.into(),
        clock: lab.clock.clone(),
        entropy: Entropy::from_seed(7),
        fingerprinter: lab.fingerprinter.clone(),
        verifier: issuer.verifier(),
        roles: vec![Role {
            arn: format!("arn:aws:iam::{account}:role/eso"),
            trusts: vec![("external-secrets".into(), "eso".into())],
            audience: "sts.amazonaws.com".into(),
            allows: vec![
                allow(&["secretsmanager:GetSecretValue"], "prod/*"),
                allow(&["secretsmanager:BatchGetSecretValue"], "*"),
            ],
        }],
        keys: Vec::new(),
    }
}

fn writer(lab: &Lab, client: Client, administrator: &Credentials) -> AwsWriter {
    AwsWriter::new(
        client,
        &aws::endpoint(REGION),
        REGION,
        administrator,
        lab.clock.clone(),
        Entropy::from_seed(9),
    )
}

/// What STS gives a service account for its token.
async fn assume(client: &Client, lab: &Lab, issuer: &Issuer, account: &str) -> Credentials {
    let now = lab.clock.unix_seconds();
    let token = issuer.sign(&json!({
        "iss": issuer.url(), "sub": "system:serviceaccount:external-secrets:eso",
        "aud": ["sts.amazonaws.com"], "iat": now, "nbf": now, "exp": now + 3600,
    }));
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &format!("arn:aws:iam::{account}:role/eso"))
        .append_pair("RoleSessionName", "eso")
        .append_pair("WebIdentityToken", &token.unwrap())
        .finish();
    let request = Request::post("https://sts.us-east-1.amazonaws.com/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form));
    let (status, xml) = text(client.send(request.unwrap()).await.unwrap());
    assert_eq!(status, 200, "{xml}");
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
        rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
    };
    Credentials {
        access_key_id: element("AccessKeyId"),
        secret_access_key: SecretValue::new(element("SecretAccessKey")),
        session_token: Some(SecretValue::new(element("SessionToken"))),
    }
}

/// A day of an account: every way of writing, each followed by an operator's look; returns the journal.
async fn day(
    lab: &Lab,
    vault: Arc<dyn Vault>,
    administrator: &Credentials,
    issuer: &Issuer,
    account: &str,
) -> Vec<String> {
    let writer = writer(lab, lab.attach(vault), administrator);
    let operator = lab.operator();
    let role = assume(&operator, lab, issuer, account).await;
    let mut forged = role.clone();
    forged.secret_access_key = SecretValue::new("not the key");
    let sdk = |credentials: &Credentials| {
        aws::sdk(
            operator.clone(),
            "https://secretsmanager.us-east-1.amazonaws.com",
            REGION,
            credentials,
            lab.clock.clone(),
        )
    };
    let (eso, forger) = (sdk(&role), sdk(&forged));
    let look = async |id: &str| {
        // Refusals are in the journal.
        let _ = eso.get_secret_value().secret_id(id).send().await;
    };
    const SECRET: &str = "prod/notebook";
    look(SECRET).await;
    let one = fields(&[("user", "a"), ("password", "1")]);
    writer.create(SECRET, &one).await.unwrap();
    look(SECRET).await;
    assert!(writer.create(SECRET, &one).await.is_err());
    let two = fields(&[("user", "a"), ("password", "2")]);
    let second = writer
        .rotate(SECRET, &two, Some(&one), Strategy::Put)
        .await
        .unwrap();
    look(SECRET).await;
    let three = fields(&[("user", "a"), ("password", "3")]);
    writer
        .rotate(SECRET, &three, Some(&two), Strategy::Staged)
        .await
        .unwrap();
    look(SECRET).await;
    let described = eso.describe_secret().secret_id(SECRET).send().await;
    assert!(described.is_err(), "the role may only read values");
    writer
        .roll_back(SECRET, &second.version, &two)
        .await
        .unwrap();
    look(SECRET).await;
    let _ = eso
        .get_secret_value()
        .secret_id(SECRET)
        .version_stage("AWSPREVIOUS")
        .send()
        .await;
    let _ = forger.get_secret_value().secret_id(SECRET).send().await;
    writer.create("dev/other", &one).await.unwrap();
    look("dev/other").await;
    writer.remove(SECRET, Removal::Recoverable).await.unwrap();
    look(SECRET).await;
    writer.restore(SECRET).await.unwrap();
    look(SECRET).await;
    writer.remove(SECRET, Removal::Forced).await.unwrap();
    look(SECRET).await;
    lab.journal()
}

pub(crate) fn the_journal_of_an_account_reads_as_with_the_built_in_vault(shared: &Shared) {
    let containers = shared.localstack();
    run(async {
        const ACCOUNT: &str = "111111111111";
        let issuer = Issuer::generate("https://oidc.cluster.example").unwrap();
        let lab = Lab::new();
        let vault = Arc::new(AwsVault::new(config(&lab, &issuer, ACCOUNT)));
        let administrator = vault.administrator();
        let expected = day(&lab, vault, &administrator, &issuer, ACCOUNT).await;
        let lab = Lab::new();
        let config = config(&lab, &issuer, ACCOUNT);
        let vault = Arc::new(containers.aws(config).await.unwrap());
        let administrator = vault.administrator();
        let found = day(&lab, vault, &administrator, &issuer, ACCOUNT).await;
        for line in [
            "gave [prod/notebook@",
            "refused InvalidSignatureException",
            "refused AccessDeniedException",
        ] {
            assert!(
                found.iter().any(|entry| entry.contains(line)),
                "{line}\n{found:#?}"
            );
        }
        assert_eq!(found, expected);
    });
}

pub(crate) fn a_batch_shows_only_what_the_caller_may_read(shared: &Shared) {
    let containers = shared.localstack();
    run(async {
        const ACCOUNT: &str = "222222222222";
        let issuer = Issuer::generate("https://oidc.cluster.example").unwrap();
        let lab = Lab::new();
        let vault = Arc::new(
            containers
                .aws(config(&lab, &issuer, ACCOUNT))
                .await
                .unwrap(),
        );
        let administrator = vault.administrator();
        let writer = writer(&lab, lab.attach(vault), &administrator);
        let shown = writer
            .create("prod/a", &fields(&[("k", "1")]))
            .await
            .unwrap();
        writer
            .create("dev/b", &fields(&[("k", "2")]))
            .await
            .unwrap();
        let operator = lab.operator();
        let role = assume(&operator, &lab, &issuer, ACCOUNT).await;
        let endpoint = "https://secretsmanager.us-east-1.amazonaws.com";
        let sdk = aws::sdk(operator, endpoint, REGION, &role, lab.clock.clone());
        let batch = sdk.batch_get_secret_value();
        let batch = batch.secret_id_list("prod/a").secret_id_list("dev/b");
        let answer = batch.send().await.unwrap();
        let names: Vec<_> = answer
            .secret_values()
            .iter()
            .filter_map(|s| s.name())
            .collect();
        assert_eq!(names, ["prod/a"]);
        let codes: Vec<_> = answer
            .errors()
            .iter()
            .filter_map(|e| e.error_code())
            .collect();
        assert_eq!(codes, ["AccessDeniedException"]);
        let value = lab.fingerprinter.of(br#"{"k":"1"}"#);
        let served = format!("gave [prod/a@{}={value}] refused -", shown.version);
        assert!(lab.last().ends_with(&served), "{}", lab.last());
    });
}

pub(crate) fn a_scenario_finds_nothing_of_the_one_before(shared: &Shared) {
    let containers = shared.localstack();
    run(async {
        const ACCOUNT: &str = "333333333333";
        let issuer = Issuer::generate("https://oidc.cluster.example").unwrap();
        for _ in 0..2 {
            let lab = Lab::new();
            let began = Instant::now();
            let vault = containers
                .aws(config(&lab, &issuer, ACCOUNT))
                .await
                .unwrap();
            println!("LocalStack emptied in {:.1?}", began.elapsed());
            let administrator = vault.administrator();
            let writer = writer(&lab, lab.attach(Arc::new(vault)), &administrator);
            // Both would be refused if they were there, the second because it waits for its deletion.
            for secret in ["prod/a", "prod/b"] {
                writer.create(secret, &fields(&[("k", "1")])).await.unwrap();
            }
            writer.remove("prod/b", Removal::Recoverable).await.unwrap();
            let began = Instant::now();
            for _ in 0..100 {
                writer.read("prod/a").await.unwrap();
            }
            println!("a read through LocalStack: {:.2?}", began.elapsed() / 100);
        }
    });
}

pub(crate) fn an_account_is_one_scenarios_at_a_time(shared: &Shared) {
    let containers = shared.localstack();
    run(async {
        const ACCOUNT: &str = "444444444444";
        let issuer = Issuer::generate("https://oidc.cluster.example").unwrap();
        let lab = Lab::new();
        let first = containers
            .aws(config(&lab, &issuer, ACCOUNT))
            .await
            .unwrap();
        // Another account is free meanwhile.
        let other = containers.aws(config(&lab, &issuer, "444444444445"));
        assert!(other.await.is_ok());
        let busy = containers.aws(config(&lab, &issuer, ACCOUNT)).await;
        assert!(matches!(busy, Err(Error::Busy { .. })));
        drop(first);
        assert!(containers.aws(config(&lab, &issuer, ACCOUNT)).await.is_ok());
    });
}
