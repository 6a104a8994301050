//! HashiCorp Vault as its dev server answers: KV v1 and v2, policies, token, kubernetes and JWT auth.
//!
//! Behaviour follows Vault 1.21 (community) and vault-plugin-secrets-kv 0.25. Two differences are deliberate: a JWT
//! ends exactly at its `exp` (Vault's JWT auth grants 60 s of leeway), and a version whose deletion time is the
//! present instant counts as deleted (Vault's clock never stands still, ours may).
//!
//! Operations, as the journal and faults name them:
//! `kv-v2 read`, `kv-v2 write`, `kv-v2 patch`, `kv-v2 delete`, `kv-v2 delete versions`, `kv-v2 undelete`,
//! `kv-v2 destroy`, `kv-v2 list`, `kv-v2 read metadata`, `kv-v2 write metadata`, `kv-v2 patch metadata`,
//! `kv-v2 delete metadata`, `kv-v2 read subkeys`, `kv-v2 read config`, `kv-v2 write config`, `kv-v2 invalid path`,
//! `kv-v1 read`, `kv-v1 write`, `kv-v1 delete`, `kv-v1 list`, `kubernetes login`, `jwt login`, `lookup-self`,
//! `renew-self`, `revoke-self`, `lookup-token`, `revoke-token`, `create-token`, `sys health`, `sys seal-status`,
//! `sys init`, `sys leader`, `sys mounts`, `sys capabilities-self`, `sys internal/ui/mounts`, `unknown`.
//!
//! A secret's name is `mount/path` (`secret/git/credentials`), whichever endpoint was used.

mod answer;
mod config;
mod fields;
mod kv1;
mod kv2;
mod kv2_api;
mod login;
mod path;
mod policy;
mod route;
mod server;
mod system;
mod time;
mod token;
mod token_api;
mod writer;

pub use config::{
    HashicorpConfig, JwtAuth, JwtRole, KubernetesAuth, KubernetesRole, Mount, MountKind,
    StaticToken,
};
pub use policy::Capability;
pub use server::HashicorpVault;
pub use writer::HashicorpWriter;
