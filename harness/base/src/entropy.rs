//! Seeded randomness: the same seed gives the same ids, names and values on every run.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A labelled stream of reproducible randomness.
///
/// Take one stream per concern with [`Entropy::fork`], so that a draw in one place never shifts the draws
/// of another. Clones share their stream. Not for key material of a real system: what a lab on real
/// sockets draws starts from [`Entropy::from_system`].
#[derive(Clone)]
pub struct Entropy {
    key: [u8; 32],
    stream: Arc<Mutex<ChaCha8Rng>>,
}

impl Entropy {
    /// The root stream of a run.
    pub fn from_seed(seed: u64) -> Self {
        Self::from_key(Sha256::digest(seed.to_be_bytes()).into())
    }

    /// A root stream that nobody can reproduce, for what guards a listener on a real socket.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn from_system() -> Result<Self, rustls::crypto::GetRandomFailed> {
        let mut key = [0; 32];
        let system = rustls::crypto::ring::default_provider().secure_random;
        system.fill(&mut key)?;
        Ok(Self::from_key(key))
    }

    fn from_key(key: [u8; 32]) -> Self {
        Self {
            key,
            stream: Arc::new(Mutex::new(ChaCha8Rng::from_seed(key))),
        }
    }

    /// An independent stream that depends only on the seed and the labels on the way to it.
    pub fn fork(&self, label: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(label.as_bytes());
        Self::from_key(hash.finalize().into())
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }

    /// A number below `bound` (0 where `bound` is 0); the modulo bias is irrelevant at these sizes.
    pub fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }

    /// A version 4 UUID.
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// `length` characters drawn from `alphabet` (ASCII); empty where the alphabet is.
    pub fn text(&self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .filter_map(|_| alphabet.get(self.below(alphabet.len() as u64) as usize))
            .map(|&byte| char::from(byte))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_label_give_the_same_stream() {
        let draw = |seed, label: &str| Entropy::from_seed(seed).fork(label).uuid();
        assert_eq!(draw(7, "pods"), draw(7, "pods"));
        assert_ne!(draw(7, "pods"), draw(8, "pods"));
        assert_ne!(draw(7, "pods"), draw(7, "jobs"));
    }

    #[test]
    fn no_two_streams_of_the_system_are_the_same() {
        let draw = || Entropy::from_system().unwrap().uuid();
        assert_ne!(draw(), draw());
    }

    #[test]
    fn a_fork_does_not_depend_on_what_was_drawn_before() {
        let root = Entropy::from_seed(7);
        let early = root.fork("x").uuid();
        root.uuid();
        assert_eq!(root.fork("x").uuid(), early);
    }
}
