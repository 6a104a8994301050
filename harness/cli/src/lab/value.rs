//! What secrets hold.

use rotaproof_base::SecretValue;
use rotaproof_scenario::Located;
use rotaproof_scenario::model::{self, Alphabet, Generator};

/// One value: a literal (`"text".into()`), or made by the lab, anew for every version.
#[derive(Clone, Debug)]
pub struct Value(pub(super) model::Value);

impl Value {
    /// Random letters and digits.
    pub fn text(length: u16) -> Self {
        Self::generated(Generator::Text {
            length,
            alphabet: Alphabet::Alphanumeric,
        })
    }

    /// Random lower-case hex digits.
    pub fn hex(length: u16) -> Self {
        Self::generated(Generator::Text {
            length,
            alphabet: Alphabet::Hex,
        })
    }

    /// A password of printable characters, with every class in it.
    pub fn password(length: u16) -> Self {
        Self::generated(Generator::Password { length })
    }

    /// A random UUID.
    pub fn uuid() -> Self {
        Self::generated(Generator::Uuid {})
    }

    /// `AKIA` and 16 upper-case characters.
    pub fn aws_access_key_id() -> Self {
        Self::generated(Generator::AwsAccessKeyId {})
    }

    /// 40 characters of base64.
    pub fn aws_secret_access_key() -> Self {
        Self::generated(Generator::AwsSecretAccessKey {})
    }

    fn generated(generator: Generator) -> Self {
        Self(model::Value::Generated(generator))
    }
}

impl From<&str> for Value {
    fn from(literal: &str) -> Self {
        let literal = SecretValue::new(literal.as_bytes());
        Self(model::Value::Literal(literal))
    }
}

/// What one secret holds: one [`Value`], or named fields: `[("user", "app".into()), ("password", Value::password(32))]`.
#[derive(Clone, Debug)]
pub struct Content(pub(super) model::Body);

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self(model::Body::Text(value.0))
    }
}

impl From<&str> for Content {
    fn from(literal: &str) -> Self {
        Value::from(literal).into()
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Content {
    fn from(fields: [(K, V); N]) -> Self {
        Self::fields(fields)
    }
}

impl Content {
    /// Named fields, as an array makes them, from anything that gives pairs.
    pub fn fields<K: Into<String>, V: Into<Value>>(
        fields: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (Located::from(name.into()), value.into().0));
        Self(model::Body::Fields(fields.collect()))
    }
}
