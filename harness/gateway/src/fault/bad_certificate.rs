//! A server whose certificate must not be accepted.

use super::{Connect, Fault};

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCertificate {
    /// It ended yesterday.
    Expired,
    /// It names another host.
    OtherHost,
    /// Another authority signed it, one that nobody trusts.
    UnknownAuthority,
}

impl BadCertificate {
    /// For the journal.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Expired => "served an expired certificate",
            Self::OtherHost => "served a certificate of another host",
            Self::UnknownAuthority => "served a certificate of an unknown authority",
        }
    }
}

/// Tunnels that are open keep their certificate; new ones get the bad one.
impl Fault for BadCertificate {
    fn connect(&self) -> Option<Connect> {
        Some(Connect::Certificate(*self))
    }
}
