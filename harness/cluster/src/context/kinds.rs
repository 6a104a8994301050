//! The kinds that a scenario may apply on a cluster that others use too: those that are found again by their label.

use serde_json::Value;

use crate::real::{KINDS, Kind};

pub(super) const NAMESPACE: Kind = ("", "v1", "Namespace");
const SECRET: Kind = ("", "v1", "Secret");
const POD: Kind = ("", "v1", "Pod");

/// Kinds that few scenarios have, beyond [`KINDS`].
pub(super) const MORE: [Kind; 9] = [
    ("external-secrets.io", "v1alpha1", "PushSecret"),
    ("external-secrets.io", "v1", "ClusterExternalSecret"),
    ("apps", "v1", "DaemonSet"),
    ("apps", "v1", "ReplicaSet"),
    ("", "v1", "Service"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
];

/// The kind of an object, whatever version it is written in.
pub(super) fn known(version: &str, kind: &str) -> Option<Kind> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let mut all = KINDS.into_iter().chain(MORE).chain([NAMESPACE]);
    all.find(|known| (known.0, known.2) == (group, kind))
}

pub(super) fn is_namespaced(kind: Kind) -> bool {
    !(kind.2.starts_with("Cluster") || kind == NAMESPACE)
}

/// What comes of an object, perhaps without its labels, under a name that is known before: its kind and name.
pub(super) fn caused(object: &Value) -> Option<(Kind, String)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name")?;
    match text("/kind")? {
        "ExternalSecret" => {
            let target = text("/spec/target/name").filter(|target| !target.is_empty());
            Some((SECRET, target.unwrap_or(name).to_owned()))
        }
        // Its operator makes a bare pod of this name.
        "NotebookValidationJob" => Some((POD, format!("{name}-validation"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"kind": "ExternalSecret", "metadata": {"name": "a"}}), Some((SECRET, "a")))]
    #[case(json!({"kind": "ExternalSecret", "metadata": {"name": "a"}, "spec": {"target": {"name": "b"}}}), Some((SECRET, "b")))]
    #[case(json!({"kind": "NotebookValidationJob", "metadata": {"name": "a"}}), Some((POD, "a-validation")))]
    #[case(json!({"kind": "Job", "metadata": {"name": "a"}}), None)]
    fn what_comes_of_an_object_is_known_before(
        #[case] object: Value,
        #[case] wanted: Option<(Kind, &str)>,
    ) {
        let wanted = wanted.map(|(kind, name)| (kind, name.to_owned()));
        assert_eq!(caused(&object), wanted);
    }

    #[rstest]
    #[case("external-secrets.io/v1beta1", "ExternalSecret", true)]
    #[case("v1", "Namespace", true)]
    #[case("rbac.authorization.k8s.io/v1", "ClusterRole", true)]
    #[case("v1", "ExternalSecret", false)]
    #[case("v1", "PersistentVolume", false)]
    fn a_kind_is_known_by_its_group_in_any_version(
        #[case] version: &str,
        #[case] kind: &str,
        #[case] is_known: bool,
    ) {
        assert_eq!(known(version, kind).is_some(), is_known);
    }
}
