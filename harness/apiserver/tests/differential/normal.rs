//! What cannot be equal, and what stands for it. The one place of these rules:
//!
//! - a uid (in any text) is `uid-NAME-1`, `uid-NAME-2`, … in the order in which its side gave them to objects of a name;
//! - a resource version of an object likewise is `revision-1`, …, so that a write that changes nothing is told from one
//!   that does; that of a list or a bookmark is `list-revision`: a kube-apiserver's own writes count there too;
//! - a time within two days of now is `now` (with its form: seconds or microseconds); others are the client's;
//! - the five characters after a `generateName` are `?????`;
//! - a `continue` token is `token`; a ServiceAccount's token is its claims, times as distances from `iat`;
//! - entries of `managedFields`, which are sorted by times, are compared by manager, operation, subresource and version;
//! - an age in a table is `age`; documents of discovery are compared by the names in their lists, not by places;
//! - the causes of an error are compared by their texts, those in a message sorted, and count once: Go ranges over maps as it
//!   likes, and a kube-apiserver checks some things twice;
//! - a bookmark that does not end the initial events is passed over: it comes when it likes;
//! - of headers, `Content-Type` and `Warning` are compared.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use rotaproof_base::Clock;
use serde_json::{Map, Value, json};

use crate::side::Answer;

/// A line of a watch that no client waits for.
pub(crate) fn is_passed_over(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    text.contains(r#""type":"BOOKMARK""#) && !text.contains("initial-events-end")
}

/// What one side has shown so far.
pub(crate) struct Memory {
    clock: Clock,
    /// Each with what stands for it.
    uids: Vec<(String, String)>,
    /// By the object that has them.
    revisions: BTreeMap<String, Vec<String>>,
    generated: Vec<(String, String)>,
}

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+s$"));
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<fraction>\.\d+)?Z"));
/// A revision in a sentence.
static REVISION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?P<before>(?i:resource ?version)[^0-9]{1,40}|current: |\d \()(?P<number>\d+)")
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::system(),
            uids: Vec::new(),
            revisions: BTreeMap::new(),
            generated: Vec::new(),
        }
    }

    /// The answer as it is compared.
    pub(crate) fn normal(&mut self, answer: &Answer, events: bool) -> Value {
        let header = |name: &str| -> Vec<&str> {
            let values = answer.headers.get_all(name).iter();
            values.filter_map(|value| value.to_str().ok()).collect()
        };
        let body = match events {
            true => answer
                .body
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty() && !is_passed_over(line))
                .map(|line| self.body(line))
                .collect(),
            false => self.body(&answer.body),
        };
        json!({
            "code": answer.code.as_u16(), "content-type": header("content-type"),
            "warning": header("warning"), "body": body,
        })
    }

    fn body(&mut self, bytes: &[u8]) -> Value {
        match serde_json::from_slice::<Value>(bytes) {
            Ok(mut value) => {
                self.value(&mut value);
                if value["kind"]
                    .as_str()
                    .is_some_and(|kind| kind.starts_with("API"))
                {
                    by_name(&mut value);
                }
                value
            }
            Err(_) => match std::str::from_utf8(bytes) {
                Ok(text) => json!({"text": text}),
                Err(_) => json!({"bytes": bytes.len()}),
            },
        }
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => self.object(map),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>) {
        sort_causes(map);
        let is_list = map.contains_key("items") || map.contains_key("rows");
        let is_bookmark = map.get("type").is_some_and(|kind| kind == "BOOKMARK");
        if is_list || is_bookmark {
            let meta = if is_list {
                map.get_mut("metadata")
            } else {
                None
            };
            let meta = match meta {
                Some(meta) => Some(meta),
                None => map
                    .get_mut("object")
                    .and_then(|object| object.get_mut("metadata")),
            };
            if let Some(revision) = meta.and_then(|meta| meta.get_mut("resourceVersion")) {
                *revision = "list-revision".into();
            }
        }
        let base = map
            .get("generateName")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if let (Some(base), Some(Value::String(name))) = (base, map.get("name"))
            && name.starts_with(&base)
            && name.len() == base.len() + 5
        {
            self.generated.push((name.clone(), format!("{base}?????")));
        }
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        let owner = match (text("name"), text("uid")) {
            (Some(name), Some(uid)) => self.uid(name, uid),
            _ => String::new(),
        };
        if let Some(Value::Array(cells)) = map.get_mut("cells") {
            for cell in cells {
                if cell.as_str().is_some_and(|text| AGE.is_match(text)) {
                    *cell = "age".into();
                }
            }
        }
        let renamed: Vec<String> = map
            .keys()
            .filter(|key| UUID.is_match(key))
            .cloned()
            .collect();
        for key in renamed {
            if let Some(value) = map.remove(&key) {
                map.insert(self.uids_in(&key), value);
            }
        }
        // Sorted: what comes first must not depend on how a side orders its fields.
        let mut names: Vec<String> = map.keys().cloned().collect();
        names.sort();
        for name in names {
            let Some(value) = map.get_mut(&name) else {
                continue;
            };
            match (name.as_str(), &mut *value) {
                ("resourceVersion", Value::String(text)) => *text = self.revision(&owner, text),
                ("continue", Value::String(text)) if !text.is_empty() => "token".clone_into(text),
                ("token", Value::String(text)) => {
                    if let Some(mut claims) = claims(text) {
                        self.value(&mut claims);
                        *value = claims;
                    }
                }
                ("managedFields", Value::Array(entries)) => {
                    entries.iter_mut().for_each(|entry| self.value(entry));
                    let fields = ["manager", "operation", "subresource", "apiVersion"];
                    *value = keyed(entries, &fields);
                }
                ("causes", Value::Array(causes)) => {
                    causes.iter_mut().for_each(|cause| self.value(cause));
                    *value = keyed(causes, &["field", "message"]);
                }
                _ => self.value(value),
            }
        }
    }

    /// What stands for the uid of an object of this name.
    fn uid(&mut self, name: &str, uid: &str) -> String {
        if let Some((_, shown)) = self.uids.iter().find(|(known, _)| known == uid) {
            return shown.clone();
        }
        let name = self.generated_in(name);
        let same = |(_, shown): &&(String, String)| shown.starts_with(&format!("uid-{name}-"));
        let shown = format!("uid-{name}-{}", self.uids.iter().filter(same).count() + 1);
        self.uids.push((uid.to_owned(), shown.clone()));
        shown
    }

    fn generated_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, shown) in &self.generated {
            text = text.replace(name.as_str(), shown);
        }
        text
    }

    fn revision(&mut self, owner: &str, text: &str) -> String {
        if matches!(text, "" | "0" | "list-revision") || text.parse::<u64>().is_err() {
            return text.to_owned();
        }
        let known = self.revisions.entry(owner.to_owned()).or_default();
        let at = known.iter().position(|it| it == text).unwrap_or_else(|| {
            known.push(text.to_owned());
            known.len() - 1
        });
        format!("revision-{}", at + 1)
    }

    fn text(&mut self, text: &str) -> String {
        let text = self.uids_in(&self.generated_in(text));
        let now = self.clock.now();
        let text = TIME.replace_all(&text, |found: &Captures<'_>| {
            let fraction = match found.name("fraction").map_or(0, |it| it.as_str().len()) {
                0 => "now",
                7 => "now in microseconds",
                _ => "now in a fraction",
            };
            let near =
                |at: Timestamp| at.duration_since(now).abs() < SignedDuration::from_hours(48);
            match found[0].parse().is_ok_and(near) {
                true => fraction.to_owned(),
                false => found[0].to_owned(),
            }
        });
        REVISION
            .replace_all(&text, |found: &Captures<'_>| {
                format!("{}#", &found["before"])
            })
            .into_owned()
    }

    fn uids_in(&self, text: &str) -> String {
        UUID.replace_all(text, |found: &Captures<'_>| {
            // What a request made up is no uid of a server.
            match found[0].ends_with("-000000000000") {
                true => found[0].to_owned(),
                false => match self.uids.iter().find(|(known, _)| *known == found[0]) {
                    Some((_, shown)) => shown.clone(),
                    None => "uid".to_owned(),
                },
            }
        })
        .into_owned()
    }
}

