//! Fields that a JSON body has more than once (`fieldValidation`, `sigs.k8s.io/json` UnmarshalStrict).

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// `duplicate field "spec.x"`, in the order of the body; nothing for a body that is not JSON.
pub(super) fn find(body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let seed = At {
        parent: None,
        step: Step::Root,
        found: &mut found,
    };
    // What cannot be read is another's to refuse.
    let _ = seed.deserialize(&mut reader);
    found
}

enum Step<'p> {
    Root,
    Field(&'p str),
    Item(usize),
}

/// A place in the body; the path is written only where a duplicate is found.
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

struct At<'p, 'f> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
    found: &'f mut Vec<String>,
}

impl Place<'_> {
    fn path(&self) -> String {
        let mut path = self.parent.map(Place::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Field(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Item(at) => path.push_str(&format!("[{at}]")),
        }
        path
    }
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let here = Place {
            parent: self.parent,
            step: self.step,
        };
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                let place = Place {
                    parent: Some(&here),
                    step: Step::Field(&key),
                };
                self.found
                    .push(format!("duplicate field {:?}", place.path()));
            }
            map.next_value_seed(At {
                parent: Some(&here),
                step: Step::Field(&key),
                found: &mut *self.found,
            })?;
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let here = Place {
            parent: self.parent,
            step: self.step,
        };
        let mut at = 0;
        while items
            .next_element_seed(At {
                parent: Some(&here),
                step: Step::Item(at),
                found: &mut *self.found,
            })?
            .is_some()
        {
            at += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_comes_twice_is_told_with_its_path() {
        let body = br#"{"a": 1, "spec": {"list": [{}, {"x": null, "x": 1.5}], "b": "", "b": true}, "a": -1}"#;
        let fields = ["spec.list[1].x", "spec.b", "a"];
        assert_eq!(
            find(body),
            fields.map(|it| format!("duplicate field {it:?}"))
        );
        assert_eq!(find(br#"{"a": {"b": 1}, "b": 1}"#), Vec::<String>::new());
        assert_eq!(find(b"{\"a\": "), Vec::<String>::new());
    }
}
