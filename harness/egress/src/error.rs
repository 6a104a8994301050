//! What can go wrong between a request and its answer.

use std::error::Error as _;
use std::io;

use http::StatusCode;

use crate::CertificateFlaw;

/// Why there is no answer. Texts are fragments; they never hold a header or a body of the request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client was built without a way to connect.
    #[error("no dialer: the client goes neither through a proxy nor directly to a server")]
    NoRoute,
    /// The trusted certificates cannot be used.
    #[error("trusted certificates: {0}")]
    Trust(String),
    /// The request's URI is not absolute, or neither `http` nor `https`.
    #[error("{0:?} is not an absolute http or https address")]
    Target(String),
    /// No connection could be opened.
    #[error("dial {target}: {source}")]
    Dial {
        /// Where to, or on behalf of which `host:port`.
        target: String,
        /// The dialer's error.
        source: io::Error,
    },
    /// The proxy answered CONNECT with anything but 2xx.
    #[error("proxy refused {target}: {status}: {body}")]
    ProxyRefused {
        /// `host:port`.
        target: String,
        /// The proxy's status.
        status: StatusCode,
        /// The rest of its status line, which is all that Go's `net/http` tells of a refusal.
        reason: String,
        /// The proxy's words, cut at 4 KiB.
        body: String,
    },
    /// The TLS handshake failed; the text is rustls's.
    #[error("tls with {target}: {message}")]
    Tls {
        /// `host:port`.
        target: String,
        /// rustls's text, as `invalid peer certificate: UnknownIssuer`.
        message: String,
        /// What is wrong with the certificate, where that is the reason.
        flaw: Option<CertificateFlaw>,
    },
    /// The connection ended before the answer was complete.
    #[error("connection to {target} closed: {message}")]
    Closed {
        /// `host:port`.
        target: String,
        /// How it ended.
        message: String,
    },
    /// The answer's body exceeds [`crate::MAX_BODY`].
    #[error("answer of {target} exceeds {limit} bytes")]
    BodyTooLarge {
        /// `host:port`.
        target: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// What arrived is not HTTP.
    #[error("malformed answer of {target}: {message}")]
    Malformed {
        /// `host:port`.
        target: String,
        /// The parser's text.
        message: String,
    },
}

impl Error {
    /// Sorts one of hyper's errors.
    pub(crate) fn exchange(target: &str, error: &hyper::Error) -> Self {
        let target = target.to_owned();
        let message = described(error);
        if error.is_parse() {
            Self::Malformed { target, message }
        } else {
            Self::Closed { target, message }
        }
    }

    /// Sorts the error of a TLS handshake: what rustls says, or the end of the stream below it.
    pub(crate) fn handshake(target: &str, error: &io::Error) -> Self {
        let target = target.to_owned();
        match error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>())
        {
            Some(tls) => Self::Tls {
                target,
                message: tls.to_string(),
                flaw: CertificateFlaw::of(tls),
            },
            None => Self::Closed {
                target,
                message: format!("during the tls handshake: {error}"),
            },
        }
    }
}

/// hyper's text with its causes, which it leaves out of its own.
fn described(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
