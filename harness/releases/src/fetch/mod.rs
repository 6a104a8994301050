//! A small HTTPS client: one connection a request, proxies, redirects, bounded waits.
//!
//! `oci-client` 0.18 would bring reqwest and 23 further crates, does not take up a broken download, and leaves the CRDs,
//! which no registry has, to a second client.

mod connect;
mod download;
mod request;

use http::Uri;

pub(crate) use download::{Part, download};
pub(crate) use request::{Answer, Http};

/// Whether a host, in brackets where it is an IPv6 address, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Plain HTTP is for loopback only.
pub(crate) fn may_be_asked(uri: &Uri) -> bool {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => is_loopback(host),
        _ => false,
    }
}
