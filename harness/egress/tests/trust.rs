//! Whom a client trusts, against servers with certificates of two authorities.

#![allow(clippy::unwrap_used, reason = "a test stops at the first failure")]

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rotaproof_base::{BoxIo, Clock, Listen, MemoryListener, TaskGroup, memory};
use rotaproof_egress::{CertificateFlaw, Client, Error};
use rstest::rstest;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A server's side of TLS: a certificate for `vault.example` of the years 2025 and 2026.
    fn server(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["vault.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key.into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers each request of each connection with 204.
fn serve(mut listener: MemoryListener, tls: TlsAcceptor, tasks: &TaskGroup) {
    let handle = tasks.handle();
    tasks.spawn(async move {
        while let Ok(stream) = listener.accept().await {
            let tls = tls.clone();
            handle.spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    answer(Box::new(stream)).await;
                }
            });
        }
    });
}

async fn answer(mut stream: BoxIo) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

/// A server of `authority`, and a client that trusts `trusted`.
fn world(authority: &Authority, trusted: &Authority, now: &str) -> (Client, TaskGroup) {
    let (dialer, listener) = memory();
    let tasks = TaskGroup::new();
    serve(listener, authority.server(), &tasks);
    let client = Client::builder(Clock::starting_at(now.parse().unwrap()))
        .direct(Arc::new(dialer))
        .trust_pem(&trusted.pem)
        .build()
        .unwrap();
    (client, tasks)
}

const NOW: &str = "2025-11-08T00:00:00Z";

async fn ask(client: &Client, host: &str) -> Result<u16, Error> {
    let request = Request::get(format!("https://{host}/")).body(Bytes::new());
    let answer = client.send(request.unwrap()).await?;
    Ok(answer.status().as_u16())
}

fn flaw(answer: Result<u16, Error>) -> Option<CertificateFlaw> {
    match answer {
        Err(Error::Tls { flaw, .. }) => flaw,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn another_trust_reaches_its_own_server_and_leaves_the_first_client_as_it_was() {
    let (own, other) = (Authority::named("own"), Authority::named("other"));
    let (client, _tasks) = world(&other, &own, NOW);
    let trusting = client.trusting(&other.pem).unwrap();
    assert_eq!(ask(&trusting, "vault.example").await.ok(), Some(204));
    let refused = flaw(ask(&client, "vault.example").await);
    assert_eq!(refused, Some(CertificateFlaw::UnknownAuthority));
}

#[rstest]
#[case::of_another_name("other")]
#[case::of_the_same_name("own")]
#[tokio::test(start_paused = true)]
async fn another_trust_refuses_a_server_of_the_first_even_where_a_connection_is_kept(
    #[case] name: &str,
) {
    let (own, other) = (Authority::named("own"), Authority::named(name));
    let (client, _tasks) = world(&own, &own, NOW);
    assert_eq!(ask(&client, "vault.example").await.ok(), Some(204));
    let trusting = client.trusting(&other.pem).unwrap();
    let refused = flaw(ask(&trusting, "vault.example").await);
    assert_eq!(refused, Some(CertificateFlaw::UnknownAuthority));
}

#[tokio::test(start_paused = true)]
async fn another_trust_may_be_several_authorities() {
    let (own, other) = (Authority::named("own"), Authority::named("other"));
    let (client, _tasks) = world(&other, &own, NOW);
    let both = client.trusting(&(own.pem + &other.pem)).unwrap();
    assert_eq!(ask(&both, "vault.example").await.ok(), Some(204));
}

#[rstest]
#[case::nothing("")]
#[case::no_pem("garbage")]
#[case::no_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
#[case::broken_base64("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")]
#[case::another_object("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
#[tokio::test(start_paused = true)]
async fn a_trust_without_a_certificate_is_refused(#[case] pem: &str) {
    let own = Authority::named("own");
    let (client, _tasks) = world(&own, &own, NOW);
    assert!(matches!(client.trusting(pem), Err(Error::Trust(_))));
}

#[rstest]
#[case("2027-01-01T00:00:01Z", CertificateFlaw::Expired { now: 1_798_761_601, not_after: 1_798_761_600 })]
#[case("2024-12-31T23:59:59Z", CertificateFlaw::NotYetValid { now: 1_735_689_599, not_before: 1_735_689_600 })]
#[tokio::test(start_paused = true)]
async fn a_certificate_is_refused_outside_its_time(
    #[case] now: &str,
    #[case] expected: CertificateFlaw,
) {
    let own = Authority::named("own");
    let (client, _tasks) = world(&own, &own, now);
    assert_eq!(flaw(ask(&client, "vault.example").await), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_another_host_is_refused_with_both_names() {
    let own = Authority::named("own");
    let (client, _tasks) = world(&own, &own, NOW);
    let expected = CertificateFlaw::OtherName {
        expected: "other.example".to_owned(),
        names: vec!["vault.example".to_owned()],
    };
    assert_eq!(flaw(ask(&client, "other.example").await), Some(expected));
}
