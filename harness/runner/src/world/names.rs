//! How an observation names values: by the ledger, by number, or not at all.

use std::collections::BTreeMap;

use rotaproof_base::{Fingerprint, SecretValue};

use crate::ledger::Ledger;

/// What each place holds.
pub(super) type Values = BTreeMap<String, Fingerprint>;

/// Takes the ledger's values out of texts that others wrote: an operator's message is not ours to trust.
pub(crate) struct Redaction(Vec<SecretValue>);

impl Redaction {
    /// Shorter values are found in every text.
    const SHORTEST: usize = 6;

    /// Of what the ledger knows by now.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let long = ledger
            .values()
            .filter(|value| value.expose().len() >= Self::SHORTEST);
        Self(long.collect())
    }

    /// Puts `<a value>` in the place of each.
    pub(crate) fn apply(&self, text: &mut String) {
        for value in self.0.iter().filter_map(SecretValue::expose_str) {
            if text.contains(value) {
                *text = text.replace(value, "<a value>");
            }
        }
    }
}

/// Names what places hold. What the ledger does not know is numbered by place.
#[derive(Default)]
pub(super) struct Namer(BTreeMap<String, Vec<Fingerprint>>);

impl Namer {
    /// What each place holds, by name.
    pub(super) fn name(&mut self, ledger: &Ledger, values: &Values) -> BTreeMap<String, String> {
        let name = |(place, fingerprint): (&String, &Fingerprint)| {
            if ledger.find(fingerprint).is_some() {
                return (place.clone(), ledger.describe(fingerprint));
            }
            let known = self.0.entry(place.clone()).or_default();
            let index = known.iter().position(|one| one == fingerprint);
            let index = index.unwrap_or_else(|| {
                known.push(fingerprint.clone());
                known.len() - 1
            });
            (place.clone(), format!("unknown value {}", index + 1))
        };
        values.iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use rotaproof_base::Fingerprinter;

    use super::*;

    #[test]
    fn an_unknown_value_has_the_number_of_its_first_sight_at_that_place() {
        let key = Fingerprinter::from_key([7; 32]);
        let ledger = Ledger::new(key.clone());
        let mut namer = Namer::default();
        let mut name = |value: &[u8]| {
            let values = BTreeMap::from([("env A".to_owned(), key.of(value))]);
            namer.name(&ledger, &values)["env A"].clone()
        };
        assert_eq!(name(b"one"), "unknown value 1");
        assert_eq!(name(b"two"), "unknown value 2");
        assert_eq!(name(b"one"), "unknown value 1");
    }

    #[test]
    fn a_value_in_a_message_is_taken_out() {
        let mut ledger = Ledger::new(Fingerprinter::from_key([7; 32]));
        let content = rotaproof_vaults::Content::Text(SecretValue::new("s3cr3t-value"));
        ledger.written("v/s", "1".into(), content, std::time::Duration::ZERO);
        let mut text = "cannot parse s3cr3t-value as JSON".to_owned();
        Redaction::of(&ledger).apply(&mut text);
        assert_eq!(text, "cannot parse <a value> as JSON");
    }
}
