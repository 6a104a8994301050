//! ExternalSecret: which entries of which store become which Secret.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::GoDuration;
use crate::record::{record, resource, words};

resource! {
    /// Asks for a Secret whose data comes from a store.
    ExternalSecret { "external-secrets.io", "v1", "externalsecrets", k8s_openapi::NamespaceResourceScope, ExternalSecretSpec, ExternalSecretStatus }
}

/// `spec` of an ExternalSecret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretSpec {
    /// The store of every entry that names none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_store_ref: Option<SecretStoreRef>,
    /// The Secret to write.
    #[serde(default)]
    pub target: ExternalSecretTarget,
    /// When to fetch anew; unset is `Periodic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_policy: Option<RefreshPolicy>,
    /// How often to fetch; the API server's default is one hour, zero is once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_interval: Option<GoDuration>,
    /// When a periodic fetch may happen at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_windows: Option<SyncWindows>,
    /// One key of the Secret from one entry of the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<ExternalSecretData>,
    /// Many keys at once; `data` wins over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_from: Vec<ExternalSecretDataFrom>,
}

record! {
    /// A store by kind and name.
    #[derive(Default)]
    SecretStoreRef {
        optional {
            /// The store's name.
            name: String,
            /// `SecretStore` where it is unset.
            kind: StoreKind,
        }
    }
}

words! {
    /// Which kind of store is meant.
    StoreKind {
        /// A store of the ExternalSecret's own namespace.
        SecretStore = "SecretStore",
        /// A store for the whole cluster.
        ClusterSecretStore = "ClusterSecretStore",
    }
}

words! {
    /// When data is fetched anew.
    RefreshPolicy {
        /// Whenever the interval has passed, and after each change of spec, labels or annotations.
        Periodic = "Periodic",
        /// Once.
        CreatedOnce = "CreatedOnce",
        /// Only after a change of spec, labels or annotations.
        OnChange = "OnChange",
    }
}

/// `spec.target`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretTarget {
    /// The Secret's name; the ExternalSecret's where it is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who owns the Secret.
    #[serde(default)]
    pub creation_policy: CreationPolicy,
    /// What happens when the provider's secret is gone.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// How the Secret is made of the data; without it, the data is the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<ExternalSecretTemplate>,
    /// A target that is no Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestReference>,
    /// Whether the Secret may never change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

words! {
    /// Who owns the target.
    CreationPolicy {
        /// The ExternalSecret: it goes with it.
        Owner = "Owner",
        /// Nobody: it stays.
        Orphan = "Orphan",
        /// Somebody else: only keys are added.
        Merge = "Merge",
        /// No Secret at all.
        None = "None",
        /// Created where it is absent, added to where it is there.
        CreateOrMerge = "CreateOrMerge",
    }
}

words! {
    /// What happens to the target when the provider's secret is gone.
    DeletionPolicy {
        /// It stays as it was, and the sync fails.
        Retain = "Retain",
        /// It is deleted once no data is left.
        Delete = "Delete",
        /// The keys go, the Secret stays.
        Merge = "Merge",
    }
}

record! {
    /// A target that is no Secret.
    ManifestReference { required {
        /// Group and version.
        api_version: String,
        /// Kind.
        kind: String,
    } }
}

/// `spec.target.template`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretTemplate {
    /// The Secret's type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Always `v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// Labels, annotations and finalizers of the Secret.
    #[serde(default)]
    pub metadata: TemplateMetadata,
    /// Whether fetched keys stay beside the rendered ones.
    #[serde(default)]
    pub merge_policy: TemplateMergePolicy,
    /// Key to template.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub data: std::collections::BTreeMap<String, String>,
    /// Templates from elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_from: Vec<TemplateFrom>,
}

record! {
    /// Metadata that a template gives the Secret.
    #[derive(Default)]
    TemplateMetadata {
        lists {
            /// Finalizers to add.
            finalizers: String,
        }
        maps {
            /// Annotations, themselves templates.
            annotations: String,
            /// Labels, themselves templates.
            labels: String,
        }
    }
}

