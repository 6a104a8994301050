//! CustomResourceDefinitions: from a file, a folder or a release's bundle, as JSON.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::digest::Hash;
use crate::{Error, Version, cache};

/// ESO's own kind, without which the rest is of no use.
const EXTERNAL_SECRETS: &str = "externalsecrets.external-secrets.io";
/// Part of a parsed file's name: changes with how CRDs are read.
const READING: &str = "1";

/// The CRDs in a file or a folder. YAML takes its time (0.7 s for ESO's bundle in a debug build), so what was parsed
/// is kept as JSON in the cache, by the digest of the YAML; a cache that cannot be written is no error.
pub(crate) fn load(path: &Path, parsed: &Path) -> Result<Vec<Value>, Error> {
    let mut sources = Vec::new();
    let mut hash = Hash::new();
    for file in files(path)? {
        let text = fs::read_to_string(&file).map_err(|error| Error::crds(&file, error))?;
        // The length keeps two files apart from one with both texts.
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
        sources.push((file, text));
    }
    let kept = parsed.join(format!("{READING}-{}.json", hash.finish().hex()));
    if let Some(crds) = cache::read_record::<Vec<Value>>(&kept).filter(|crds| !crds.is_empty()) {
        return Ok(crds);
    }
    let mut crds = Vec::new();
    for (file, text) in &sources {
        crds.extend(parse(file, text)?);
    }
    if !crds.iter().any(|crd| name(crd) == EXTERNAL_SECRETS) {
        let reason = format!("{EXTERNAL_SECRETS} is not among its {} CRDs", crds.len());
        return Err(Error::crds(path, reason));
    }
    let written = cache::make(parsed).and_then(|()| {
        let json = serde_json::to_vec(&crds).map_err(|error| Error::crds(path, error))?;
        cache::write(&kept, &json)
    });
    // Only the next run's time is lost.
    drop(written);
    Ok(crds)
}

/// The file, or the YAML and JSON files of the folder, in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: std::io::Error| Error::crds(path, error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(failed)?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.path();
        let kind = file.extension().and_then(|kind| kind.to_str());
        if matches!(kind, Some("yaml" | "yml" | "json")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::crds(path, "no YAML file in this folder")),
        false => Ok(files),
    }
}

/// The CRDs of a text. Anything else in it is an error.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Vec<Value>, Error> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| Error::crds(file, first_line(&error)))?;
    let mut crds = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let items = match document {
            Value::Null => continue,
            // As `kubectl get crds -o yaml` writes them.
            Value::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => {
                match list.remove("items") {
                    Some(Value::Array(items)) => items,
                    _ => Vec::new(),
                }
            }
            other => vec![other],
        };
        for item in items {
            let kind = item.get("kind").and_then(Value::as_str);
            let api = item.get("apiVersion").and_then(Value::as_str);
            match (kind, api) {
                (Some("CustomResourceDefinition"), Some("apiextensions.k8s.io/v1")) => {
                    crds.push(item);
                }
                (Some("CustomResourceDefinition"), _) => {
                    let reason = format!(
                        "document {}, {}, is of {}, not of apiextensions.k8s.io/v1",
                        index + 1,
                        name(&item),
                        api.unwrap_or("no apiVersion")
                    );
                    return Err(Error::crds(file, reason));
                }
                (Some(kind), _) => {
                    let reason = format!(
                        "document {} is a {kind} ({}), not a CustomResourceDefinition",
                        index + 1,
                        name(&item)
                    );
                    return Err(Error::crds(file, reason));
                }
                (None, _) => {
                    let reason = format!("document {} is no Kubernetes object", index + 1);
                    return Err(Error::crds(file, reason));
                }
            }
        }
    }
    match crds.is_empty() {
        true => Err(Error::crds(file, "no CustomResourceDefinition in it")),
        false => Ok(crds),
    }
}

/// Whether ExternalSecrets are served at `external-secrets.io/v1beta1`.
pub(crate) fn serves_v1beta1(crds: &[Value]) -> bool {
    served(crds).any(|version| version == "v1beta1")
}

/// Checks that the CRDs serve what a version's controller reads (facts of 0.15, 0.16 and 0.17).
pub(crate) fn check(crds: &[Value], version: &Version, origin: &Path) -> Result<(), Error> {
    let needed = if version.reads_v1() { "v1" } else { "v1beta1" };
    if served(crds).any(|version| version == needed) {
        return Ok(());
    }
    let served: Vec<_> = served(crds).collect();
    Err(Error::OtherCrds {
        origin: origin.display().to_string(),
        served: match served.is_empty() {
            true => "no version".into(),
            false => served.join(", "),
        },
        version: version.clone(),
        needed,
    })
}

/// The versions at which ExternalSecrets are served.
fn served(crds: &[Value]) -> impl Iterator<Item = &str> {
    let own = crds.iter().find(|crd| name(crd) == EXTERNAL_SECRETS);
    let versions = own.and_then(|crd| crd.pointer("/spec/versions")?.as_array());
    versions.into_iter().flatten().filter_map(|version| {
        let served = version.get("served").is_some_and(|served| served == true);
        version.get("name")?.as_str().filter(|_| served)
    })
}

fn name(object: &Value) -> &str {
    let name = object.pointer("/metadata/name");
    name.and_then(Value::as_str).unwrap_or("without a name")
}

/// The parser's words without its picture of the text.
fn first_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests;
