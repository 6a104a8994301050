//! One KV v1 engine: unversioned secrets (vault-plugin-secrets-kv, `passthrough.go`).

use std::collections::BTreeMap;

use rotaproof_base::{Fingerprinter, SecretValue};
use serde_json::Value;

use super::answer::{Answer, Envelope};
use super::fields::Fields;
use super::kv2::{Content, children};
use super::route::Action;
use super::time::parse_duration;
use crate::contract::ServedVersion;

/// The lease that a client is told where the secret names none: Vault's default of 768 h.
const LEASE: u64 = 2_764_800;

/// One KV v1 engine.
#[derive(Default)]
pub(super) struct Kv1(BTreeMap<String, (Content, u64)>);

impl Kv1 {
    /// Whether a secret exists, for telling create from update.
    pub(super) fn exists(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Answers one request; `name` is the secret's name in the journal.
    pub(super) fn answer(
        &mut self,
        action: Action,
        key: &str,
        name: &str,
        fields: &Fields,
        fingerprinter: &Fingerprinter,
    ) -> Answer {
        match action {
            Action::Read => match self.0.get(key) {
                None => Answer::not_found(),
                Some((content, lease_duration)) => Answer::ok(Envelope {
                    data: content.json.expose_str().unwrap_or_default().to_owned(),
                    lease_duration: *lease_duration,
                    mount_type: "kv",
                    ..Envelope::default()
                })
                .serving(ServedVersion {
                    secret: name.to_owned(),
                    version: String::new(),
                    value: content.fingerprint.clone(),
                }),
            },
            Action::Update => {
                if key.is_empty() {
                    return Answer::unsupported_operation();
                }
                if fields.all().is_empty() {
                    return Answer::bad_request("missing data fields");
                }
                let mut data = Value::Object(fields.all().clone());
                data.sort_all_objects();
                let lease = ["lease", "ttl"]
                    .iter()
                    .find_map(|name| parse_duration(data.get(name)?.as_str()?))
                    .map_or(LEASE, |lease| lease.as_secs());
                let text = data.to_string();
                let content = Content {
                    fingerprint: fingerprinter.of(text.as_bytes()),
                    json: SecretValue::new(text),
                };
                self.0.insert(key.to_owned(), (content, lease));
                Answer::no_content()
            }
            Action::Delete => {
                self.0.remove(key);
                Answer::no_content()
            }
            Action::List => match children(self.0.keys(), key).as_slice() {
                [] => Answer::not_found(),
                keys => Answer::data(&serde_json::json!({ "keys": keys }), "kv"),
            },
            Action::Patch => Answer::unsupported_operation(),
        }
    }
}
