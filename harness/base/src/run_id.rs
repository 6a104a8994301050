//! The name of one run, carried by everything that it leaves on the machine.

use std::fmt;

use crate::Entropy;

/// Eight lower-case characters that name a run: `k3f9x2ab`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId(String);

impl RunId {
    /// Draws a run id.
    pub fn draw(entropy: &Entropy) -> Self {
        Self(entropy.text(b"abcdefghijkmnpqrstuvwxyz23456789", 8))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