words! {
    /// Whether fetched keys stay beside rendered ones.
    TemplateMergePolicy {
        /// Only the rendered keys.
        Replace = "Replace",
        /// Both.
        Merge = "Merge",
    }
}

record! {
    /// A source of templates.
    #[derive(Default)]
    TemplateFrom {
        optional {
            /// Keys of a ConfigMap.
            config_map: TemplateRef,
            /// Keys of a Secret.
            secret: TemplateRef,
            /// Text of the manifest itself.
            literal: String,
            /// `Data`, `Annotations`, `Labels` or a path; the default is `Data`.
            target: String,
            /// How rendered values are decoded.
            values_decoding_strategy: DecodingStrategy,
        }
    }
}

record! {
    /// Keys of a ConfigMap or Secret that hold templates.
    TemplateRef {
        required {
            /// The object's name.
            name: String,
            /// The keys.
            items: Vec<TemplateRefItem>,
        }
    }
}

record! {
    /// One key that holds a template.
    TemplateRefItem {
        required {
            /// The key.
            key: String,
        }
        optional {
            /// Whether the template gives one value or whole `key: value` lines; `Values` where it is unset.
            template_as: TemplateScope,
        }
    }
}

words! {
    /// What a template renders.
    TemplateScope {
        /// One value.
        Values = "Values",
        /// Keys with their values.
        KeysAndValues = "KeysAndValues",
    }
}

record! {
    /// Windows of time for periodic fetches.
    SyncWindows { required {
        /// Whether the windows permit or forbid.
        kind: SyncWindowKind,
        /// The windows.
        windows: Vec<SyncWindow>,
    } }
}

words! {
    /// Whether windows permit or forbid.
    SyncWindowKind {
        /// Fetch only inside.
        Allow = "allow",
        /// Fetch only outside.
        Deny = "deny",
    }
}

record! {
    /// A window that opens on a schedule.
    SyncWindow { required {
        /// Five cron fields, or a descriptor such as `@daily`.
        schedule: String,
        /// How long it stays open.
        duration: GoDuration,
    } }
}

record! {
    /// One key of the Secret.
    ExternalSecretData {
        required {
            /// The key in the Secret.
            secret_key: String,
            /// What to fetch.
            remote_ref: RemoteRef,
        }
        optional {
            /// A store of its own.
            source_ref: SourceRef,
        }
    }
}

record! {
    /// One entry of a provider.
    #[derive(Default)]
    RemoteRef {
        required {
            /// The entry's name at the provider.
            key: String,
        }
        optional {
            /// A part of the entry; a gjson path where it is JSON.
            property: String,
            /// A version; the provider's current one where it is unset.
            version: String,
            /// `Fetch` asks for the entry's metadata in place of its value.
            metadata_policy: MetadataPolicy,
            /// How keys are made valid; `Default` where it is unset.
            conversion_strategy: ConversionStrategy,
            /// How values are decoded; `None` where it is unset.
            decoding_strategy: DecodingStrategy,
            /// What a NUL byte in a value means; `Ignore` where it is unset.
            null_byte_policy: NullBytePolicy,
        }
    }
}

words! {
    /// Value or metadata.
    MetadataPolicy {
        /// The value.
        None = "None",
        /// The metadata.
        Fetch = "Fetch",
    }
}

words! {
    /// How keys are made valid.
    ConversionStrategy {
        /// Invalid characters become underscores.
        Default = "Default",
        /// Invalid characters become their code points.
        Unicode = "Unicode",
    }
}

words! {
    /// How values are decoded.
    DecodingStrategy {
        /// Not at all.
        None = "None",
        /// Whichever fits.
        Auto = "Auto",
        /// Standard base64.
        Base64 = "Base64",
        /// URL-safe base64.
        Base64Url = "Base64URL",
    }
}

