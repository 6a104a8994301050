//! `decodingStrategy` (ESO 2.9.0, `runtime/decoding`).

use rotaproof_base::SecretValue;

use super::go_base64::{self, Alphabet};
use super::{SecretMap, ValueError};

/// Decodes one value. `strategy` is `None` (or empty), `Base64`, `Base64URL` or `Auto`, which leaves alone what is
/// neither.
pub fn decode(strategy: &str, value: &SecretValue) -> Result<SecretValue, ValueError> {
    let with = |alphabet| go_base64::decode(alphabet, value.expose()).map(SecretValue::new);
    match strategy {
        "" | "None" => Ok(value.clone()),
        "Base64" => with(Alphabet::Standard).map_err(ValueError::new),
        "Base64URL" => with(Alphabet::Url).map_err(ValueError::new),
        "Auto" => Ok(with(Alphabet::Standard)
            .or_else(|_| with(Alphabet::Url))
            .unwrap_or_else(|_| value.clone())),
        other => Err(ValueError::new(format!(
            "decoding strategy {other} is not supported"
        ))),
    }
}

/// Decodes every value of a map.
pub fn decode_map(strategy: &str, map: SecretMap) -> Result<SecretMap, ValueError> {
    map.into_iter()
        .map(|(key, value)| match decode(strategy, &value) {
            Ok(value) => Ok((key, value)),
            Err(error) => Err(ValueError::new(format!(
                "failure decoding key {key}: {error}"
            ))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("None", "YQ==", Ok("YQ=="))]
    #[case("", "YQ==", Ok("YQ=="))]
    #[case("Base64", "YQ==", Ok("a"))]
    #[case("Base64", "no!", Err("illegal base64 data at input byte 2"))]
    #[case("Base64URL", "Pz8_", Ok("???"))]
    #[case("Base64URL", "Pz8/", Err("illegal base64 data at input byte 3"))]
    #[case("Auto", "YQ==", Ok("a"))]
    #[case("Auto", "Pz8_", Ok("???"))]
    #[case("Auto", "plain text", Ok("plain text"))]
    #[case("Rot13", "x", Err("decoding strategy Rot13 is not supported"))]
    fn a_value_is_decoded_as_its_strategy_says(
        #[case] strategy: &str,
        #[case] value: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        let decoded = decode(strategy, &SecretValue::new(value));
        match expected {
            Ok(text) => assert_eq!(decoded.ok().unwrap().expose_str(), Some(text)),
            Err(text) => assert_eq!(decoded.err().unwrap().to_string(), text),
        }
    }

    #[test]
    fn a_map_names_the_key_that_does_not_decode() {
        let map = SecretMap::from([("k".to_owned(), SecretValue::new("!"))]);
        assert_eq!(
            decode_map("Base64", map).err().unwrap().to_string(),
            "failure decoding key k: illegal base64 data at input byte 0"
        );
    }
}
