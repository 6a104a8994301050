//! The client: settings, one exchange, and the one retry.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use rotaproof_base::{Clock, Dial};
use rustls::ClientConfig;

use crate::Error;
use crate::connect::Route;
use crate::pool::{Connection, Pool};
use crate::target::Target;
use crate::trust;

/// The largest body of an answer, in bytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// The trailers of an answer, among its extensions, where it has some.
#[derive(Clone, Debug)]
pub struct Trailers(pub HeaderMap);

/// What to build a [`Client`] from.
pub struct Builder {
    clock: Clock,
    route: Option<Route>,
    trusted: Vec<String>,
    http2: bool,
}

impl Builder {
    /// Goes through a forward proxy: CONNECT for `https`, absolute-form for `http`.
    pub fn through_proxy(mut self, dialer: Arc<dyn Dial>) -> Self {
        self.route = Some(Route::Proxy(dialer));
        self
    }

    /// Goes straight to one server, whatever host a request names.
    pub fn direct(mut self, dialer: Arc<dyn Dial>) -> Self {
        self.route = Some(Route::Direct(dialer));
        self
    }

    /// Trusts these certificate authorities (PEM, one or several). Without any, no `https` server is trusted.
    pub fn trust_pem(mut self, pem: &str) -> Self {
        self.trusted.push(pem.to_owned());
        self
    }

    /// Offers HTTP/2 before HTTP/1.1 to `https` servers.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Makes the client.
    pub fn build(self) -> Result<Client, Error> {
        let route = self.route.ok_or(Error::NoRoute)?;
        let mut protocols = vec![b"http/1.1".to_vec()];
        if self.http2 {
            protocols.insert(0, b"h2".to_vec());
        }
        Ok(Client {
            tls: trust::config(&self.clock, &self.trusted, protocols)?,
            clock: self.clock,
            route,
            pool: Arc::default(),
        })
    }
}

/// An HTTP client. Clones share their connections, which close with the last clone.
#[derive(Clone)]
pub struct Client {
    clock: Clock,
    route: Route,
    tls: Arc<ClientConfig>,
    pool: Arc<Pool>,
}

impl Client {
    /// Starts a client whose certificate checks read this clock.
    pub fn builder(clock: Clock) -> Builder {
        Builder {
            clock,
            route: None,
            trusted: Vec::new(),
            http2: false,
        }
    }

    /// The same settings without any open connection.
    pub fn fresh(&self) -> Self {
        self.with_tls(self.tls.clone())
    }

    /// The same settings without any open connection, and with these certificate authorities (PEM, one or several)
    /// in place of the trusted ones.
    pub fn trusting(&self, pem: &str) -> Result<Self, Error> {
        let protocols = self.tls.alpn_protocols.clone();
        let tls = trust::config(&self.clock, &[pem.to_owned()], protocols)?;
        Ok(self.with_tls(tls))
    }

    /// The same settings without any open connection, and nothing but HTTP/2 offered to `https` servers, as a gRPC
    /// client does.
    pub fn only_http2(&self) -> Self {
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols = vec![b"h2".to_vec()];
        self.with_tls(Arc::new(tls))
    }

    fn with_tls(&self, tls: Arc<ClientConfig>) -> Self {
        Self {
            clock: self.clock.clone(),
            route: self.route.clone(),
            tls,
            pool: Arc::default(),
        }
    }

    /// Sends a request with an absolute URI and reads the whole answer, of whatever status.
    ///
    /// On a connection that was kept alive, the request is sent once more where the connection turns out to be
    /// closed: any request that was not written, and those that may be repeated (GET, HEAD, OPTIONS, TRACE)
    /// where no byte of an answer came (as Go's `net/http`, `persistConn.shouldRetryRequest`).
    ///
    /// Dropping the future closes the connection, or resets the stream of an HTTP/2 connection.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let target = Target::of(request.uri())?;
        let (parts, body) = request.into_parts();
        if let Some(mut connection) = self.reuse(&target).await {
            let begun = connection.meter.read();
            let request = self.written(&target, &connection, &parts, &body)?;
            match connection.send(request).await {
                Ok(answer) => return self.read(&target, connection, answer).await,
                Err(error) => {
                    let unsent = error.is_canceled();
                    let repeatable = matches!(
                        parts.method,
                        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
                    );
                    let unanswered = repeatable && connection.meter.read() == begun;
                    if !unsent && !unanswered {
                        return Err(Error::exchange(&target.authority, &error));
                    }
                }
            }
        }
        let mut connection = self
            .route
            .open(&target, &self.tls, &self.pool.tasks)
            .await?;
        if connection.is_http2() {
            self.pool.put_shared(&target, &connection);
        }
        let request = self.written(&target, &connection, &parts, &body)?;
        let failed = |error| Error::exchange(&target.authority, &error);
        connection.ready().await.map_err(failed)?;
        let answer = connection.send(request).await.map_err(failed)?;
        self.read(&target, connection, answer).await
    }

    /// A kept connection that still takes requests.
    async fn reuse(&self, target: &Target) -> Option<Connection> {
        while let Some(mut connection) = self.pool.take(target) {
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
        None
    }

    /// The request in the form that the connection's protocol and the route ask for.
    fn written(
        &self,
        target: &Target,
        connection: &Connection,
        parts: &http::request::Parts,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = parts.method.clone();
        *request.headers_mut() = parts.headers.clone();
        let invalid = || Error::Target(parts.uri.to_string());
        if connection.is_http2() {
            *request.version_mut() = http::Version::HTTP_2;
            *request.uri_mut() = parts.uri.clone();
            request.headers_mut().remove(header::CONNECTION);
            return Ok(request);
        }
        if !request.headers().contains_key(header::HOST) {
            let authority = parts.uri.authority().ok_or_else(invalid)?.as_str();
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            let host = HeaderValue::try_from(host).map_err(|_| invalid())?;
            request.headers_mut().insert(header::HOST, host);
        }
        *request.uri_mut() = if matches!(self.route, Route::Proxy(_)) && !target.secure {
            parts.uri.clone()
        } else {
            match parts.uri.path_and_query() {
                Some(path) => Uri::from(path.clone()),
                None => Uri::from_static("/"),
            }
        };
        Ok(request)
    }

    /// Reads the body and keeps the connection.
    async fn read(
        &self,
        target: &Target,
        connection: Connection,
        answer: Response<hyper::body::Incoming>,
    ) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_BODY)
            .collect()
            .await
            .map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => Error::exchange(&target.authority, &error),
                Err(error) if error.is::<LengthLimitError>() => Error::BodyTooLarge {
                    target: target.authority.clone(),
                    limit: MAX_BODY,
                },
                Err(error) => Error::Malformed {
                    target: target.authority.clone(),
                    message: error.to_string(),
                },
            })?;
        if let Some(trailers) = body.trailers() {
            parts.extensions.insert(Trailers(trailers.clone()));
        }
        let body = body.to_bytes();
        if !connection.is_http2() {
            self.pool.put(target, connection);
        }
        Ok(Response::from_parts(parts, body))
    }
}
