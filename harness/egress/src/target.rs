//! Where a request goes, read from its URI.

use http::Uri;
use http::uri::Scheme;

use crate::Error;

/// One authority under one scheme: what connections are pooled by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) secure: bool,
    /// Lower case; an IPv6 address without its brackets.
    pub(crate) host: String,
    /// `host:port`, as CONNECT names it and as errors show it.
    pub(crate) authority: String,
}

impl Target {
    pub(crate) fn of(uri: &Uri) -> Result<Self, Error> {
        let invalid = || Error::Target(uri.to_string());
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid()),
        };
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(invalid)?;
        let host = host.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self {
            secure,
            authority: format!("{host}:{port}"),
            host: host.trim_matches(['[', ']']).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://Vault.example/v1", "vault.example:443", "vault.example", true)]
    #[case(
        "http://169.254.169.254/x",
        "169.254.169.254:80",
        "169.254.169.254",
        false
    )]
    #[case("https://[::1]:8200/", "[::1]:8200", "::1", true)]
    fn a_target_has_a_host_and_a_port(
        #[case] uri: Uri,
        #[case] authority: &str,
        #[case] host: &str,
        #[case] secure: bool,
    ) {
        let target = Target::of(&uri).unwrap();
        assert_eq!(
            (
                target.authority.as_str(),
                target.host.as_str(),
                target.secure
            ),
            (authority, host, secure)
        );
    }

    #[rstest]
    #[case("/only/a/path")]
    #[case("vault.example:443")]
    #[case("ftp://vault.example/")]
    fn an_address_that_is_not_absolute_http_is_refused(#[case] uri: Uri) {
        assert!(matches!(Target::of(&uri), Err(Error::Target(_))));
    }
}
