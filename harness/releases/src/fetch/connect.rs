//! From a URI to a stream: dial, CONNECT where there is a proxy, TLS.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rotaproof_base::{BoxIo, TaskGroup};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Settings;

/// Why there is no stream: host and port, and the reason.
pub(crate) struct NoStream {
    pub(crate) host: String,
    pub(crate) reason: String,
}

/// TLS settings, made when first needed: the machine's authorities take their time to read.
#[derive(Default)]
pub(super) struct Tls(OnceLock<Result<Arc<ClientConfig>, String>>);

impl Tls {
    fn config(&self, authorities: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
        self.0.get_or_init(|| client_config(authorities)).clone()
    }
}

fn client_config(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let loaded = match authorities {
        Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added == 0 {
        let place = match authorities {
            Some(file) => format!("in SSL_CERT_FILE={}", file.display()),
            None => "on this machine (package ca-certificates)".into(),
        };
        return Err(format!("no certificate authorities {place}"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Opens a stream to the URI's server. The caller bounds the time.
pub(super) async fn connect(
    uri: &Uri,
    settings: &Settings,
    tls: &Tls,
    tasks: &TaskGroup,
) -> Result<BoxIo, NoStream> {
    let host = uri.host().unwrap_or_default();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let target = format!("{host}:{port}");
    let failed = |reason: String| NoStream {
        host: target.clone(),
        reason,
    };
    let stream = match settings.proxies.of(uri) {
        None => dial(host, port).await.map_err(|e| failed(e.to_string()))?,
        Some(proxy) => through(&proxy, &target, tasks).await?,
    };
    if !secure {
        return Ok(stream);
    }
    let config = tls
        .config(settings.authorities.as_deref())
        .map_err(failed)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| failed(error.to_string()))?;
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| {
            failed(format!(
                "TLS: {error} (an authority of your own goes into SSL_CERT_FILE)"
            ))
        })?;
    Ok(Box::new(stream))
}

async fn dial(host: &str, port: u16) -> std::io::Result<BoxIo> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// A tunnel through a proxy.
async fn through(proxy: &Intercept, target: &str, tasks: &TaskGroup) -> Result<BoxIo, NoStream> {
    let uri = proxy.uri();
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(80);
    let failed = |reason: String| NoStream {
        host: format!("the proxy {host}:{port}"),
        reason,
    };
    if uri.scheme_str() != Some("http") {
        let scheme = uri.scheme_str().unwrap_or_default();
        return Err(failed(format!(
            "a proxy of the kind {scheme}:// is not known here, only http://"
        )));
    }
    let stream = dial(host, port).await.map_err(|e| failed(e.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(e.to_string()))?;
    tasks.spawn(async move {
        // Its error reaches the sender.
        let _ = connection.with_upgrades().await;
    });
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(target)
        .header(header::HOST, target);
    if let Some(credentials) = proxy.basic_auth() {
        let mut credentials: HeaderValue = credentials.clone();
        credentials.set_sensitive(true);
        request = request.header(header::PROXY_AUTHORIZATION, credentials);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|e| failed(e.to_string()))?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(|e| failed(e.to_string()))?;
    if !answer.status().is_success() {
        let status = answer.status();
        return Err(failed(format!("it answered {status} to CONNECT {target}")));
    }
    let upgraded = hyper::upgrade::on(answer)
        .await
        .map_err(|e| failed(e.to_string()))?;
    Ok(Box::new(TokioIo::new(upgraded)))
}
