//! Group `external-secrets.io`, version `v1`, of ESO 2.9.0. `v1beta1` is the same objects in an older spelling.

mod aws;
mod external_secret;
mod store;
mod vault;

pub use aws::*;
pub use external_secret::*;
pub use store::*;
pub use vault::*;
