//! `spec.data` and `spec.dataFrom` of an ExternalSecret: what is fetched, and how it is decoded.

use std::collections::BTreeMap;

use super::{Rewrite, SecretStoreRef};
use crate::record::{record, words};

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
            tags: BTreeMap<String, String>,
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
