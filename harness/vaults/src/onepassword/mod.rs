//! 1Password Connect as a self-hosted Connect server answers: vaults, items, files, bearer tokens with vault scope.
//!
//! Behaviour follows Connect 1.8 (its OpenAPI document 1.8.1, the public API reference, and the messages that its
//! users report). Connect only reads files: they exist from the start ([`Document`]). What the public sources do not
//! tell is chosen: the messages for unknown routes and verbs, for a malformed item, and for a vault that may be read
//! but not written. Not served: `/v1/activity`, `/metrics`, one-time passwords, the strength of passwords.
//!
//! Operations, as the journal and faults name them, are those of the OpenAPI document: `GetVaults`, `GetVaultById`,
//! `GetVaultItems`, `CreateVaultItem`, `GetVaultItemById`, `UpdateVaultItem`, `PatchVaultItem`, `DeleteVaultItem`,
//! `GetItemFiles`, `GetDetailsOfFileById`, `DownloadFileByID`, `GetHeartbeat`, `GetServerHealth`; else `unknown`.
//!
//! A secret's name is `vault/item`: the vault's name and the item's title (`production/git-credentials`).

mod answer;
mod config;
mod files;
mod filter;
mod input;
mod item;
mod patch;
mod route;
mod server;
mod state;
mod token;
mod writer;

pub use config::{Access, ConnectToken, ConnectVault, Document, OnePasswordConfig};
pub use server::OnePasswordConnect;
pub use token::draw as draw_token;
pub use writer::OnePasswordWriter;
