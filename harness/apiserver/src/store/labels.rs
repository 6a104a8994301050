//! Which objects carry a label: a selector by equality need not look at every object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stored::Object;
use super::table::Key;
use crate::object;

/// The keys of the objects with a label, by its name and value.
#[derive(Default)]
pub(super) struct LabelIndex(BTreeMap<(String, String), BTreeSet<Key>>);

impl LabelIndex {
    /// Takes an object in.
    pub(super) fn add(&mut self, key: &Key, object: &Object) {
        for (name, value) in labels(object) {
            let label = (name.to_owned(), value.to_owned());
            self.0.entry(label).or_default().insert(key.clone());
        }
    }

    /// Forgets an object, as it was taken in.
    pub(super) fn remove(&mut self, key: &Key, object: &Object) {
        for (name, value) in labels(object) {
            let label = (name.to_owned(), value.to_owned());
            if let Some(keys) = self.0.get_mut(&label) {
                keys.remove(key);
                if keys.is_empty() {
                    self.0.remove(&label);
                }
            }
        }
    }

    /// The keys of the objects with a label, in order.
    pub(super) fn keys(&self, name: &str, value: &str) -> impl Iterator<Item = &Key> {
        let label = (name.to_owned(), value.to_owned());
        self.0.get(&label).into_iter().flatten()
    }
}

fn labels(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let labels = object::meta(&object.value, "labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::log::{Entry, EventType};
    use super::super::stored::Stored;
    use super::super::table::Table;
    use super::*;

    proptest! {
        #[test]
        fn the_objects_with_a_label_are_those_that_a_look_at_every_object_finds(
            writes in prop::collection::vec((0..4_u8, 0..2_u8, prop::option::of(0..3_u8)), 0..40)
        ) {
            let mut table = Table::new(0);
            for (revision, (name, namespace, tier)) in (1..).zip(writes) {
                let key = Key::new(format!("ns{namespace}"), format!("o{name}"));
                let previous = table.get(&key).cloned();
                // No label at all stands for a deletion half of the time.
                let event = match (tier, name % 2) {
                    (None, 0) => EventType::Deleted,
                    _ => EventType::Added,
                };
                if event == EventType::Deleted && previous.is_none() {
                    continue;
                }
                let labels = tier.map(|tier| json!({"tier": tier.to_string()}));
                let value = json!({"metadata": {"labels": labels}});
                let object = Arc::new(Stored::new(value, revision));
                table.apply(Entry { revision, event, key, object, previous }, 100);
            }
            for namespace in [None, Some("ns0"), Some("ns1")] {
                for tier in ["0", "1", "2"] {
                    let keys = |objects: Vec<(Key, Object)>| -> Vec<Key> { objects.into_iter().map(|(key, _)| key).collect() };
                    let all = table.list(namespace).into_iter();
                    let found = all.filter(|(_, object)| object.value["metadata"]["labels"]["tier"] == tier);
                    prop_assert_eq!(keys(table.labelled(namespace, "tier", tier)), keys(found.collect()));
                }
            }
        }
    }
}
