//! Which lists of the built-in kinds merge, and by which key: the `patchStrategy` and `patchMergeKey` tags of
//! k8s.io/api v1.34, reduced to what a schema-less server needs.

use serde_json::Value;

/// How a list behaves under a strategic merge patch and under server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListStrategy {
    /// Replaced as a whole.
    Atomic,
    /// Scalars that merge as a set.
    Set,
    /// Objects that merge by this key in a strategic merge patch, and by these keys under server-side apply.
    Map(&'static str, &'static [&'static str]),
}

/// One row: the list's path ends with `suffix` (fields joined by `.`, list items add nothing).
struct Row {
    suffix: &'static str,
    strategy: ListStrategy,
}

const fn map(suffix: &'static str, key: &'static str, keys: &'static [&'static str]) -> Row {
    Row {
        suffix,
        strategy: ListStrategy::Map(key, keys),
    }
}

const fn set(suffix: &'static str) -> Row {
    Row {
        suffix,
        strategy: ListStrategy::Set,
    }
}

/// Every kind: metav1.ObjectMeta.
const METADATA: &[Row] = &[
    map("metadata.ownerReferences", "uid", &["uid"]),
    set("metadata.finalizers"),
];

/// core/v1 PodSpec, wherever a pod template is.
const POD_SPEC: &[Row] = &[
    map("containers", "name", &["name"]),
    map("initContainers", "name", &["name"]),
    map("ephemeralContainers", "name", &["name"]),
    map("containers.env", "name", &["name"]),
    map("initContainers.env", "name", &["name"]),
    map("ephemeralContainers.env", "name", &["name"]),
    map("containers.volumeMounts", "mountPath", &["mountPath"]),
    map("initContainers.volumeMounts", "mountPath", &["mountPath"]),
    map(
        "ephemeralContainers.volumeMounts",
        "mountPath",
        &["mountPath"],
    ),
    map("containers.volumeDevices", "devicePath", &["devicePath"]),
    map(
        "initContainers.volumeDevices",
        "devicePath",
        &["devicePath"],
    ),
    map(
        "containers.ports",
        "containerPort",
        &["containerPort", "protocol"],
    ),
    map(
        "initContainers.ports",
        "containerPort",
        &["containerPort", "protocol"],
    ),
    map("spec.volumes", "name", &["name"]),
    map("imagePullSecrets", "name", &["name"]),
    map("hostAliases", "ip", &["ip"]),
    map(
        "topologySpreadConstraints",
        "topologyKey",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    map("resourceClaims", "name", &["name"]),
    map("schedulingGates", "name", &["name"]),
];

/// core/v1 PodStatus.
const POD_STATUS: &[Row] = &[
    map("status.conditions", "type", &["type"]),
    map("status.podIPs", "ip", &["ip"]),
    map("status.hostIPs", "ip", &["ip"]),
];

/// Kinds whose only merging list of their own is `status.conditions`.
const CONDITIONS: &[Row] = &[map("status.conditions", "type", &["type"])];

const SERVICE: &[Row] = &[
    map("spec.ports", "port", &["port", "protocol"]),
    map("status.conditions", "type", &["type"]),
];

const SERVICE_ACCOUNT: &[Row] = &[
    map("secrets", "name", &["name"]),
    map("imagePullSecrets", "name", &["name"]),
];

const NODE: &[Row] = &[
    map("status.conditions", "type", &["type"]),
    map("status.addresses", "type", &["type"]),
    set("spec.podCIDRs"),
];

const WEBHOOKS: &[Row] = &[map("webhooks", "name", &["name"])];

const NONE: &[Row] = &[];

/// The merging lists of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeKeys {
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pod,
    Workload,
    Conditions,
    Service,
    ServiceAccount,
    Node,
    Webhooks,
    Other,
}

impl MergeKeys {
    /// The table of a built-in kind; an unknown kind has only the lists of `metadata`.
    pub fn for_kind(kind: &str) -> Self {
        let kind = match kind {
            "Pod" | "PodTemplate" => Kind::Pod,
            "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "Job"
            | "CronJob"
            | "ReplicationController" => Kind::Workload,
            "Namespace"
            | "PersistentVolumeClaim"
            | "CustomResourceDefinition"
            | "PodDisruptionBudget"
            | "APIService" => Kind::Conditions,
            "Service" => Kind::Service,
            "ServiceAccount" => Kind::ServiceAccount,
            "Node" => Kind::Node,
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => Kind::Webhooks,
            _ => Kind::Other,
        };
        Self { kind }
    }

    /// The table of the kind that an object says it is.
    pub fn of(object: &Value) -> Self {
        Self::for_kind(
            object
                .get("kind")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )
    }

    fn tables(self) -> [&'static [Row]; 2] {
        match self.kind {
            Kind::Pod => [POD_SPEC, POD_STATUS],
            Kind::Workload => [POD_SPEC, CONDITIONS],
            Kind::Conditions => [CONDITIONS, NONE],
            Kind::Service => [SERVICE, NONE],
            Kind::ServiceAccount => [SERVICE_ACCOUNT, NONE],
            Kind::Node => [NODE, NONE],
            Kind::Webhooks => [WEBHOOKS, NONE],
            Kind::Other => [NONE, NONE],
        }
    }

    /// The strategy of a list; `path` gives its field names from the list up to the root (list items add none).
    pub(crate) fn list<'f>(self, path: impl Iterator<Item = &'f str> + Clone) -> ListStrategy {
        let [first, second] = self.tables();
        METADATA
            .iter()
            .chain(first)
            .chain(second)
            .find(|row| ends_with(path.clone(), row.suffix))
            .map_or(ListStrategy::Atomic, |row| row.strategy)
    }

    /// Whether the object in `field` is replaced as a whole under server-side apply.
    pub(crate) fn is_service_account(self) -> bool {
        self.kind == Kind::ServiceAccount
    }

    pub(crate) fn is_atomic_map(self, field: Option<&str>) -> bool {
        match field {
            // Of Events, and of nothing else.
            Some("involvedObject") => true,
            Some(field) => self.kind != Kind::Other && ATOMIC_MAPS.contains(&field),
            None => false,
        }
    }
}

/// `x-kubernetes-map-type: atomic` of the built-in types that a test meets.
const ATOMIC_MAPS: [&str; 8] = [
    "selector",
    "labelSelector",
    "nodeSelector",
    "secretKeyRef",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "secretRef",
];

fn ends_with<'f>(mut path: impl Iterator<Item = &'f str>, suffix: &str) -> bool {
    suffix.rsplit('.').all(|wanted| path.next() == Some(wanted))
}
