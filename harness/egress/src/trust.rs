//! Whom a client trusts, and what it found wrong with a server that it does not.

use std::sync::Arc;

use rotaproof_base::Clock;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::Error;

/// TLS that trusts these authorities alone, offering the protocols in this order.
pub(crate) fn config(
    clock: &Clock,
    trusted: &[String],
    protocols: Vec<Vec<u8>>,
) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    for pem in trusted {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|e| Error::Trust(e.to_string()))?;
            roots
                .add(certificate)
                .map_err(|e| Error::Trust(e.to_string()))?;
        }
        if roots.len() == before {
            return Err(Error::Trust("no certificate in the PEM text".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_details(provider, Arc::new(clock.clone()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Trust(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A new connection proves the server's certificate anew, whatever happened before.
    tls.resumption = Resumption::disabled();
    tls.alpn_protocols = protocols;
    Ok(Arc::new(tls))
}

/// What is wrong with a server's certificate. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// No trusted authority signed it.
    UnknownAuthority,
    /// It is not valid any more.
    Expired {
        /// When it was checked.
        now: u64,
        /// When it ended.
        not_after: u64,
    },
    /// It is not valid yet.
    NotYetValid {
        /// When it was checked.
        now: u64,
        /// When it begins.
        not_before: u64,
    },
    /// It is another host's.
    OtherName {
        /// The host that was asked for.
        expected: String,
        /// The DNS names and IP addresses that it is valid for.
        names: Vec<String>,
    },
}

impl CertificateFlaw {
    /// The flaw that rustls found, if it is one of these.
    pub(crate) fn of(error: &rustls::Error) -> Option<Self> {
        let rustls::Error::InvalidCertificate(error) = error else {
            return None;
        };
        let seconds = UnixTime::as_secs;
        match error {
            // An authority of the same name with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Some(Self::UnknownAuthority)
            }
            CertificateError::ExpiredContext { time, not_after } => Some(Self::Expired {
                now: seconds(time),
                not_after: seconds(not_after),
            }),
            CertificateError::NotValidYetContext { time, not_before } => Some(Self::NotYetValid {
                now: seconds(time),
                not_before: seconds(not_before),
            }),
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => Some(Self::OtherName {
                expected: expected.to_str().into_owned(),
                names: presented.iter().filter_map(|name| bare(name)).collect(),
            }),
            _ => None,
        }
    }
}

/// The name in webpki's `DnsName("vault.example")` or `IpAddress(10.0.0.1)`.
fn bare(presented: &str) -> Option<String> {
    let name = presented
        .strip_prefix("DnsName(\"")
        .and_then(|rest| rest.strip_suffix("\")"))
        .or_else(|| {
            let rest = presented.strip_prefix("IpAddress(")?;
            rest.strip_suffix(')')
        });
    name.map(str::to_owned)
}
