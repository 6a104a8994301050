//! A service account's key: 2,048-bit RSA, as Google makes them, with its key file.
//!
//! Every Google library signs with RS256, so there must be an RSA key, and ring makes none. Chosen: primes found by
//! `crypto-primes`, both at once on two threads, and put together by `rsa`; ring signs and verifies. Measured as
//! processor time over 60 keys: until the later of two primes and the key out of them, 30 ms in the median and 72 ms
//! in nine of ten (4 and 10 ms for 1,024 bits); on one thread 47 and 95 ms. The dev profile optimizes the arithmetic,
//! without which it is seconds. Not 1,024 bits, though Go and Python's cryptography still take them: ring signs with
//! no fewer than 2,048, and a user's own client may refuse what Google would never hand out. Not a prime out of a
//! list, however fast: who has the program would have the key.
//!
//! The key is drawn from the lab's own entropy: as random as that, so seeded in a scenario, where nothing outside the
//! process can use it, and never the same in two labs. It is made only for an account that declares one, and for the
//! administrator only where somebody's own tools will act as them.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rotaproof_base::{Entropy, SecretValue};
use rsa::BoxedUint;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

/// Half of 2,048.
const PRIME_BITS: u32 = 1024;
const EXPONENT: u64 = 65_537;
/// PEM's line length.
const LINE: usize = 64;

/// A key could not be made.
#[derive(Debug, thiserror::Error)]
#[error("a service account's RSA key: {0}")]
pub struct KeyError(String);

/// A private key with its id.
pub struct ServiceAccountKey {
    id: String,
    /// PKCS#8, in DER.
    private: SecretValue,
    /// PKCS#1, in DER.
    public: Vec<u8>,
}

impl ServiceAccountKey {
    /// Makes a key out of `entropy`; the same entropy makes the same key.
    pub fn generate(entropy: &Entropy) -> Result<Self, KeyError> {
        let failed = |error: &dyn std::fmt::Display| KeyError(error.to_string());
        let prime = |label: &str| {
            let entropy = entropy.fork(label);
            move || prime(&entropy)
        };
        let (p, q) = std::thread::scope(|scope| {
            let p = scope.spawn(prime("p"));
            let q = prime("q")();
            (p.join(), q)
        });
        let p = p.map_err(|_| KeyError("the search for a prime ended".to_owned()))??;
        let q = q?;
        let key = rsa::PrivateKey::from_primes(vec![p, q], BoxedUint::from(EXPONENT))
            .map_err(|e| failed(&e))?;
        let private = key.to_pkcs8_der().map_err(|e| failed(&e))?;
        let public = key.to_public_key().to_pkcs1_der().map_err(|e| failed(&e))?;
        let mut id = [0; 20];
        entropy.fork("id").fill(&mut id);
        Ok(Self {
            id: hex::encode(id),
            private: SecretValue::new(private.as_bytes()),
            public: public.as_bytes().to_vec(),
        })
    }

    /// Its id, the `kid` of what it signs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key file, as the console downloads it.
    pub fn file(&self, project: &str, email: &str, token_uri: &str) -> SecretValue {
        let file = json!({
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.id,
            "private_key": self.pem(),
            "client_email": email,
            "client_id": client_id(email),
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": format!("https://www.googleapis.com/robot/v1/metadata/x509/{}", email.replace('@', "%40")),
            "universe_domain": "googleapis.com",
        });
        SecretValue::new(file.to_string())
    }

    fn pem(&self) -> String {
        let text = BASE64_STANDARD.encode(self.private.expose());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII: every index is a boundary.
            let (line, more) = rest.split_at(rest.len().min(LINE));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        pem
    }

    /// The claims of an RS256 token that this key signed; its times and its audience are the caller's to judge.
    pub(super) fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public)
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        part(signed.split('.').nth(1)?)
    }
}

/// The header of a token, unverified; `None` where it is not three parts with JSON in the first.
pub(super) fn header(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let header = part(parts.next()?)?;
    (parts.count() == 2).then_some(header)
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn prime(entropy: &Entropy) -> Result<BoxedUint, KeyError> {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    let mut rng = ChaCha20Rng::from_seed(seed);
    let failed = |error: crypto_primes::Error| KeyError(error.to_string());
    // The two highest bits set in both primes, so that the modulus has all of its 2,048.
    let sieve =
        SmallFactorsSieveFactory::new(Flavor::Any, PRIME_BITS, SetBits::TwoMsb).map_err(failed)?;
    sieve_and_find(&mut rng, sieve, |_, candidate| {
        is_prime(Flavor::Any, candidate)
    })
    .map_err(failed)?
    .ok_or_else(|| KeyError("no prime was found".to_owned()))
}

/// Twenty-one digits that stand for the account.
fn client_id(email: &str) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(email);
    let digits: String = hash
        .iter()
        .take(10)
        .map(|b| format!("{:02}", b % 100))
        .collect();
    format!("1{digits}")
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    fn sign(key: &ServiceAccountKey, claims: &Value) -> String {
        let pair = RsaKeyPair::from_pkcs8(key.private.expose()).unwrap();
        let header = json!({"alg": "RS256", "kid": key.id()});
        let signed = [header, claims.clone()]
            .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        pair.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn a_key_verifies_what_it_signed_and_nothing_else() {
        let key = ServiceAccountKey::generate(&Entropy::from_seed(1)).unwrap();
        let other = ServiceAccountKey::generate(&Entropy::from_seed(2)).unwrap();
        let claims = json!({"iss": "a"});
        let token = sign(&key, &claims);
        assert_eq!(key.verify(&token), Some(claims));
        assert_eq!(header(&token).unwrap()["kid"], key.id());
        assert_eq!(other.verify(&token), None);
        assert_eq!(key.verify(&token.replace('.', "..")), None);
        assert_eq!(key.verify("garbage"), None);
    }

    #[test]
    fn a_key_is_the_seeds_and_2048_bits_long() {
        let generate = |seed| ServiceAccountKey::generate(&Entropy::from_seed(seed)).unwrap();
        let (one, again, other) = (generate(1), generate(1), generate(2));
        assert_eq!((one.id(), &one.public), (again.id(), &again.public));
        assert_ne!(one.public, other.public);
        let pair = RsaKeyPair::from_pkcs8(one.private.expose()).unwrap();
        assert_eq!(pair.public().modulus_len(), 256);
    }
}
