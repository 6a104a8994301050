//! Go's words for a request that got no answer: `net/http` through a forward proxy, `crypto/tls` and `crypto/x509`
//! (Go 1.26).

use std::io::ErrorKind;
use std::net::IpAddr;

use jiff::Timestamp;
use rotaproof_egress::{CertificateFlaw, Error};

/// What stands after the method and the address in Go's `url.Error`.
pub(super) fn cause(error: &Error) -> String {
    match error {
        Error::ProxyRefused { reason, .. } => reason.clone(),
        Error::Dial { source, .. } if source.kind() == ErrorKind::ConnectionRefused => {
            "proxyconnect tcp: dial tcp: connect: connection refused".to_owned()
        }
        Error::Dial { source, .. } => format!("proxyconnect tcp: dial tcp: {source}"),
        Error::Tls {
            flaw: Some(flaw), ..
        } => format!(
            "tls: failed to verify certificate: x509: {}",
            certificate(flaw)
        ),
        Error::Tls { message, .. } => format!("tls: {message}"),
        Error::Closed { .. } => "EOF".to_owned(),
        other => other.to_string(),
    }
}

/// `x509.CertificateInvalidError`, `HostnameError` and `UnknownAuthorityError`; the last one without the hint that it
/// adds where a trusted authority has the same name and another key.
fn certificate(flaw: &CertificateFlaw) -> String {
    const NOT_NOW: &str = "certificate has expired or is not yet valid: current time";
    match flaw {
        CertificateFlaw::UnknownAuthority => "certificate signed by unknown authority".to_owned(),
        CertificateFlaw::Expired { now, not_after } => {
            format!("{NOT_NOW} {} is after {}", time(*now), time(*not_after))
        }
        CertificateFlaw::NotYetValid { now, not_before } => {
            format!("{NOT_NOW} {} is before {}", time(*now), time(*not_before))
        }
        CertificateFlaw::OtherName { expected, names } => {
            let is_address = |name: &str| name.parse::<IpAddr>().is_ok();
            let of_its_kind: Vec<&str> = names
                .iter()
                .map(String::as_str)
                .filter(|name| is_address(name) == is_address(expected))
                .collect();
            if !of_its_kind.is_empty() {
                let valid = of_its_kind.join(", ");
                format!("certificate is valid for {valid}, not {expected}")
            } else if is_address(expected) {
                format!(
                    "cannot validate certificate for {expected} because it doesn't contain any IP SANs"
                )
            } else {
                format!("certificate is not valid for any names, but wanted to match {expected}")
            }
        }
    }
}

/// RFC 3339 in UTC, where the operator's pod runs.
fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;

    use http::StatusCode;
    use rstest::rstest;

    use super::*;

    fn tls(flaw: Option<CertificateFlaw>) -> Error {
        Error::Tls {
            target: "vault.example:443".to_owned(),
            message: "received fatal alert: InternalError".to_owned(),
            flaw,
        }
    }

    fn other_name(expected: &str, names: &[&str]) -> CertificateFlaw {
        CertificateFlaw::OtherName {
            expected: expected.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[rstest]
    #[case(
        CertificateFlaw::UnknownAuthority,
        "certificate signed by unknown authority"
    )]
    #[case(
        CertificateFlaw::Expired { now: 1_762_560_000, not_after: 1_762_473_600 },
        "certificate has expired or is not yet valid: current time 2025-11-08T00:00:00Z is after 2025-11-07T00:00:00Z"
    )]
    #[case(
        CertificateFlaw::NotYetValid { now: 1_762_560_000, not_before: 1_762_560_001 },
        "certificate has expired or is not yet valid: current time 2025-11-08T00:00:00Z is before 2025-11-08T00:00:01Z"
    )]
    #[case(
        other_name("v.example", &["a.example", "10.0.0.1", "*.b.example"]),
        "certificate is valid for a.example, *.b.example, not v.example"
    )]
    #[case(
        other_name("v.example", &["10.0.0.1"]),
        "certificate is not valid for any names, but wanted to match v.example"
    )]
    #[case(
        other_name("10.0.0.2", &["a.example", "10.0.0.1"]),
        "certificate is valid for 10.0.0.1, not 10.0.0.2"
    )]
    #[case(
        other_name("10.0.0.2", &["a.example"]),
        "cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs"
    )]
    fn a_certificate_is_refused_in_gos_words(
        #[case] flaw: CertificateFlaw,
        #[case] expected: &str,
    ) {
        let text = cause(&tls(Some(flaw)));
        let prefix = "tls: failed to verify certificate: x509: ";
        assert_eq!(text.strip_prefix(prefix), Some(expected));
    }

    fn dial(kind: ErrorKind) -> Error {
        Error::Dial {
            target: "vault.example:443".to_owned(),
            source: io::Error::new(kind, "no route to host"),
        }
    }

    fn refused(status: StatusCode, reason: &str) -> Error {
        Error::ProxyRefused {
            target: "vault.example:443".to_owned(),
            status,
            reason: reason.to_owned(),
            body: "words".to_owned(),
        }
    }

    fn closed() -> Error {
        Error::Closed {
            target: "vault.example:443".to_owned(),
            message: "connection closed before message completed".to_owned(),
        }
    }

    #[rstest]
    #[case(
        dial(ErrorKind::ConnectionRefused),
        "proxyconnect tcp: dial tcp: connect: connection refused"
    )]
    #[case(dial(ErrorKind::Other), "proxyconnect tcp: dial tcp: no route to host")]
    #[case(refused(StatusCode::BAD_GATEWAY, "Bad Gateway"), "Bad Gateway")]
    #[case(
        refused(StatusCode::FORBIDDEN, "Forbidden: not this host"),
        "Forbidden: not this host"
    )]
    #[case(closed(), "EOF")]
    #[case(tls(None), "tls: received fatal alert: InternalError")]
    fn a_connection_fails_in_gos_words(#[case] error: Error, #[case] expected: &str) {
        assert_eq!(cause(&error), expected);
    }
}
