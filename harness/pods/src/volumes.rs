//! What a volume holds, and where a container sees it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, KeyToPath, Volume, VolumeMount};
use rotaproof_base::SecretValue;

use crate::atomic_writer::{Content, Payload, is_valid_path};
use crate::environment::Environment;
use crate::expansion::expand;
use crate::probe::within;
use crate::sources::{Sources, config_map_data, secret_data};

/// The mode of files where a volume says none.
const DEFAULT_MODE: i32 = 0o644;

/// What a volume is.
pub(crate) enum Kind {
    /// Files written by the kubelet.
    Files(Payload),
    /// A folder of the pod's own.
    Empty,
}

/// What the volume holds now.
///
/// # Errors
/// The kubelet's words for an absent object or key, without the `MountVolume.SetUp failed` around them.
pub(crate) fn content(
    volume: &Volume,
    sources: &Sources,
    tokens: &BTreeMap<String, SecretValue>,
) -> Result<Kind, String> {
    let mut payload = Payload::new();
    if let Some(secret) = &volume.secret {
        let name = secret.secret_name.as_deref().unwrap_or_default();
        let data = sources.secret(name).map(secret_data);
        let mode = secret.default_mode.unwrap_or(DEFAULT_MODE);
        let part = project(
            data,
            "secret",
            secret.items.as_deref(),
            secret.optional,
            mode,
        )?;
        payload.extend(part);
    } else if let Some(map) = &volume.config_map {
        let data = sources.config_map(&map.name).map(config_map_data);
        let mode = map.default_mode.unwrap_or(DEFAULT_MODE);
        payload.extend(project(
            data,
            "config",
            map.items.as_deref(),
            map.optional,
            mode,
        )?);
    } else if let Some(projected) = &volume.projected {
        let mode = projected.default_mode.unwrap_or(DEFAULT_MODE);
        for source in projected.sources.iter().flatten() {
            if let Some(secret) = &source.secret {
                let data = sources.secret(&secret.name).map(secret_data);
                payload.extend(project(
                    data,
                    "secret",
                    secret.items.as_deref(),
                    secret.optional,
                    mode,
                )?);
            }
            if let Some(map) = &source.config_map {
                let data = sources.config_map(&map.name).map(config_map_data);
                payload.extend(project(
                    data,
                    "config",
                    map.items.as_deref(),
                    map.optional,
                    mode,
                )?);
            }
            if let Some(token) = &source.service_account_token {
                let data = tokens
                    .get(&token.path)
                    .cloned()
                    .ok_or("no service account token")?;
                insert(&mut payload, &token.path, data, mode)?;
            }
            if source.downward_api.is_some() || source.cluster_trust_bundle.is_some() {
                return Err(
                    "only secret, configMap and serviceAccountToken can be projected".into(),
                );
            }
        }
    } else if volume.empty_dir.is_some() {
        return Ok(Kind::Empty);
    } else {
        return Err("no volume plugin matched".into());
    }
    Ok(Kind::Files(payload))
}

/// The files of one object: all its keys, or the items asked for.
fn project(
    data: Result<BTreeMap<String, SecretValue>, String>,
    kind: &str,
    items: Option<&[KeyToPath]>,
    optional: Option<bool>,
    default_mode: i32,
) -> Result<Payload, String> {
    let optional = optional == Some(true);
    let data = match data {
        Ok(data) => data,
        Err(_) if optional => return Ok(Payload::new()),
        Err(message) => return Err(message),
    };
    let mut payload = Payload::new();
    let items = items.unwrap_or_default();
    if items.is_empty() {
        for (key, value) in data {
            insert(&mut payload, &key, value, default_mode)?;
        }
        return Ok(payload);
    }
    for item in items {
        match data.get(&item.key) {
            Some(value) => {
                let mode = item.mode.unwrap_or(default_mode);
                insert(&mut payload, &item.path, value.clone(), mode)?;
            }
            None if optional => {}
            None => return Err(format!("references non-existent {kind} key: {}", item.key)),
        }
    }
    Ok(payload)
}

fn insert(payload: &mut Payload, path: &str, data: SecretValue, mode: i32) -> Result<(), String> {
    if !is_valid_path(path) {
        return Err(format!(
            "invalid path {path:?}: it has to be relative and to stay in the volume"
        ));
    }
    let mode = u32::try_from(mode).unwrap_or_default();
    payload.insert(path.to_owned(), Content { data, mode });
    Ok(())
}

