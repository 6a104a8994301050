//! One JSON object a line: the plan, each scenario with what differs, the totals.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::{Compared, Plan, Report, Totals};

/// Writes each as one line of JSON and flushes at the end.
pub struct JsonLines<W> {
    out: W,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    ComparisonStarted {
        #[serde(flatten)]
        plan: &'a Plan,
    },
    ScenarioCompared {
        #[serde(flatten)]
        compared: &'a Compared,
    },
    ComparisonFinished {
        #[serde(flatten)]
        totals: &'a Totals,
        wall_took_us: u64,
    },
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Report for JsonLines<W> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        self.line(&Line::ComparisonStarted { plan })
    }

    fn compared(&mut self, _: &Plan, compared: &Compared) -> io::Result<()> {
        self.line(&Line::ScenarioCompared { compared })
    }

    fn end(&mut self, _: &Plan, totals: &Totals, took: Duration) -> io::Result<()> {
        let wall_took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.line(&Line::ComparisonFinished {
            totals,
            wall_took_us,
        })?;
        self.out.flush()
    }
}