fn sort_causes(map: &mut Map<String, Value>) {
    let Some(Value::String(message)) = map.get_mut("message") else {
        return;
    };
    if let Some((head, list)) = message.split_once(" is invalid: [")
        && let Some(list) = list.strip_suffix(']')
    {
        let mut parts: Vec<&str> = list.split(", ").collect();
        parts.sort_unstable();
        parts.dedup();
        *message = format!("{head} is invalid: [{}]", parts.join(", "));
    }
}

/// A list as a map: each item under the texts that tell it from the others.
fn keyed(items: &[Value], fields: &[&str]) -> Value {
    let key = |item: &Value| {
        let texts = fields.iter().filter_map(|field| item[*field].as_str());
        texts.collect::<Vec<_>>().join(" ")
    };
    let items = items.iter().map(|item| (key(item), item.clone()));
    Value::Object(items.collect())
}

/// Lists of named things as maps, their verbs sorted.
fn by_name(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(by_name),
        Value::Array(items) => {
            items.iter_mut().for_each(by_name);
            items.sort_by_key(Value::to_string);
            let name = |item: &Value| {
                let names = [
                    "/name",
                    "/resource",
                    "/subresource",
                    "/metadata/name",
                    "/version",
                ];
                names
                    .iter()
                    .find_map(|at| Some(item.pointer(at)?.as_str()?.to_owned()))
            };
            let named: Option<Map<String, Value>> = items
                .iter()
                .map(|item| Some((name(item)?, item.clone())))
                .collect();
            if let Some(named) = named.filter(|named| !named.is_empty()) {
                *value = named.into();
            }
        }
        _ => {}
    }
}

/// The header and the claims of a token that a server signed.
fn claims(token: &str) -> Option<Value> {
    let part = |text: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    };
    let mut parts = token.split('.');
    let (header, mut claims) = (part(parts.next()?)?, part(parts.next()?)?);
    let issued = claims["iat"].as_i64()?;
    for name in ["exp", "nbf", "iat"] {
        claims[name] = (claims[name].as_i64()? - issued).into();
    }
    // The id of the key is the key's.
    Some(json!({"algorithm": header["alg"], "claims": claims}))
}
