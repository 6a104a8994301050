//! A lab that people's own tools take for a cluster and the clouds: the embedded lane on the real clock, served on
//! loopback, with an env file that speaks each vendor's own variables.
//!
//! A lab has a name and a private folder ([`Place`]); the process that holds the folder's lock is the lab.

pub mod control;
mod declared;
mod env_file;
mod error;
mod lab;
mod place;
mod ports;
mod private;
mod sweep;
mod variables;

pub use declared::Declared;
pub use error::Error;
pub use lab::{Lab, Options};
pub use place::{Held, Name, Place};
pub use ports::Ports;
pub use sweep::{Swept, left_behind, sweep};
