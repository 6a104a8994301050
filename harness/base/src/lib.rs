//! What every other crate stands on: time, streams, secret values, randomness, tokens, tasks.
//!
//! Nothing here knows Kubernetes, a vault or a scenario.

mod accept;
mod clock;
mod entropy;
mod executable;
pub mod jwt;
mod run_folder;
mod run_id;
mod secret;
mod stream;
mod tasks;

pub use accept::{Slot, accept};
pub use clock::Clock;
pub use entropy::Entropy;
pub use executable::own_executable;
pub use run_folder::RunFolder;
pub use run_id::RunId;
pub use secret::{Fingerprint, Fingerprinter, SecretValue};
pub use stream::{BoxIo, Dial, Io, Listen, MemoryDialer, MemoryListener, TcpDialer, memory};
pub use tasks::{TaskGroup, TaskHandle};
