//! `spec.target` of an ExternalSecret: which Secret is written, and how its content is made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DecodingStrategy;
use crate::record::{record, words};

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
    pub data: BTreeMap<String, String>,
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
