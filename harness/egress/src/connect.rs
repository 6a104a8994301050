//! From a dialled stream to an HTTP connection: CONNECT, TLS, the protocol that was negotiated.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::{http1, http2};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use rotaproof_base::{BoxIo, Dial, TaskGroup};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::metered::Metered;
use crate::owned::Owned;
use crate::pool::{Connection, Sender};
use crate::target::Target;

/// What is kept of the words with which a proxy refuses.
const MAX_REFUSAL: usize = 4 * 1024;

/// The way to every server.
#[derive(Clone)]
pub(crate) enum Route {
    /// Through a forward proxy.
    Proxy(Arc<dyn Dial>),
    /// Straight to one server, whatever the host is called.
    Direct(Arc<dyn Dial>),
}

impl Route {
    /// Opens a connection to the target.
    pub(crate) async fn open(
        &self,
        target: &Target,
        tls: &Arc<ClientConfig>,
        tasks: &TaskGroup,
    ) -> Result<Connection, Error> {
        let (Self::Proxy(dialer) | Self::Direct(dialer)) = self;
        let stream = dialer.dial().await.map_err(|source| Error::Dial {
            target: target.authority.clone(),
            source,
        })?;
        if !target.secure {
            return speak(target, stream, false, tasks).await;
        }
        let stream = match self {
            Self::Proxy(_) => tunnel(target, stream, tasks).await?,
            Self::Direct(_) => stream,
        };
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| Error::Target(format!("https://{}", target.authority)))?;
        let stream = TlsConnector::from(tls.clone())
            .connect(name, stream)
            .await
            .map_err(|error| Error::handshake(&target.authority, &error))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        speak(target, Box::new(stream), http2, tasks).await
    }
}

/// Asks the proxy for a tunnel to the target.
async fn tunnel(target: &Target, stream: BoxIo, tasks: &TaskGroup) -> Result<BoxIo, Error> {
    let failed = |error: hyper::Error| Error::exchange(&target.authority, &error);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    tasks.spawn(async move {
        // Its error reaches the sender.
        let _ = connection.with_upgrades().await;
    });
    let invalid = |_| Error::Target(target.authority.clone());
    let host = HeaderValue::try_from(&target.authority).map_err(|e| invalid(e.into()))?;
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(&target.authority)
        .header(header::HOST, host)
        .body(Empty::<Bytes>::new())
        .map_err(invalid)?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let status = answer.status();
    if !status.is_success() {
        // hyper keeps a phrase that is not the status's own.
        let reason = match answer.extensions().get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let body = Limited::new(answer.into_body(), MAX_REFUSAL)
            .collect()
            .await
            .map(|body| {
                String::from_utf8_lossy(&body.to_bytes())
                    .trim_end()
                    .to_owned()
            })
            .unwrap_or_default();
        return Err(Error::ProxyRefused {
            target: target.authority.clone(),
            status,
            reason,
            body,
        });
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(failed)?;
    // The bare stream again, without a layer that would stay in the path of every byte; unless the proxy sent
    // something after its answer, which then has to be read first.
    Ok(match upgraded.downcast::<TokioIo<BoxIo>>() {
        Ok(parts) if parts.read_buf.is_empty() => parts.io.into_inner(),
        Ok(parts) => {
            let early = std::io::Cursor::new(parts.read_buf);
            let (read, write) = tokio::io::split(parts.io.into_inner());
            Box::new(tokio::io::join(
                tokio::io::AsyncReadExt::chain(early, read),
                write,
            ))
        }
        Err(upgraded) => Box::new(TokioIo::new(upgraded)),
    })
}

/// Starts HTTP on a stream.
async fn speak(
    target: &Target,
    stream: BoxIo,
    http2: bool,
    tasks: &TaskGroup,
) -> Result<Connection, Error> {
    let failed = |error: hyper::Error| Error::exchange(&target.authority, &error);
    let (stream, meter) = Metered::new(stream);
    let stream = TokioIo::new(stream);
    let sender = if http2 {
        let (sender, connection) = http2::handshake(Owned(tasks.handle()), stream)
            .await
            .map_err(failed)?;
        tasks.spawn(async move {
            let _ = connection.await;
        });
        Sender::Http2(sender)
    } else {
        let (sender, connection) = http1::handshake(stream).await.map_err(failed)?;
        tasks.spawn(async move {
            let _ = connection.await;
        });
        Sender::Http1(sender)
    };
    Ok(Connection { sender, meter })
}
