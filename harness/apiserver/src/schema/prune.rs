//! Pruning of unknown fields (k8s.io/apiextensions-apiserver `schema/pruning`).

use serde_json::Value;

use super::Path;
use super::node::{Additional, Node};

/// Prunes a resource; the paths of what was dropped go to `dropped`.
pub(super) fn prune(root: &Node, object: &mut Value, mut dropped: Option<&mut Vec<String>>) {
    walk(root, object, true, &mut Path::new(), &mut dropped);
}

fn walk(
    node: &Node,
    value: &mut Value,
    resource: bool,
    path: &mut Path,
    dropped: &mut Option<&mut Vec<String>>,
) {
    let resource = resource || node.embedded;
    match value {
        Value::Object(object) => object.retain(|name, field| {
            path.field(name, |path| {
                if resource && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    return true;
                }
                if let Some(child) = node.properties.get(name) {
                    walk(child, field, false, path, dropped);
                    return true;
                }
                match &node.additional {
                    Additional::Schema(child) => walk(child, field, false, path, dropped),
                    Additional::Any => {}
                    Additional::Absent if node.preserve_unknown => {}
                    Additional::Absent => {
                        if let Some(dropped) = dropped {
                            dropped.push(path.as_str().to_owned());
                        }
                        return false;
                    }
                }
                true
            })
        }),
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for (index, item) in items.iter_mut().enumerate() {
                    path.index(index, |path| walk(child, item, false, path, dropped));
                }
            }
        }
        _ => {}
    }
}
