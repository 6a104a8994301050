//! `nullBytePolicy` (ESO 2.9.0, `externalsecret_controller_secret.go`).

use rotaproof_base::SecretValue;

use super::ValueError;

/// Refuses a value with a null byte where the policy is `Fail`.
pub fn check_null_bytes(policy: &str, key: &str, value: &SecretValue) -> Result<(), ValueError> {
    if policy != "Fail" || !value.expose().contains(&0) {
        return Ok(());
    }
    Err(ValueError::new(format!(
        "fetched secret value for key {key:?} contains null bytes; use a text-safe format such as PEM/base64 or leave nullBytePolicy unset for intentional binary data"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_byte_fails_only_where_the_policy_says_so() {
        let value = SecretValue::new(b"a\0b".as_slice());
        assert!(check_null_bytes("Fail", "k", &value).is_err());
        assert_eq!(check_null_bytes("Ignore", "k", &value), Ok(()));
        assert_eq!(
            check_null_bytes("Fail", "k", &SecretValue::new("ab")),
            Ok(())
        );
    }
}
