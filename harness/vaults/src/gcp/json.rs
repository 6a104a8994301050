//! ProtoJSON of the messages: 64-bit integers and durations as text, bytes in base64, times in RFC 3339, either
//! spelling of a field when read. No error repeats a value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::operation::{Answer, from_wire, to_wire};
use super::proto::{self, VersionState};

/// A request's body as an object; an empty body is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    // serde's own words could repeat a value.
    serde_json::from_slice(body).map_err(|_| ApiError::invalid("Invalid JSON payload received."))
}

/// The fields of an object as they are read one by one; what nothing has read is unknown.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    read: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            read: Vec::new(),
        }
    }

    /// A field by its `lowerCamelCase` name, or by its name in the proto file.
    fn take(&mut self, name: &str) -> Option<&'a Value> {
        let snake: String = name
            .chars()
            .flat_map(|c| {
                let boundary = c.is_ascii_uppercase().then_some('_');
                boundary.into_iter().chain([c.to_ascii_lowercase()])
            })
            .collect();
        let entry = self.object.get_key_value(name);
        let (key, value) = entry.or_else(|| self.object.get_key_value(&snake))?;
        self.read.push(key);
        Some(value).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &mut self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| ApiError::invalid(format!("Invalid value at '{name}' ({kind})."))),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, ApiError> {
        let text = self.typed(name, "TYPE_STRING", Value::as_str)?;
        Ok(text.unwrap_or_default().to_owned())
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let read = |value: &Value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Ok(self.typed(name, "TYPE_STRING", read)?.unwrap_or_default())
    }

    pub(super) fn object(
        &mut self,
        name: &str,
    ) -> Result<Option<&'a Map<String, Value>>, ApiError> {
        self.typed(name, "TYPE_MESSAGE", Value::as_object)
    }

    fn objects(&mut self, name: &str) -> Result<Vec<&'a Map<String, Value>>, ApiError> {
        let read = |value: &'a Value| value.as_array()?.iter().map(Value::as_object).collect();
        Ok(self.typed(name, "TYPE_MESSAGE", read)?.unwrap_or_default())
    }

    fn map<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, ApiError> {
        let read = |value: &Value| {
            let entries = value.as_object()?.iter();
            entries
                .map(|(key, value)| Some((key.clone(), read(value)?)))
                .collect()
        };
        Ok(self.typed(name, "Map", read)?.unwrap_or_default())
    }

    fn time(&mut self, name: &str) -> Result<Option<proto::Timestamp>, ApiError> {
        let read = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
        Ok(self.typed(name, "Timestamp", read)?.map(to_wire))
    }

    pub(super) fn duration(&mut self, name: &str) -> Result<Option<proto::Duration>, ApiError> {
        self.typed(name, "Duration", |value| {
            let seconds = value.as_str()?.strip_suffix('s')?;
            let seconds = seconds.split('.').next()?.parse().ok()?;
            Some(proto::Duration { seconds, nanos: 0 })
        })
    }

    /// Refuses a field that nothing has read.
    pub(super) fn end(self) -> Result<(), ApiError> {
        let mut unread = self
            .object
            .keys()
            .filter(|key| !self.read.contains(&key.as_str()));
        match unread.next() {
            None => Ok(()),
            Some(key) => Err(ApiError::invalid(format!(
                "Invalid JSON payload received. Unknown name \"{key}\": Cannot find field."
            ))),
        }
    }
}

/// A 64-bit integer: text, or a number.
fn int64(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub(super) fn payload(object: &Map<String, Value>) -> Result<proto::SecretPayload, ApiError> {
    let mut fields = Fields::new(object);
    let data = fields.typed("data", "TYPE_BYTES", |value| {
        let text = value.as_str()?;
        let standard = BASE64_STANDARD.decode(text).ok();
        standard.or_else(|| BASE64_URL_SAFE.decode(text).ok())
    })?;
    let data_crc32c = fields.typed("dataCrc32c", "TYPE_INT64", int64)?;
    fields.end()?;
    Ok(proto::SecretPayload {
        data: data.unwrap_or_default(),
        data_crc32c,
    })
}

pub(super) fn secret(object: &Map<String, Value>) -> Result<proto::Secret, ApiError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut fields = Fields::new(object);
    let mut topics = Vec::new();
    for topic in fields.objects("topics")? {
        let mut fields = Fields::new(topic);
        let name = fields.text("name")?;
        fields.end()?;
        topics.push(proto::Topic { name });
    }
    let rotation = match fields.object("rotation")? {
        None => None,
        Some(object) => {
            let mut fields = Fields::new(object);
            let rotation = proto::Rotation {
                next_rotation_time: fields.time("nextRotationTime")?,
                rotation_period: fields.duration("rotationPeriod")?,
            };
            fields.end()?;
            Some(rotation)
        }
    };
    let secret = proto::Secret {
        name: fields.text("name")?,
        replication: fields.object("replication")?.map(replication).transpose()?,
        create_time: fields.time("createTime")?,
        labels: fields.map("labels", text)?,
        topics,
        expire_time: fields.time("expireTime")?,
        ttl: fields.duration("ttl")?,
        etag: fields.text("etag")?,
        rotation,
        version_aliases: fields.map("versionAliases", int64)?,
        annotations: fields.map("annotations", text)?,
        version_destroy_ttl: fields.duration("versionDestroyTtl")?,
    };
    fields.end()?;
    Ok(secret)
}

