//! `conversionStrategy`, and what may be a key of a Secret (ESO 2.9.0, `runtime/esutils`).

use super::{SecretMap, ValueError};

/// The longest key that Kubernetes takes.
const LONGEST: usize = 253;

fn allowed(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || matches!(c, '-' | '.' | '_')
}

/// Replaces the characters that a key may not have: `Default` (or empty) by `_`, `Unicode` by `_Uxxxx_`; any other
/// strategy leaves them. Two keys that become one are an error.
pub fn convert_keys(strategy: &str, map: SecretMap) -> Result<SecretMap, ValueError> {
    let mut converted = SecretMap::new();
    for (key, value) in map {
        let key: String = key
            .chars()
            .map(|c| match strategy {
                _ if allowed(c) => c.to_string(),
                "" | "Default" => "_".to_owned(),
                "Unicode" => format!("_U{:04x}_", u32::from(c)),
                _ => c.to_string(),
            })
            .collect();
        if converted.contains_key(&key) {
            return Err(ValueError::new(format!(
                "secret name collision during conversion: {key}"
            )));
        }
        converted.insert(key, value);
    }
    Ok(converted)
}

/// Refuses keys that a Secret cannot have. An empty key is dropped, as in ESO.
pub fn validate_keys(map: &mut SecretMap) -> Result<(), ValueError> {
    map.remove("");
    for key in map.keys() {
        if key.len() > LONGEST {
            let shown: String = key.chars().take(LONGEST).collect();
            return Err(ValueError::new(format!(
                "key has length {} but max is 253: (following is truncated): {shown}",
                key.len()
            )));
        }
        if let Some(wrong) = key.chars().find(|c| !allowed(*c)) {
            return Err(ValueError::new(format!(
                "key has invalid character {wrong}, only alphanumeric, '-', '.' and '_' are allowed: {key}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rotaproof_base::SecretValue;
    use rstest::rstest;

    use super::*;

    fn map(keys: &[&str]) -> SecretMap {
        keys.iter()
            .map(|key| ((*key).to_owned(), SecretValue::new("v")))
            .collect()
    }

    #[rstest]
    #[case("Default", "a/b c", "a_b_c")]
    #[case("", "a/b", "a_b")]
    #[case("Unicode", "a/b", "a_U002f_b")]
    #[case("None", "a/b", "a/b")]
    #[case("Default", "ünï-1.x_", "ünï-1.x_")]
    fn a_key_is_converted(#[case] strategy: &str, #[case] key: &str, #[case] expected: &str) {
        let converted = convert_keys(strategy, map(&[key])).ok().unwrap();
        assert_eq!(converted.into_keys().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn keys_that_collide_are_refused() {
        let error = convert_keys("Default", map(&["a/b", "a:b"])).err().unwrap();
        assert_eq!(
            error.to_string(),
            "secret name collision during conversion: a_b"
        );
    }

    #[test]
    fn bad_keys_are_refused_and_empty_ones_dropped() {
        let mut good = map(&["", "ok"]);
        assert_eq!(validate_keys(&mut good), Ok(()));
        assert_eq!(good.len(), 1);
        assert_eq!(
            validate_keys(&mut map(&["a b"])).unwrap_err().to_string(),
            "key has invalid character  , only alphanumeric, '-', '.' and '_' are allowed: a b"
        );
        let error = validate_keys(&mut map(&["x".repeat(254).as_str()]))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("key has length 254 but max is 253"),
            "{error}"
        );
    }
}
