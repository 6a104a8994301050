//! SHA-256, as registries write it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A SHA-256; its text is `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(String);

impl Digest {
    /// Of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hash = Hash::new();
        hash.update(bytes);
        hash.finish()
    }

    /// Of a file's content.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let mut hash = Hash::new();
        hash.read(&mut File::open(path)?)?;
        Ok(hash.finish())
    }

    /// Reads `sha256:…`; nothing else is trusted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        (digits.len() == 64 && digits.bytes().all(lower)).then(|| Self(digits.to_owned()))
    }

    /// The digits alone: a file's name.
    pub(crate) fn hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

/// A SHA-256 in the making.
#[derive(Clone)]
pub(crate) struct Hash(ring::digest::Context);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Reads to the end and returns how many bytes there were.
    pub(crate) fn read(&mut self, from: &mut impl Read) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut total = 0;
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(total),
                read => {
                    self.update(&buffer[..read]);
                    total += read as u64;
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(hex::encode(self.0.finish()))
    }
}

/// Hashes what is read through it.
pub(crate) struct Hashing<R> {
    inner: R,
    hash: Hash,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Hash::new(),
        }
    }

    /// Reads what is left, and returns the digest of all.
    pub(crate) fn finish(mut self) -> io::Result<Digest> {
        self.hash.read(&mut self.inner)?;
        Ok(self.hash.finish())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // FIPS 180-2, appendix B.1.
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_published_vector_holds_however_the_bytes_are_read() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
        let mut hashing = Hashing::new(&b"abc"[..]);
        hashing.read_exact(&mut [0]).unwrap();
        assert_eq!(hashing.finish().unwrap().to_string(), ABC);
    }

    #[rstest]
    #[case("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    #[case("sha256:../../../../etc/passwd")]
    #[case("sha256:ba78")]
    #[case("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    fn only_a_whole_sha256_is_a_digest(#[case] text: &str) {
        assert_eq!(Digest::parse(text), None);
        assert!(Digest::parse(ABC).is_some());
    }
}
