//! An authority, and the one leaf certificate that it signs: a leaf that is its own authority is refused by many clients.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rotaproof_base::Clock;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::access::AccessError;

const NAMES: [&str; 7] = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
    "::1",
];
/// Outlives any cluster of a test; no authority reissues here.
const YEARS: i64 = 10;

/// The authority's certificate in PEM, and TLS with a leaf of it: h2 before http/1.1.
pub(super) fn issue(clock: &Clock) -> Result<(String, Arc<ServerConfig>), AccessError> {
    let of_authority = |e: rcgen::Error| failed("the authority", e);
    let of_server = |e: rcgen::Error| failed("the server", e);
    let now = clock.now();

    let authority_key = KeyPair::generate().map_err(of_authority)?;
    let mut authority = CertificateParams::default();
    authority.distinguished_name = named("kubernetes");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
    ];
    set_validity(&mut authority, now);
    let ca_pem = authority
        .self_signed(&authority_key)
        .map_err(of_authority)?
        .pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().map_err(of_server)?;
    let mut leaf = CertificateParams::new(NAMES.map(str::to_owned)).map_err(of_server)?;
    leaf.distinguished_name = named("kube-apiserver");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    set_validity(&mut leaf, now);
    let leaf = leaf.signed_by(&key, &issuer).map_err(of_server)?;

    let of_tls = |e: rustls::Error| failed("the server", e);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut tls = ServerConfig::builder_with_details(provider, Arc::new(clock.clone()))
        .with_safe_default_protocol_versions()
        .map_err(of_tls)?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .map_err(of_tls)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((ca_pem, Arc::new(tls)))
}

fn failed(subject: &'static str, error: impl ToString) -> AccessError {
    AccessError::Certificate {
        subject,
        message: error.to_string(),
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// From a day ago, for a client whose clock is behind.
fn set_validity(params: &mut CertificateParams, now: Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let midnight = |day: jiff::civil::Date| {
        rcgen::date_time_ymd(
            day.year().into(),
            day.month().unsigned_abs(),
            day.day().unsigned_abs(),
        )
    };
    params.not_before = midnight(today.saturating_sub(Span::new().days(1)));
    params.not_after = midnight(today.saturating_add(Span::new().years(YEARS)));
}
