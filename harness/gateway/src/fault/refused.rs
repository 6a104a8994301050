//! A vault that cannot be connected to.

use super::{Connect, Fault};

/// Answers CONNECT with 502, as a proxy does whose upstream refuses the connection.
///
/// Tunnels that are open stay open.
#[derive(Clone, Copy, Debug)]
pub struct Refused;

impl Fault for Refused {
    fn connect(&self) -> Option<Connect> {
        Some(Connect::Refuse)
    }
}
