//! The endpoints of `sys/` that clients, probes and the CLI ask.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Envelope};
use super::config::{HashicorpConfig, Mount, MountKind};
use super::fields::Fields;
use super::policy::{Policies, is_root};
use super::route::{Action, SystemEndpoint};

/// The release whose behaviour is served.
const VERSION: &str = "1.21.0";

/// Names of this server that stay the same for its life.
pub(super) struct Identity {
    pub(super) cluster_id: String,
    pub(super) cluster_name: String,
    /// (accessor, uuid) per mount.
    pub(super) mounts: Vec<(String, String)>,
}

/// Answers what needs no token; `None` for what does.
pub(super) fn open(
    endpoint: &SystemEndpoint,
    action: Action,
    identity: &Identity,
    now: Timestamp,
) -> Option<Answer> {
    let body = match endpoint {
        SystemEndpoint::Health => json!({
            "initialized": true,
            "sealed": false,
            "standby": false,
            "performance_standby": false,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": now.as_second(),
            "version": VERSION,
            "enterprise": false,
            "cluster_name": identity.cluster_name,
            "cluster_id": identity.cluster_id,
            "echo_duration_ms": 0,
            "clock_skew_ms": 0,
            "replication_primary_canary_age_ms": 0,
        }),
        SystemEndpoint::SealStatus => json!({
            "type": "shamir",
            "initialized": true,
            "sealed": false,
            "t": 1,
            "n": 1,
            "progress": 0,
            "nonce": "",
            "version": VERSION,
            "build_date": "2025-10-21T19:33:17Z",
            "migration": false,
            "cluster_name": identity.cluster_name,
            "cluster_id": identity.cluster_id,
            "recovery_seal": false,
            "storage_type": "inmem",
        }),
        SystemEndpoint::Init => json!({ "initialized": true }),
        SystemEndpoint::Leader => json!({
            "ha_enabled": false,
            "is_self": false,
            "leader_address": "",
            "leader_cluster_address": "",
            "performance_standby": false,
            "performance_standby_last_remote_wal": 0,
        }),
        _ => return None,
    };
    Some(match action {
        Action::Read => Answer::plain(&body),
        _ => Answer::unknown_method(),
    })
}

/// Answers what needs a token, whose policies are given.
pub(super) fn closed(
    endpoint: &SystemEndpoint,
    action: Action,
    config: &HashicorpConfig,
    identity: &Identity,
    policies: (&Policies, &[String]),
    fields: &Fields,
) -> Answer {
    match (endpoint, action) {
        (SystemEndpoint::Mounts, Action::Read) => mounts(config, identity),
        (SystemEndpoint::CapabilitiesSelf, Action::Update) => {
            capabilities(policies, fields).unwrap_or_else(|refusal| refusal)
        }
        (SystemEndpoint::UiMount(path), Action::Read) => ui_mount(config, identity, policies, path),
        _ => Answer::unsupported_operation(),
    }
}

fn describe(mount: &Mount, (accessor, uuid): &(String, String)) -> Value {
    let version = match mount.kind {
        MountKind::KvV1 => "1",
        MountKind::KvV2 => "2",
    };
    json!({
        "accessor": accessor,
        "config": { "default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0 },
        "deprecation_status": "supported",
        "description": "",
        "external_entropy_access": false,
        "local": false,
        "options": { "version": version },
        "plugin_version": "",
        "running_plugin_version": "v0.25.0+builtin",
        "running_sha256": "",
        "seal_wrap": false,
        "type": "kv",
        "uuid": uuid,
    })
}

fn mounts(config: &HashicorpConfig, identity: &Identity) -> Answer {
    let mut mounts: Map<String, Value> = config
        .mounts
        .iter()
        .zip(&identity.mounts)
        .map(|(mount, ids)| (format!("{}/", mount.path), describe(mount, ids)))
        .collect();
    mounts.sort_keys();
    let mounts = Value::Object(mounts);
    Answer::ok(Envelope {
        data: mounts.to_string(),
        mount_type: "system",
        flattened: Some(mounts),
        ..Envelope::default()
    })
}

fn capabilities(
    (policies, names): (&Policies, &[String]),
    fields: &Fields,
) -> Result<Answer, Answer> {
    let mut paths = fields.texts("paths")?;
    paths.extend(fields.texts("path")?);
    if paths.is_empty() {
        return Err(Answer::bad_request("paths must be supplied"));
    }
    let mut data = Map::new();
    for path in &paths {
        let granted: Vec<&str> = if is_root(names) {
            vec!["root"]
        } else {
            let granted = policies.capabilities(names, path, path.ends_with('/'));
            let mut list: Vec<&str> = granted.iter().map(|c| c.name()).collect();
            list.sort_unstable();
            if list.is_empty() { vec!["deny"] } else { list }
        };
        data.insert(path.clone(), json!(granted));
        if paths.len() == 1 {
            data.insert("capabilities".to_owned(), json!(granted));
        }
    }
    data.sort_keys();
    let data = Value::Object(data);
    Ok(Answer::ok(Envelope {
        data: data.to_string(),
        mount_type: "system",
        flattened: Some(data),
        ..Envelope::default()
    }))
}

fn ui_mount(
    config: &HashicorpConfig,
    identity: &Identity,
    (policies, names): (&Policies, &[String]),
    path: &str,
) -> Answer {
    let path = format!("{}/", path.trim_end_matches('/'));
    let found = config
        .mounts
        .iter()
        .zip(&identity.mounts)
        .filter(|(mount, _)| path.starts_with(&format!("{}/", mount.path)))
        .max_by_key(|(mount, _)| mount.path.len());
    // Whether a mount exists is told only to those who may use it.
    let permitted = found.filter(|(mount, _)| policies.reach(names, &format!("{}/", mount.path)));
    let Some((mount, ids)) = permitted else {
        return Answer::error(
            StatusCode::FORBIDDEN,
            format!(
                "preflight capability check returned 403, please ensure client's policies grant access to path {path:?}"
            ),
        );
    };
    let mut data = describe(mount, ids);
    if let Value::Object(members) = &mut data {
        members.insert("path".to_owned(), json!(format!("{}/", mount.path)));
        members.sort_keys();
    }
    Answer::data(&data, "system")
}
