//! Makes the values of secrets: the harness knows them, a run never prints them.

use indexmap::IndexMap;
use rotaproof_base::{Entropy, SecretValue};
use rotaproof_scenario::model::{Alphabet, Body, Generator, Value};
use rotaproof_scenario::{Located, Span};
use rotaproof_vaults::Content;

const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";
const SYMBOLS: &[u8] = b"!#$%()*+,-./:;=?@^_~";

/// The content that a declaration asks for; generated parts are new on each call.
pub fn content(body: &Body, entropy: &Entropy) -> Content {
    match body {
        Body::Text(value) => Content::Text(single(value, entropy)),
        Body::Fields(fields) => Content::Fields(
            fields
                .iter()
                .map(|(name, value)| (name.value.clone(), single(value, entropy)))
                .collect(),
        ),
    }
}

/// The content of a rotation: `only` these fields are new (all where `None`), `literal` ones as given.
pub fn rotated(
    body: &Body,
    previous: Option<&Content>,
    only: Option<&[String]>,
    literal: &IndexMap<String, SecretValue>,
    entropy: &Entropy,
) -> Content {
    let mut new = content(body, entropy);
    if let (Content::Fields(new), Some(Content::Fields(previous))) = (&mut new, previous) {
        for (name, value) in previous {
            let kept = only.is_some_and(|only| !only.contains(name));
            if kept || !new.contains_key(name) {
                new.insert(name.clone(), value.clone());
            }
        }
    }
    if let Content::Fields(new) = &mut new {
        for (name, value) in literal {
            new.insert(name.clone(), value.clone());
        }
    }
    new
}

/// A declaration for a secret that only its content is known of: new text in each of its fields.
pub fn generated_like(content: &Content) -> Body {
    let text = || {
        Value::Generated(Generator::Text {
            length: 32,
            alphabet: Alphabet::Alphanumeric,
        })
    };
    match content {
        Content::Text(_) => Body::Text(text()),
        Content::Fields(fields) => Body::Fields(
            fields
                .keys()
                .map(|name| (Located::new(name.clone(), Span::default()), text()))
                .collect(),
        ),
    }
}

/// One value.
pub fn single(value: &Value, entropy: &Entropy) -> SecretValue {
    match value {
        Value::Literal(text) => text.clone(),
        Value::Generated(generator) => SecretValue::new(generate(generator, entropy)),
    }
}

fn generate(generator: &Generator, entropy: &Entropy) -> String {
    match generator {
        Generator::Text { length, alphabet } => {
            let printable: Vec<u8> = (b'!'..=b'~').collect();
            let alphabet = match alphabet {
                Alphabet::Alphanumeric => ALPHANUMERIC,
                Alphabet::Hex => HEX,
                Alphabet::Printable => &printable,
            };
            entropy.text(alphabet, usize::from(*length))
        }
        Generator::AwsAccessKeyId {} => format!("AKIA{}", entropy.text(UPPER, 16)),
        Generator::AwsSecretAccessKey {} => entropy.text(BASE64, 40),
        Generator::Uuid {} => entropy.uuid().to_string(),
        Generator::Password { length } => password(usize::from(*length), entropy),
    }
}

/// A password with a lower-case letter, an upper-case one, a digit and a symbol, as far as its length allows.
fn password(length: usize, entropy: &Entropy) -> String {
    let classes: [&[u8]; 4] = [
        b"abcdefghijklmnopqrstuvwxyz",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        b"0123456789",
        SYMBOLS,
    ];
    let all = [ALPHANUMERIC, SYMBOLS].concat();
    let mut text: String = classes
        .iter()
        .map(|class| entropy.text(class, 1))
        .take(length)
        .collect();
    text.push_str(&entropy.text(&all, length.saturating_sub(4)));
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Generator::AwsAccessKeyId {}, 20)]
    #[case(Generator::AwsSecretAccessKey {}, 40)]
    #[case(Generator::Uuid {}, 36)]
    #[case(Generator::Password { length: 24 }, 24)]
    #[case(Generator::Password { length: 2 }, 2)]
    #[case(Generator::Text { length: 12, alphabet: Alphabet::Hex }, 12)]
    fn a_value_has_the_length_that_was_asked_for(
        #[case] generator: Generator,
        #[case] length: usize,
    ) {
        let entropy = Entropy::from_seed(1);
        let first = generate(&generator, &entropy);
        assert_eq!(first.len(), length);
        if length > 2 {
            assert_ne!(generate(&generator, &entropy), first);
        }
    }

    #[test]
    fn a_rotation_of_some_fields_leaves_the_others() {
        let entropy = Entropy::from_seed(1);
        let generated = || Value::Generated(Generator::Uuid {});
        let field = |name: &str| {
            rotaproof_scenario::Located::new(name.to_owned(), rotaproof_scenario::Span::default())
        };
        let body = Body::Fields(
            [(field("a"), generated()), (field("b"), generated())]
                .into_iter()
                .collect(),
        );
        let before = content(&body, &entropy);
        let only = ["a".to_owned()];
        let after = rotated(
            &body,
            Some(&before),
            Some(&only),
            &IndexMap::new(),
            &entropy,
        );
        let (Content::Fields(before), Content::Fields(after)) = (before, after) else {
            panic!("fields");
        };
        assert!(before["a"] != after["a"]);
        assert!(before["b"] == after["b"]);
    }
}
