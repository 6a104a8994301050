//! What the other commands say to a lab that is up: JSON over HTTP/1.1 on a Unix socket in its private folder.

mod board;
mod client;
mod fault;
mod messages;
mod rotate;
mod server;
mod stream;

pub(crate) use board::{Board, Facts};
pub use client::{Client, Lines};
pub use messages::{
    Fault, FaultModel, FaultStatus, Heal, Healed, Injected, JournalQuery, Rotate, Rotated, Status,
    Strategy, VaultStatus,
};
pub use rotaproof_base::SecretValue;
pub(crate) use server::serve;

/// The socket's name in the lab's folder.
const SOCKET: &str = "control.sock";
