//! A Kubernetes Secret: what its keys hold, and what it is otherwise.

use std::collections::BTreeMap;

use rotaproof_scenario::SecretKey;
use rotaproof_scenario::model::expect::{Expected, SecretExpectation};

use super::origin::{Wanted, held};
use super::{Checked, Mismatch};
use crate::explain::About;
use crate::stage::{Stage, Trouble};
use crate::world::{Kind, Seen, State};

pub(super) fn check(stage: &Stage<'_>, expected: &SecretExpectation) -> Result<Checked, Trouble> {
    let name = expected.secret.value.to_string();
    let state = stage.world.state();
    let about = About::Secret(name.clone());
    let mismatch = |what: String, expected: String, actual: String| {
        Ok(Err(Mismatch {
            what,
            expected,
            actual,
            about: about.clone(),
        }))
    };
    let seen = state.object(Kind::Secret, &name);
    if expected.absent == Some(true) {
        return match seen {
            None => Ok(Ok(format!("Secret {name} does not exist"))),
            Some(_) => mismatch(
                format!("Secret {name} exists"),
                "it does not exist".into(),
                "it exists".into(),
            ),
        };
    }
    let wanted = wanted(stage, &state, expected, seen.map(AsRef::as_ref))?;
    let Some(seen) = seen else {
        let first = wanted
            .first()
            .map(|(key, wanted)| format!("key {key} holds {}", wanted.name));
        return mismatch(
            format!("Secret {name} does not exist"),
            first.unwrap_or_else(|| "it exists".into()),
            "no such Secret".into(),
        );
    };
    let now = stage.lab.clock.elapsed();
    for (key, wanted) in &wanted {
        let actual = match seen.values.get(key) {
            Some((_, fingerprint)) if wanted.is(fingerprint) => continue,
            Some((_, fingerprint)) => held(&state, fingerprint, now),
            None => "no such key".into(),
        };
        return mismatch(
            format!("key {key} of Secret {name} is not as expected"),
            wanted.name.clone(),
            actual,
        );
    }
    for (key, value) in &expected.contains {
        let secret = value.value.secret.to_string();
        let version = state
            .ledger
            .history(&secret)
            .and_then(|h| h.named(&value.value.version.to_string()));
        let part = version.and_then(|version| version.value(value.value.field.as_deref()));
        let whole = seen
            .values
            .get(key.value.as_str())
            .map(|(whole, _)| whole.expose());
        let holds = match (&part, whole) {
            (Some(part), Some(whole)) => {
                let part = part.expose();
                !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
            }
            _ => false,
        };
        if !holds {
            return mismatch(
                format!("key {key} of Secret {name} does not contain what it should"),
                format!("a text that contains {}", value.value),
                if whole.is_some() {
                    "a text that does not contain it"
                } else {
                    "no such key"
                }
                .into(),
            );
        }
    }
    if let Some((what, expected, actual)) = metadata(expected, seen) {
        return mismatch(
            format!("{what} of Secret {name} is not as expected"),
            expected,
            actual,
        );
    }
    Ok(Ok(format!("Secret {name} is as expected")))
}

/// What each key should hold.
fn wanted(
    stage: &Stage<'_>,
    state: &State,
    expected: &SecretExpectation,
    seen: Option<&Seen>,
) -> Result<Vec<(String, Wanted)>, Trouble> {
    let secret = &expected.secret.value;
    let mapping = &stage.mapping(state);
    let mut wanted = Vec::new();
    if let Some(version) = &expected.is {
        let known = mapping.keys(secret).map(|(key, _)| key.to_owned());
        let found = seen
            .into_iter()
            .flat_map(|seen| seen.values.keys().cloned());
        let mut keys: Vec<String> = known.chain(found).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let origin = mapping.key(secret, &key);
            if let Some(of_key) = Wanted::of_origin(state, origin.as_ref(), version.value) {
                wanted.push((key, of_key));
            }
        }
        if wanted.is_empty() && seen.is_some() {
            let what = format!("no key of Secret {secret} can be followed to a vault");
            return Err(Trouble::failed(what).about(About::Secret(secret.to_string())));
        }
    }
    for (key, of_key) in &expected.keys {
        let place = SecretKey {
            secret: secret.clone(),
            key: key.value.clone(),
        };
        let expected: &Expected = &of_key.value;
        let of_key = Wanted::of_key(state, mapping, &place, expected).map_err(Trouble::failed)?;
        wanted.push((key.value.clone(), of_key));
    }
    Ok(wanted)
}

/// What else is not as expected: its name, expected, actual.
fn metadata(expected: &SecretExpectation, seen: &Seen) -> Option<(String, String, String)> {
    let object = &seen.object.metadata;
    if let Some(keys) = &expected.has_keys {
        let mut wanted: Vec<&str> = keys.iter().map(|key| key.value.as_str()).collect();
        wanted.sort_unstable();
        let actual: Vec<&str> = seen.values.keys().map(String::as_str).collect();
        if wanted != actual {
            return Some((
                "the set of keys".into(),
                wanted.join(", "),
                actual.join(", "),
            ));
        }
    }
    if let Some(owner) = &expected.owned_by {
        let owners: Vec<String> = object
            .owner_references
            .iter()
            .flatten()
            .map(|owner| format!("{} {}", owner.kind, owner.name))
            .collect();
        let wanted = format!("ExternalSecret {}", owner.value.0.name);
        if !owners.contains(&wanted) {
            let actual = if owners.is_empty() {
                "no owner".into()
            } else {
                owners.join(", ")
            };
            return Some(("the owner".into(), wanted, actual));
        }
    }
    let none = BTreeMap::new();
    let maps = [
        ("label", &expected.labels, object.labels.as_ref()),
        (
            "annotation",
            &expected.annotations,
            object.annotations.as_ref(),
        ),
    ];
    for (what, wanted, actual) in maps {
        for (name, value) in wanted {
            let actual = actual.unwrap_or(&none).get(name);
            if actual != Some(value) {
                let actual = actual.cloned().unwrap_or_else(|| "not set".into());
                return Some((format!("{what} {name}"), value.clone(), actual));
            }
        }
    }
    let immutable = seen
        .at("/immutable")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(false);
    match expected.immutable {
        Some(wanted) if wanted != immutable => Some((
            "`immutable`".into(),
            wanted.to_string(),
            immutable.to_string(),
        )),
        _ => None,
    }
}
