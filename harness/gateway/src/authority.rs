//! The gateway's certificate authority, and the leaf certificate of each host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rotaproof_base::{Clock, Entropy};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use crate::Error;
use crate::fault::BadCertificate;

/// Long enough for any soak in virtual time.
const AUTHORITY_YEARS: i64 = 100;
const LEAF_DAYS: i64 = 90;
/// A leaf that ends sooner than this is replaced at the next handshake.
const RENEW_BEFORE_DAYS: i64 = 30;
/// Leaves kept. The hosts of a pattern are unbounded, a scenario's are few.
const MAX_LEAVES: usize = 1024;

/// This machine, as its own users call it.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Signs a certificate for whatever host a client connects to. Clones are the same authority.
#[derive(Clone)]
pub struct Authority(Arc<Signer>);

struct Signer {
    clock: Clock,
    entropy: Entropy,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// One key for all leaves: making one costs more than signing a certificate, and nothing is gained by many.
    leaf_key: KeyPair,
    leaf_signer: Arc<dyn SigningKey>,
    provider: Arc<CryptoProvider>,
    leaves: Mutex<BTreeMap<Arc<str>, Leaf>>,
}

struct Leaf {
    renew_at: Timestamp,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// A new one, with a key of its own. Certificates are valid around the clock's time.
    ///
    /// # Errors
    /// Where a key or a certificate cannot be made.
    pub fn new(clock: Clock, entropy: Entropy) -> Result<Self, Error> {
        let failed = |e: rcgen::Error| certificate_error("the authority", e);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named("rotaproof authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(serial(&entropy));
        let today = day_of(clock.now());
        set_validity(&mut params, today, Span::new().years(AUTHORITY_YEARS));
        let certificate = params.self_signed(&key).map_err(failed)?;
        let leaf_key = KeyPair::generate().map_err(failed)?;
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let leaf_signer = rustls::crypto::ring::sign::any_ecdsa_type(&der)
            .map_err(|e| certificate_error("the leaves", e))?;
        Ok(Self(Arc::new(Signer {
            clock,
            entropy,
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            leaf_key,
            leaf_signer,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            leaves: Mutex::default(),
        })))
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.0.pem
    }

    /// TLS as this machine, to its own users.
    pub(crate) fn tls_for_loopback(&self) -> Result<Arc<ServerConfig>, Error> {
        let signer = &self.0;
        Ok(signer.issue(&LOOPBACK, signer.clock.now(), None)?.config)
    }

    /// TLS as the host: its own certificate whatever name the client asks for, h2 before http/1.1.
    pub(crate) fn tls_for(&self, host: &Arc<str>) -> Result<Arc<ServerConfig>, Error> {
        let signer = &self.0;
        let now = signer.clock.now();
        let mut leaves = signer.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(host).filter(|leaf| now < leaf.renew_at) {
            return Ok(leaf.config.clone());
        }
        let leaf = signer.issue(&[host], now, None)?;
        let config = leaf.config.clone();
        if leaves.len() >= MAX_LEAVES {
            leaves.clear();
        }
        leaves.insert(host.clone(), leaf);
        Ok(config)
    }

    /// TLS as the host with a certificate that a careful client refuses.
    pub(crate) fn bad_tls_for(
        &self,
        host: &Arc<str>,
        flaw: BadCertificate,
    ) -> Result<Arc<ServerConfig>, Error> {
        let signer = &self.0;
        Ok(signer
            .issue(&[host], signer.clock.now(), Some(flaw))?
            .config)
    }
}

impl Signer {
    fn issue(
        &self,
        hosts: &[&str],
        now: Timestamp,
        flaw: Option<BadCertificate>,
    ) -> Result<Leaf, Error> {
        let host = hosts.first().copied().unwrap_or_default();
        let failed = |e: rcgen::Error| certificate_error(host, e);
        let names = match flaw {
            Some(BadCertificate::OtherHost) => vec!["other-host.invalid".to_owned()],
            _ => hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name = named("rotaproof vault");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(serial(&self.entropy));
        let today = day_of(now);
        let (first, length) = match flaw {
            Some(BadCertificate::Expired) => {
                let first = today.saturating_sub(Span::new().days(LEAF_DAYS));
                (first, LEAF_DAYS - 1)
            }
            _ => (today, LEAF_DAYS),
        };
        set_validity(&mut params, first, Span::new().days(length));
        let certificate = match flaw {
            Some(BadCertificate::UnknownAuthority) => {
                let mut authority = CertificateParams::default();
                authority.distinguished_name = named("unknown authority");
                let key = KeyPair::generate().map_err(failed)?;
                params.signed_by(&self.leaf_key, &Issuer::new(authority, key))
            }
            _ => params.signed_by(&self.leaf_key, &self.issuer),
        }
        .map_err(failed)?;
        let certified =
            CertifiedKey::new(vec![certificate.der().clone()], self.leaf_signer.clone());
        let mut config =
            ServerConfig::builder_with_details(self.provider.clone(), Arc::new(self.clock.clone()))
                .with_safe_default_protocol_versions()
                .map_err(|e| certificate_error(host, e))?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // No resumption: a ticket would outlive the certificate when virtual time jumps.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let renew_at = today
            .saturating_add(Span::new().days(LEAF_DAYS - RENEW_BEFORE_DAYS))
            .to_zoned(TimeZone::UTC)
            .map_or(Timestamp::MAX, |day| day.timestamp());
        Ok(Leaf {
            renew_at,
            config: Arc::new(config),
        })
    }
}

fn certificate_error(subject: &str, error: impl ToString) -> Error {
    Error::Certificate {
        subject: subject.to_owned(),
        message: error.to_string(),
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::OrganizationName, "rotaproof");
    names.push(DnType::CommonName, name);
    names
}

/// 16 bytes, positive and not zero (RFC 5280, 4.1.2.2).
fn serial(entropy: &Entropy) -> SerialNumber {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes[0] = bytes[0] & 0x3f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// From the midnight (UTC) before `today`'s, for a client whose clock is behind, until the one so far after it.
fn set_validity(params: &mut CertificateParams, today: Date, length: Span) {
    let midnight = |day: Date| {
        let day = day.max(civil::date(1, 1, 1));
        rcgen::date_time_ymd(
            day.year().into(),
            day.month().unsigned_abs(),
            day.day().unsigned_abs(),
        )
    };
    params.not_before = midnight(today.saturating_sub(Span::new().days(1)));
    params.not_after = midnight(today.saturating_add(length));
}
