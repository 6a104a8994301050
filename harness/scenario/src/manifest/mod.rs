//! The manifests of a case: read once, and followed from a pod's variable back to the secret of a vault.

mod documents;
mod json;
mod mapping;
mod object;
mod pod;
mod remote;
mod store;
mod target;

pub use documents::{Document, Manifest, Manifests};
pub use mapping::{Mapping, Origin, SecretKey};
pub(crate) use object::ObjectRef;
pub use pod::{PodSource, PodSources};
pub(crate) use remote::{Declared, external_secrets};
pub(crate) use store::{Part, Store, StoreKey, host, stores};
