//! One JSON object a line: every event as it is.

use std::io::{self, Write};

use rotaproof_events::{Event, Record};

use crate::Report;

/// Writes each record as one line of JSON and flushes at the run's end.
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Report for JsonLines<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")?;
        match record.event {
            Event::RunFinished { .. } => self.out.flush(),
            _ => Ok(()),
        }
    }
}
