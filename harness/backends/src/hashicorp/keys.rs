//! The cluster's public keys as Vault's jwt auth takes them: PEM of a SubjectPublicKeyInfo (RFC 5280, 4.1).
//!
//! Vault itself could fetch them, but a cluster shows them to its own accounts only.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::Error;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption` with its NULL parameters (RFC 8017, A.1).
const RSA: [u8; 13] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// `id-ecPublicKey` on `prime256v1` (RFC 5480, 2.1.1).
const P256: [u8; 19] = [
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];

/// The keys of a JWKS document (RFC 7517).
pub(super) fn pem(jwks: &Value) -> Result<Vec<String>, Error> {
    let keys = jwks["keys"].as_array().map_or(&[][..], Vec::as_slice);
    if keys.is_empty() {
        return Err(Error::Keys("its JWKS has no keys".to_owned()));
    }
    keys.iter()
        .map(|key| Ok(armour(&public_key(key)?)))
        .collect()
}

fn public_key(key: &Value) -> Result<Vec<u8>, Error> {
    let number = |member: &str| {
        let encoded = key[member].as_str().unwrap_or_default();
        match BASE64_URL_SAFE_NO_PAD.decode(encoded) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(Error::Keys(format!("a key of its JWKS has no {member}"))),
        }
    };
    let (algorithm, bits): (&[u8], Vec<u8>) = match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("RSA"), _) => {
            let numbers = [integer(&number("n")?), integer(&number("e")?)].concat();
            (&RSA, element(SEQUENCE, &numbers))
        }
        (Some("EC"), Some("P-256")) => {
            // An uncompressed point.
            (&P256, [&[0x04][..], &number("x")?, &number("y")?].concat())
        }
        (kind, _) => {
            return Err(Error::Keys(format!(
                "a key of its JWKS is {}, neither RSA nor EC P-256",
                kind.unwrap_or("of no kind")
            )));
        }
    };
    // A bit string says first how many bits of its last byte are unused.
    let bits = element(BIT_STRING, &[&[0][..], &bits].concat());
    let parts = [element(SEQUENCE, algorithm), bits].concat();
    Ok(element(SEQUENCE, &parts))
}

/// A number that is not negative: a leading bit that is set would make it so.
fn integer(bytes: &[u8]) -> Vec<u8> {
    match bytes.first() {
        Some(0x80..) => element(INTEGER, &[&[0][..], bytes].concat()),
        _ => element(INTEGER, bytes),
    }
}

/// Tag, length, content (X.690, 8.1).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut bytes = vec![tag];
    match significant.as_slice() {
        [] => bytes.push(0),
        [short @ ..0x80] => bytes.push(*short),
        // At most eight bytes.
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

fn armour(der: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(der);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (at, character) in encoded.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// Written by `openssl rsa -pubin -pubout` from the modulus of RFC 7517, A.1.
    const RFC_RSA: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX\n\
        ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\n\
        oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt\n\
        7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\n\
        zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f\n\
        M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK\n\
        gwIDAQAB\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn an_rsa_key_is_written_as_openssl_writes_it() {
        let jwks = json!({"keys": [{
            "kty": "RSA", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        }]});
        assert_eq!(pem(&jwks).unwrap(), [RFC_RSA]);
    }

    #[rstest]
    #[case::none(json!({}), "no keys")]
    #[case::edwards(json!({"keys": [{"kty": "OKP"}]}), "OKP")]
    #[case::no_point(json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ"}]}), "no y")]
    fn keys_that_vault_cannot_take_are_named(#[case] jwks: Value, #[case] told: &str) {
        let error = pem(&jwks).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
