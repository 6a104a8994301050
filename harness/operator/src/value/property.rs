//! `property`: a gjson path into a JSON secret.

use gjson::Kind;

/// The value at `path`: first as one key with its dots, then as a path. None where the secret is not JSON or has
/// no such value. Text comes without its quotes, `null` empty, anything else as its JSON.
pub fn property(json: &[u8], path: &str) -> Option<Vec<u8>> {
    let json = std::str::from_utf8(json).ok()?;
    // gjson guesses on malformed input; ESO's providers ask it only about what they could have parsed.
    if path.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return None;
    }
    if path.contains('.') {
        let key = path.replace('.', "\\.");
        if let Some(found) = read(json, &key) {
            return Some(found);
        }
    }
    read(json, path)
}

/// The same in the order of ESO's Azure provider: first as a path, then as one key with its dots.
pub fn property_path_first(json: &[u8], path: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(json).ok()?;
    if path.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return None;
    }
    read(text, path).or_else(|| property(json, path))
}

fn read(json: &str, path: &str) -> Option<Vec<u8>> {
    let value = gjson::get(json, path);
    if !value.exists() {
        return None;
    }
    Some(match value.kind() {
        Kind::Number => number(value.json()).into_bytes(),
        _ => value.str().as_bytes().to_vec(),
    })
}

/// A number as Go's gjson prints it: plain digits as they are, anything else without an exponent.
fn number(json: &str) -> String {
    let digits = json.strip_prefix('-').unwrap_or(json);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return json.to_owned();
    }
    json.parse::<f64>()
        .map_or_else(|_| json.to_owned(), |float| float.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const JSON: &[u8] = br#"{"user": "a\"b", "port": 5432, "ratio": 1.50, "big": 1e3, "on": true, "none": null,
        "db": {"host": "h", "tags": ["x", "y"]}, "tls.crt": "dotted", "tls": {"crt": "nested"}, "a.b": {"c.d": 1}}"#;

    #[rstest]
    #[case::text("user", "a\"b")]
    #[case::number("port", "5432")]
    #[case::fraction("ratio", "1.5")]
    #[case::exponent("big", "1000")]
    #[case::truth("on", "true")]
    #[case::null("none", "")]
    #[case::nested("db.host", "h")]
    #[case::item("db.tags.1", "y")]
    #[case::count("db.tags.#", "2")]
    #[case::object("db", r#"{"host": "h", "tags": ["x", "y"]}"#)]
    #[case::the_dotted_key_comes_first("tls.crt", "dotted")]
    fn a_property_is_found(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(property(JSON, path).as_deref(), Some(expected.as_bytes()));
    }

    #[rstest]
    #[case("tls.crt", "nested")]
    #[case("a.b", "{\"c.d\": 1}")]
    #[case("user", "a\"b")]
    fn in_azures_order_the_path_comes_first(#[case] path: &str, #[case] expected: &str) {
        let found = property_path_first(JSON, path);
        assert_eq!(found.as_deref(), Some(expected.as_bytes()));
    }

    #[rstest]
    #[case::absent(JSON, "nope")]
    #[case::empty(JSON, "")]
    #[case::too_deep(JSON, "user.name")]
    #[case::not_json(b"plain", "user")]
    #[case::half_json(br#"{"user": "a""#, "user")]
    #[case::not_text(b"\xff", "user")]
    fn an_absent_property_is_none(#[case] json: &[u8], #[case] path: &str) {
        assert_eq!(property(json, path), None);
    }

    proptest! {
        #[test]
        fn no_path_into_any_json_panics(json in r#"[\[\]{}",:a0.\\ -]{0,24}"#, path in r#"[a0.#*?|@(){}\[\]"\\=<>!%~,:-]{0,12}"#) {
            let found = property(json.as_bytes(), &path);
            prop_assert!(found.is_none() || !path.is_empty());
            let on_good_json = property(JSON, &path);
            prop_assert!(on_good_json.is_none() || !path.is_empty());
        }

        #[test]
        fn a_plain_key_of_an_object_is_always_found(key in "[a-z_]{1,8}", value in "\\PC{0,8}") {
            let json = serde_json::json!({ key.clone(): value.clone() }).to_string();
            prop_assert_eq!(property(json.as_bytes(), &key), Some(value.into_bytes()));
        }
    }
}
