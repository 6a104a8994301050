//! How the types are written down: a record per JSON object, a resource per kind.

/// A JSON object with its fields by how they may be absent: `required`, `optional`, `lists` and `maps`
/// (the last two are left out where they are empty, as Go's `omitempty` does).
macro_rules! record {
    (
        $(#[$meta:meta])* $name:ident {
            $(required { $( $(#[$rm:meta])* $r:ident : $rt:ty ),* $(,)? })?
            $(optional { $( $(#[$om:meta])* $o:ident : $ot:ty ),* $(,)? })?
            $(lists { $( $(#[$lm:meta])* $l:ident : $lt:ty ),* $(,)? })?
            $(maps { $( $(#[$mm:meta])* $m:ident : $mt:ty ),* $(,)? })?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($( $(#[$rm])* pub $r: $rt, )*)?
            $($( $(#[$om])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $o: Option<$ot>, )*)?
            $($( $(#[$lm])* #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $l: Vec<$lt>, )*)?
            $($( $(#[$mm])* #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
                 pub $m: std::collections::BTreeMap<String, $mt>, )*)?
        }
    };
}

/// A text with a closed set of spellings; the first one is the default.
macro_rules! words {
    ( $(#[$meta:meta])* $name:ident { $(#[$fm:meta])* $first:ident = $ft:literal, $( $(#[$vm:meta])* $v:ident = $t:literal ),* $(,)? } ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[$fm])* #[default] #[serde(rename = $ft)] $first,
            $( $(#[$vm])* #[serde(rename = $t)] $v, )*
        }

        impl $name {
            /// The spelling in a manifest.
            pub fn as_str(self) -> &'static str {
                match self { Self::$first => $ft, $( Self::$v => $t, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// A kind: `apiVersion`, `kind`, `metadata`, `spec`, `status`, usable with `kube::Api`.
macro_rules! resource {
    ( $(#[$meta:meta])* $name:ident { $group:literal, $version:literal, $plural:literal, $scope:ty, $spec:ty, $status:ty } ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The group and version that it is written in.
            pub api_version: String,
            /// The kind's name.
            pub kind: String,
            /// The object's metadata.
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            /// What its author wants.
            pub spec: $spec,
            /// What its controller observed.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub status: Option<$status>,
        }

        impl $name {
            /// An object of this kind by its name, in no namespace.
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut metadata = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta::default();
                metadata.name = Some(name.to_owned());
                Self {
                    api_version: concat!($group, "/", $version).to_owned(),
                    kind: stringify!($name).to_owned(),
                    metadata,
                    spec,
                    status: None,
                }
            }
        }

        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                stringify!($name).into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

pub(crate) use {record, resource, words};