/// Builds a container's file system under `root`: each mount is a link to its volume, as a bind mount follows it;
/// a `subPath` mount is a copy bound now, which never changes. `writable` names the volumes whose `subPath` is shared
/// instead of copied. Returns the mounted paths.
pub(crate) fn mount(
    container: &Container,
    environment: &Environment,
    volumes: &Path,
    writable: &[String],
    root: &Path,
) -> io::Result<Vec<String>> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root)?;
    let mut mounts: Vec<&VolumeMount> = container.volume_mounts.iter().flatten().collect();
    // Outer mounts first: an inner one lies in the outer volume.
    mounts.sort_by_key(|mount| {
        within(Path::new("/"), &mount.mount_path)
            .components()
            .count()
    });
    for mount in &mounts {
        let target = within(root, &mount.mount_path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let volume = volumes.join(&mount.name);
        let Some(sub_path) = sub_path(mount, environment) else {
            symlink(volume, target)?;
            continue;
        };
        let source = within(&volume, &sub_path);
        if writable.contains(&mount.name) {
            fs::create_dir_all(&source)?;
            symlink(source, target)?;
        } else {
            copy(&source, &target)?;
        }
    }
    Ok(mounts
        .iter()
        .map(|mount| mount.mount_path.clone())
        .collect())
}

fn sub_path(mount: &VolumeMount, environment: &Environment) -> Option<String> {
    let known = |name: &str| environment.get(name)?.expose_str().map(str::to_owned);
    let expanded = mount
        .sub_path_expr
        .as_ref()
        .map(|expression| expand(expression, known));
    mount
        .sub_path
        .clone()
        .or(expanded)
        .filter(|path| !path.is_empty())
}

/// Copies a file, or a folder with what is in it; what does not exist becomes an empty folder, as the kubelet makes it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir(to)?;
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("..") {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Where a pod's volume lies.
pub(crate) fn folder(pod: &Path, volume: &str) -> PathBuf {
    pod.join("volumes").join(volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sources() -> Sources {
        let secret = serde_json::from_value(json!({"data": {"a": "MQ==", "b": "Mg=="}})).unwrap();
        let map = serde_json::from_value(json!({"data": {"c": "3"}})).unwrap();
        Sources {
            secrets: BTreeMap::from([("s".to_owned(), secret)]),
            config_maps: BTreeMap::from([("m".to_owned(), map)]),
        }
    }

    fn files(volume: Value) -> Result<Vec<(String, String, u32)>, String> {
        let mut volume = volume;
        volume["name"] = json!("v");
        let volume = serde_json::from_value(volume).unwrap();
        let tokens = BTreeMap::from([("token".to_owned(), SecretValue::new("t"))]);
        match content(&volume, &sources(), &tokens)? {
            Kind::Empty => Ok(Vec::new()),
            Kind::Files(payload) => Ok(payload
                .into_iter()
                .map(|(path, c)| (path, c.data.expose_str().unwrap().to_owned(), c.mode))
                .collect()),
        }
    }

    #[test]
    fn items_choose_keys_paths_and_modes() {
        let volume = json!({"secret": {"secretName": "s", "defaultMode": 0o440, "items": [
            {"key": "a", "path": "deep/a"}, {"key": "b", "path": "b", "mode": 0o400}]}});
        let expected = [
            ("b".into(), "2".into(), 0o400),
            ("deep/a".into(), "1".into(), 0o440),
        ];
        assert_eq!(files(volume).unwrap(), expected);
    }

    #[test]
    fn a_projected_volume_joins_its_sources() {
        let volume = json!({"projected": {"sources": [
            {"secret": {"name": "s", "items": [{"key": "a", "path": "a"}]}},
            {"configMap": {"name": "m"}},
            {"serviceAccountToken": {"path": "token"}},
            {"secret": {"name": "absent", "optional": true}},
        ]}});
        let paths: Vec<String> = files(volume)
            .unwrap()
            .into_iter()
            .map(|file| file.0)
            .collect();
        assert_eq!(paths, ["a", "c", "token"]);
    }

    #[rstest::rstest]
    #[case(json!({"secret": {"secretName": "x"}}), "secret \"x\" not found")]
    #[case(json!({"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}]}}), "references non-existent secret key: z")]
    #[case(json!({"configMap": {"name": "x"}}), "configmap \"x\" not found")]
    #[case(json!({"secret": {"secretName": "s", "items": [{"key": "a", "path": "../a"}]}}),
        "invalid path \"../a\": it has to be relative and to stay in the volume")]
    #[case(json!({"hostPath": {"path": "/"}}), "no volume plugin matched")]
    fn a_volume_that_cannot_be_set_up_says_why(#[case] volume: Value, #[case] message: &str) {
        assert_eq!(files(volume).unwrap_err(), message);
    }

    #[test]
    fn an_optional_secret_may_be_absent() {
        let volume = json!({"secret": {"secretName": "x", "optional": true}});
        assert!(files(volume).unwrap().is_empty());
    }
}
