//! Reports: consumers of events, nothing else. One file each.

mod boxes;
mod collect;
mod json_lines;
mod junit;
mod terminal;

use std::io;

use rotaproof_events::Record;

pub use json_lines::JsonLines;
pub use junit::JUnit;
pub use terminal::{Progress, Terminal, by_version, failure_text};

/// Takes the run's records in order: the run's start, each scenario's records together, the run's end.
pub trait Report {
    /// Takes one record.
    fn record(&mut self, record: &Record) -> io::Result<()>;
}