words! {
    /// What a NUL byte in a value means.
    NullBytePolicy {
        /// Nothing.
        Ignore = "Ignore",
        /// A failed sync.
        Fail = "Fail",
    }
}

record! {
    /// Where the data of one entry comes from, in place of the ExternalSecret's store.
    #[derive(Default)]
    SourceRef {
        optional {
            /// Another store.
            store_ref: SecretStoreRef,
            /// A generator.
            generator_ref: GeneratorRef,
        }
    }
}

record! {
    /// A generator of group `generators.external-secrets.io`.
    GeneratorRef {
        required {
            /// Its kind.
            kind: String,
            /// Its name.
            name: String,
        }
        optional {
            /// Its group and version.
            api_version: String,
        }
    }
}

record! {
    /// Many keys at once.
    #[derive(Default)]
    ExternalSecretDataFrom {
        optional {
            /// All keys of one entry.
            extract: RemoteRef,
            /// All entries that match.
            find: Find,
            /// Another store, or a generator.
            source_ref: SourceRef,
        }
        lists {
            /// Changes to the keys, in order.
            rewrite: Rewrite,
        }
    }
}

record! {
    /// Which entries match.
    #[derive(Default)]
    Find {
        optional {
            /// Below this path.
            path: String,
            /// By name.
            name: FindName,
            /// By tags: all of them.
            tags: std::collections::BTreeMap<String, String>,
            /// How keys are made valid; `Default` where it is unset.
            conversion_strategy: ConversionStrategy,
            /// How values are decoded; `None` where it is unset.
            decoding_strategy: DecodingStrategy,
            /// What a NUL byte in a value means; `Ignore` where it is unset.
            null_byte_policy: NullBytePolicy,
        }
    }
}

record! {
    /// A match by name.
    #[derive(Default)]
    FindName {
        optional {
            /// A regular expression of Go's dialect.
            regexp: String,
        }
    }
}

record! {
    /// One change to the keys; exactly one of its fields is set.
    #[derive(Default)]
    Rewrite {
        optional {
            /// Joins nested objects.
            merge: RewriteMerge,
            /// By regular expression.
            regexp: RewriteRegexp,
            /// By template.
            transform: RewriteTransform,
        }
    }
}

record! {
    /// Joins the fields of JSON values into one map.
    #[derive(Default)]
    RewriteMerge {
        optional {
            /// The key that takes the joined JSON, with strategy `JSON`.
            into: String,
            /// `Extract` (default) or `JSON`.
            strategy: String,
            /// `Error` (default) or `Ignore`.
            conflict_policy: String,
            /// `Strict` (default) or `IgnoreNotFound`.
            priority_policy: String,
        }
        lists {
            /// Keys whose fields win, the last one most.
            priority: String,
        }
    }
}

record! {
    /// Renames keys by a regular expression.
    RewriteRegexp { required {
        /// The expression.
        source: String,
        /// The replacement, with `$1`.
        target: String,
    } }
}

record! {
    /// Renames keys by a template over `.value`.
    RewriteTransform { required {
        /// The template.
        template: String,
    } }
}

/// `status` of an ExternalSecret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretStatus {
    /// The start of the last successful reconcile, in whole seconds.
    #[serde(default)]
    pub refresh_time: Option<Time>,
    /// `<generation>-<hash of labels and annotations>` as of that reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced_resource_version: Option<String>,
    /// `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The Secret that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
}

impl ExternalSecretStatus {
    /// The `Ready` condition, once there is one.
    pub fn ready(&self) -> Option<&Condition> {
        ready(&self.conditions)
    }
}

pub(super) fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
}

record! {
    /// The Secret that was written.
    #[derive(Default)]
    Binding { optional {
        /// Its name.
        name: String,
    } }
}

/// A condition of ESO's kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, or for ESO's own metrics `Deleted`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word: `SecretSynced`, `InvalidProviderConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When `status` last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
}
