//! Group `external-secrets.io`, version `v1`, of ESO 2.9.0. `v1beta1` is the same objects in an older spelling.

mod aws;
mod azure;
mod condition;
mod data;
mod external_secret;
mod gcp;
mod onepassword;
mod rewrite;
mod store;
mod target;
mod vault;

pub use aws::*;
pub use azure::*;
pub use condition::Condition;
pub use data::*;
pub use external_secret::*;
pub use gcp::*;
pub use onepassword::*;
pub use rewrite::*;
pub use store::*;
pub use target::*;
pub use vault::*;
