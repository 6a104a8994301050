//! HTTPS through a forward proxy.

use std::fs;
use std::sync::{Arc, Mutex};

use rotaproof_base::{BoxIo, TaskGroup};
use rotaproof_releases::{Proxies, Registry};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Desk;
use crate::eso;
use crate::support::server::Server;

const HOST: &str = "registry.example";

/// A CONNECT proxy that knows one host.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: TaskGroup,
}

impl Proxy {
    async fn to(server: String, status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let tasks = TaskGroup::new();
        let (connections, heads) = (tasks.handle(), asked.clone());
        tasks.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, heads) = (server.clone(), heads.clone());
                connections.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await.unwrap());
                    }
                    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
                    let answer = format!("HTTP/1.1 {status}\r\n\r\n");
                    client.write_all(answer.as_bytes()).await.unwrap();
                    if status.starts_with('2') {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        // Either side may end it.
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }
}

/// A registry with a certificate for its name, and the authority's certificate.
async fn registry() -> (Server, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(authority, key);
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::wrapped(Arc::new(move |stream| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let stream: BoxIo = Box::new(acceptor.accept(stream).await?);
            Ok(stream)
        })
    }))
    .await;
    server.image("v2.9.0", &eso());
    (server, certificate.pem())
}

/// A desk whose registry is at [`HOST`], behind the proxy.
async fn desk(proxy: &Proxy, authority: &str) -> Desk {
    let mut desk = Desk::new().await;
    desk.settings.registry = Registry::parse(HOST).unwrap();
    let url = format!("http://ann:s3cret@{}", proxy.address);
    desk.settings.proxies = Proxies::from_env(|name| (name == "HTTPS_PROXY").then(|| url.clone()));
    let file = desk.cache.path().join("authority.pem");
    fs::write(&file, authority).unwrap();
    desk.settings.authorities = Some(file);
    desk
}

#[tokio::test]
async fn a_registry_is_reached_through_the_proxy_with_its_password() {
    let (server, authority) = registry().await;
    let proxy = Proxy::to(server.address.to_string(), "200 OK").await;
    let desk = desk(&proxy, &authority).await;
    desk.resolve("2.9.0").await.unwrap();
    let asked = proxy.asked.lock().unwrap().clone();
    assert!(!asked.is_empty());
    for head in asked {
        assert!(
            head.starts_with("CONNECT registry.example:443 HTTP/1.1\r\n"),
            "{head}"
        );
        // ann:s3cret
        assert!(
            head.contains("authorization: Basic YW5uOnMzY3JldA=="),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (server, _) = registry().await;
    let (_, other) = registry().await;
    let proxy = Proxy::to(server.address.to_string(), "200 OK").await;
    let error = desk(&proxy, &other).await.error("2.9.0").await;
    assert!(
        error.starts_with("cannot reach registry.example:443: TLS: "),
        "{error}"
    );
    assert!(error.contains("SSL_CERT_FILE"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let (server, authority) = registry().await;
    let proxy = Proxy::to(
        server.address.to_string(),
        "407 Proxy Authentication Required",
    )
    .await;
    let error = desk(&proxy, &authority).await.error("2.9.0").await;
    let expected = format!(
        "cannot reach the proxy {}: it answered 407 Proxy Authentication Required to CONNECT registry.example:443; ",
        proxy.address
    );
    assert!(error.starts_with(&expected), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}