fn replication(object: &Map<String, Value>) -> Result<proto::Replication, ApiError> {
    let mut fields = Fields::new(object);
    let automatic = fields.object("automatic")?.map(|_| proto::Automatic {});
    let user_managed = match fields.object("userManaged")? {
        None => None,
        Some(object) => {
            let mut fields = Fields::new(object);
            let mut replicas = Vec::new();
            for replica in fields.objects("replicas")? {
                let location = Fields::new(replica).text("location")?;
                replicas.push(proto::Replica { location });
            }
            fields.end()?;
            Some(proto::UserManaged { replicas })
        }
    };
    fields.end()?;
    Ok(proto::Replication {
        automatic,
        user_managed,
    })
}

/// An answer; a field with its default is left out, as Google leaves it out.
pub(super) fn answer(answer: &Answer, enums_as_numbers: bool) -> Value {
    match answer {
        Answer::Secret(secret) => show_secret(secret),
        Answer::Version(version) => show_version(version, enums_as_numbers),
        Answer::Payload(access) => {
            let payload = access.payload.clone().unwrap_or_default();
            let crc = payload.data_crc32c.unwrap_or_default();
            json!({
                "name": access.name,
                "payload": {
                    "data": BASE64_STANDARD.encode(&payload.data),
                    "dataCrc32c": crc.to_string(),
                },
            })
        }
        Answer::Secrets(list) => {
            let items: Vec<Value> = list.secrets.iter().map(show_secret).collect();
            page("secrets", items, &list.next_page_token, list.total_size)
        }
        Answer::Versions(list) => {
            let items = list.versions.iter();
            let items = items.map(|version| show_version(version, enums_as_numbers));
            page(
                "versions",
                items.collect(),
                &list.next_page_token,
                list.total_size,
            )
        }
        Answer::Empty => json!({}),
    }
}

fn page(name: &str, items: Vec<Value>, next: &str, total: i32) -> Value {
    let mut page = Map::new();
    if !items.is_empty() {
        page.insert(name.to_owned(), Value::Array(items));
    }
    if !next.is_empty() {
        page.insert("nextPageToken".to_owned(), next.into());
    }
    if total != 0 {
        page.insert("totalSize".to_owned(), total.into());
    }
    Value::Object(page)
}

pub(super) fn time(at: &proto::Timestamp) -> Value {
    from_wire(at).map_or(Value::Null, |at| Value::String(at.to_string()))
}

fn duration(duration: &proto::Duration) -> Value {
    format!("{}s", duration.seconds).into()
}

fn show_secret(secret: &proto::Secret) -> Value {
    let mut shown = json!({ "name": secret.name });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown[name] = value;
        }
    };
    set(
        "replication",
        secret.replication.as_ref().map(show_replication),
    );
    set("createTime", secret.create_time.as_ref().map(time));
    let texts = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| json!(map));
    set("labels", texts(&secret.labels));
    let topics = secret
        .topics
        .iter()
        .map(|topic| json!({"name": topic.name}));
    let topics: Vec<Value> = topics.collect();
    set("topics", (!topics.is_empty()).then_some(topics.into()));
    set("expireTime", secret.expire_time.as_ref().map(time));
    set("etag", Some(secret.etag.clone().into()));
    set(
        "rotation",
        secret.rotation.as_ref().map(|rotation| {
            let mut shown = Map::new();
            if let Some(at) = &rotation.next_rotation_time {
                shown.insert("nextRotationTime".into(), time(at));
            }
            if let Some(period) = &rotation.rotation_period {
                shown.insert("rotationPeriod".into(), duration(period));
            }
            Value::Object(shown)
        }),
    );
    let aliases = secret.version_aliases.iter();
    let aliases: Map<String, Value> = aliases
        .map(|(alias, number)| (alias.clone(), number.to_string().into()))
        .collect();
    set(
        "versionAliases",
        (!aliases.is_empty()).then_some(aliases.into()),
    );
    set("annotations", texts(&secret.annotations));
    set(
        "versionDestroyTtl",
        secret.version_destroy_ttl.as_ref().map(duration),
    );
    shown
}

fn show_replication(replication: &proto::Replication) -> Value {
    match &replication.user_managed {
        None => json!({"automatic": {}}),
        Some(managed) => {
            let replicas = managed.replicas.iter();
            let replicas: Vec<Value> = replicas
                .map(|replica| json!({"location": replica.location}))
                .collect();
            json!({"userManaged": {"replicas": replicas}})
        }
    }
}

fn show_version(version: &proto::SecretVersion, enums_as_numbers: bool) -> Value {
    let state = VersionState::try_from(version.state).unwrap_or(VersionState::Unspecified);
    let mut shown = json!({
        "name": version.name,
        "createTime": version.create_time.as_ref().map(time),
        "state": if enums_as_numbers { json!(version.state) } else { json!(state.as_str()) },
        "replicationStatus": version.replication_status.as_ref().map(show_replication),
        "etag": version.etag,
    });
    if let Some(at) = &version.destroy_time {
        shown["destroyTime"] = time(at);
    }
    if let Some(at) = &version.scheduled_destroy_time {
        shown["scheduledDestroyTime"] = time(at);
    }
    if version.client_specified_payload_checksum {
        shown["clientSpecifiedPayloadChecksum"] = true.into();
    }
    shown
}
