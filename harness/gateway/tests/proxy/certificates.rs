//! The authority and its leaves, as a strict client sees them.

use std::sync::Arc;
use std::time::Duration;

use rotaproof_base::{Clock, Dial, Entropy};
use rotaproof_egress::{Client, Error};
use rotaproof_gateway::{Config, Gateway};
use rstest::rstest;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{World, get};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn a_client_that_trusts_another_authority_refuses_the_gateway() {
    let world = World::new();
    let config = Config {
        clock: world.clock.clone(),
        entropy: Entropy::from_seed(1),
    };
    let other = Gateway::new(config).unwrap();
    let client = Client::builder(world.clock.clone())
        .through_proxy(Arc::new(world.dialer.clone()))
        .trust_pem(other.ca_pem())
        .build()
        .unwrap();
    let refused = client
        .send(get("https://vault.example/"))
        .await
        .unwrap_err();
    let Error::Tls { message, .. } = refused else {
        panic!("{refused}");
    };
    assert!(message.starts_with("invalid peer certificate"), "{message}");
    assert!(world.gateway.journal().is_empty());
}

#[rstest]
#[case(1)]
#[case(59)]
#[case(60)]
#[case(91)]
#[case(365)]
#[case(20 * 365)]
#[tokio::test(start_paused = true)]
async fn certificates_are_valid_and_renewed_as_virtual_time_goes_by(#[case] days: u32) {
    let world = World::new();
    let client = world.client();
    client.send(get("https://vault.example/")).await.unwrap();
    tokio::time::sleep(DAY * days).await;
    let kept = client.send(get("https://vault.example/")).await.unwrap();
    assert_eq!(
        kept.status(),
        200,
        "an open connection outlives its certificate"
    );
    let anew = client
        .fresh()
        .send(get("https://vault.example/"))
        .await
        .unwrap();
    assert_eq!(anew.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_clock_is_far_off_refuses_the_certificate() {
    let world = World::new();
    for at in ["2025-10-01T00:00:00Z", "2027-01-01T00:00:00Z"] {
        let clock = Clock::starting_at(at.parse().unwrap());
        let client = Client::builder(clock)
            .through_proxy(Arc::new(world.dialer.clone()))
            .trust_pem(world.gateway.ca_pem())
            .build()
            .unwrap();
        let refused = client
            .send(get("https://vault.example/"))
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Tls { .. }), "{at}: {refused}");
    }
}

#[rstest]
#[case("0001-01-01T00:00:00Z")]
#[case("-000004-02-29T00:00:00Z")]
#[case("9999-12-30T00:00:00Z")]
#[tokio::test]
async fn a_clock_at_the_end_of_time_does_not_stop_the_gateway(#[case] at: &str) {
    let clock = Clock::starting_at(at.parse().unwrap());
    let entropy = Entropy::from_seed(1);
    let gateway = Gateway::new(Config { clock, entropy }).unwrap();
    assert!(gateway.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test(start_paused = true)]
async fn another_name_in_the_tls_hello_changes_neither_certificate_nor_vault() {
    let world = World::new();
    let mut stream = world.dialer.dial().await.unwrap();
    stream
        .write_all(b"CONNECT vault.example:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 19];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK\r\n\r\n");
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(world.gateway.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(world.clock.clone()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("evil.example").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let error = connector
        .connect(name, stream)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("vault.example"), "{error}");
    let answer = world
        .client()
        .send(get("https://vault.example/"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}
