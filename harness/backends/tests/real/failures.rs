//! What breaks, and what is said of it.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rotaproof_backends::{AwsServer, Containers, Error, ImageName, Settings};
use rotaproof_base::Entropy;
use rotaproof_vaults::WriteError;
use rotaproof_vaults::Writer;
use rotaproof_vaults::hashicorp::{HashicorpConfig, HashicorpWriter, Mount, MountKind};
use tokio::time::Instant;

use crate::docker::{containers, docker};
use crate::lab::{Lab, Shared, fields, run, run_id, start, text, vault_only};

/// Has this program start containers and print what comes of it.
pub(crate) const START: &str = "ROTAPROOF_TEST_START";

pub(crate) fn plain(lab: &Lab) -> HashicorpConfig {
    HashicorpConfig {
        address: "vault.example.com".into(),
        clock: lab.clock.clone(),
        entropy: Entropy::from_seed(7),
        fingerprinter: lab.fingerprinter.clone(),
        mounts: vec![Mount {
            path: "secret".into(),
            kind: MountKind::KvV2,
        }],
        policies: BTreeMap::new(),
        kubernetes: Vec::new(),
        jwt: Vec::new(),
        tokens: Vec::new(),
    }
}

/// Something happens to the container between a write and the next requests; what is said of it, and how soon.
async fn after(settings: Settings, happens: impl Fn(&str)) -> (Lab, WriteError, (u16, String)) {
    let id = run_id();
    let containers = start(settings, &id).await;
    let lab = Lab::new();
    let vault = Arc::new(containers.hashicorp(plain(&lab), None).await.unwrap());
    let client = lab.attach(vault.clone());
    let (root, mounts) = (vault.root_token(), plain(&lab).mounts);
    let url = "http://vault.example.com";
    let writer = HashicorpWriter::new(client, url, root, mounts, lab.clock.clone());
    writer
        .create("secret/a", &fields(&[("k", "1")]))
        .await
        .unwrap();
    assert!(vault.check().await.is_ok());
    happens(&format!("rotaproof-{id}-vault-1"));
    let began = Instant::now();
    let written = writer.create("secret/b", &fields(&[("k", "1")])).await;
    let read = Request::get("https://vault.example.com/v1/secret/data/a").body(Bytes::new());
    let read = lab.operator().send(read.unwrap()).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    println!("told after {:.2?}", began.elapsed());
    (lab, written.unwrap_err(), text(read))
}

pub(crate) fn a_container_that_is_gone_is_an_error_and_no_hang(_: &Shared) {
    run(async {
        let gone = |container: &str| {
            docker(&["rm", "-f", container]).unwrap();
        };
        let (lab, written, (status, read)) = after(vault_only(), gone).await;
        assert!(matches!(written, WriteError::Failed { .. }), "{written}");
        assert!(written.to_string().contains("500"), "{written}");
        assert_eq!(status, 500);
        assert!(read.contains("does not answer"), "{read}");
        assert!(
            lab.last().contains(
                "kv-v2 read by - of secret/a gave [] refused the server in container rotaproof-"
            ),
            "{}",
            lab.last()
        );
    });
}

pub(crate) fn a_server_that_hangs_is_given_up(_: &Shared) {
    run(async {
        let settings = Settings {
            answer_within: Duration::from_secs(1),
            ..vault_only()
        };
        let hangs = |container: &str| {
            docker(&["pause", container]).unwrap();
        };
        let (_, written, (status, read)) = after(settings, hangs).await;
        assert!(matches!(written, WriteError::Failed { .. }), "{written}");
        assert_eq!(status, 500);
        assert!(read.contains("no answer in 1 s"), "{read}");
    });
}

async fn refusal(settings: Settings) -> (Error, Vec<String>) {
    let id = run_id();
    let entropy = Entropy::from_system().unwrap();
    let error = Containers::start(settings, &id, entropy)
        .await
        .err()
        .unwrap();
    (error, containers(&id.to_string()))
}

fn localstack_is(image: ImageName) -> Settings {
    Settings {
        aws: AwsServer::LocalStack,
        localstack_image: image,
        patience: Duration::from_secs(2),
        ..Settings::default()
    }
}

pub(crate) fn a_server_that_does_not_come_up_is_told_with_its_last_lines(_: &Shared) {
    run(async {
        // Nothing listens at LocalStack's port.
        let settings = localstack_is(ImageName::new("hashicorp/vault", "1.21.1"));
        let (error, left) = refusal(settings).await;
        assert!(matches!(error, Error::NotHealthy { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains("is not healthy after 2 s"), "{told}");
        // Vault prints its keys at its start.
        assert!(
            told.contains("its last lines") && !told.contains("Root Token"),
            "{told}"
        );
        assert_eq!(left, Vec::<String>::new());
    });
}

pub(crate) fn a_container_that_ends_at_once_is_told_with_its_exit_code(_: &Shared) {
    run(async {
        let (error, left) = refusal(localstack_is(ImageName::new("busybox", "1.37"))).await;
        assert!(matches!(error, Error::Ended { .. }), "{error}");
        let told = error.to_string();
        let expected = "(busybox:1.37) ended with exit code 0; it logged nothing";
        assert!(told.contains(expected), "{told}");
        assert_eq!(left, Vec::<String>::new());
    });
}

pub(crate) fn a_network_that_is_not_there_is_named_and_not_made(_: &Shared) {
    run(async {
        let settings = Settings {
            network: Some("rotaproof-no-such-network".into()),
            ..vault_only()
        };
        let (error, left) = refusal(settings).await;
        assert!(matches!(error, Error::NoNetwork { .. }), "{error}");
        assert_eq!(left, Vec::<String>::new());
        assert!(docker(&["network", "inspect", "rotaproof-no-such-network"]).is_err());
    });
}

pub(crate) fn an_image_that_is_nowhere_is_named(_: &Shared) {
    run(async {
        let image = ImageName::new("registry.invalid/none", "1");
        let (error, left) = refusal(localstack_is(image)).await;
        assert!(matches!(error, Error::NoImage { .. }), "{error}");
        let told = error.to_string();
        assert!(
            told.starts_with("the image registry.invalid/none:1 is not on this machine"),
            "{told}"
        );
        assert_eq!(left, Vec::<String>::new());
    });
}

/// The other side of [`START`].
pub(crate) fn start_and_tell() -> ExitCode {
    run(async {
        let entropy = Entropy::from_system().unwrap();
        match Containers::start(vault_only(), &run_id(), entropy).await {
            Ok(_) => println!("started"),
            Err(error) => println!("{error}"),
        }
    });
    ExitCode::SUCCESS
}

pub(crate) fn without_docker_the_error_says_what_to_do(_: &Shared) {
    let nowhere = std::env::temp_dir().join("rotaproof-no-docker.sock");
    let told = Command::new(std::env::current_exe().unwrap())
        .env(START, "1")
        .env("DOCKER_HOST", format!("unix://{}", nowhere.display()))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.starts_with("Docker is not reachable: "), "{told}");
    assert!(told.contains("set DOCKER_HOST"), "{told}");
}
