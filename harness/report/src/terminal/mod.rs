//! What a person reads: a line per scenario as it ends, then findings, the staleness table, failures, the record's boxes
//! and a summary.

mod failure;
mod findings;
mod progress;
mod table;
mod versions;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use rotaproof_events::{Counts, Event, Percentiles, Record, Verdict, human};

use crate::Report;
use crate::boxes::{Boxes, Shown};
use crate::collect::{Collector, Ended};

pub use failure::failure_text;
pub use progress::Progress;
pub use versions::by_version;

/// Writes styled text; hand it a stream that strips the styles where colour is not wanted.
pub struct Terminal<W> {
    out: W,
    progress: Progress,
    collector: Collector,
    ended: Vec<Ended>,
    boxes: Boxes,
    virtual_time: bool,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

impl<W: Write> Terminal<W> {
    /// Writes to `out`, moving `progress` out of the way.
    pub fn new(out: W, progress: Progress) -> Self {
        Self {
            out,
            progress,
            collector: Collector::default(),
            ended: Vec::new(),
            boxes: Boxes::default(),
            virtual_time: false,
        }
    }

    /// Where it writes to.
    pub fn written(&self) -> &W {
        &self.out
    }

    fn line(&mut self, ended: &Ended) -> io::Result<()> {
        let (mark, style) = mark(ended.verdict);
        let vaults: Vec<&str> = ended.vaults.iter().map(|v| v.name.as_str()).collect();
        let mut text = format!(
            "  {style}{mark}{style:#} {}  {DIM}{} · {}",
            ended.title,
            vaults.join(", "),
            human(round(ended.took)),
        );
        if self.virtual_time {
            text.push_str(&format!(" for {} of virtual time", human(ended.lasted)));
        }
        text.push_str(&format!("{DIM:#}"));
        let out = &mut self.out;
        self.progress.suspend(|| writeln!(out, "{text}"))
    }

    fn summary(
        &mut self,
        counts: &Counts,
        took: Duration,
        detection: Option<&Percentiles>,
    ) -> io::Result<()> {
        findings::write(&mut self.out, &self.ended)?;
        let rows: Vec<_> = self.ended.iter().filter(|e| !e.lags.is_empty()).collect();
        if !rows.is_empty() {
            writeln!(
                self.out,
                "\n{BOLD}Staleness{BOLD:#}, worst of each scenario: t0 vault acknowledged, t1 operator fetched, t2 Secret changed, t3 pod saw it"
            )?;
            writeln!(self.out, "{}", table::staleness(&rows))?;
            if let Some(percentiles) = table::percentiles(&rows) {
                writeln!(self.out, "{percentiles}")?;
            }
        }
        for ended in &self.ended {
            if let Some(failure) = &ended.failure {
                let (_, style) = mark(ended.verdict);
                writeln!(self.out, "\n{style}{}{style:#}", ended.title)?;
                write!(self.out, "{}", failure_text(failure))?;
            }
        }
        self.boxes()?;
        self.shortened()?;
        if let Some(lag) = detection {
            let shown = |us| human(Duration::from_micros(us));
            writeln!(
                self.out,
                "\nOur own lag, from a change's commit in the API until it is known here: p50 {}, p95 {}, p99 {}, max {} ({} changes)",
                shown(lag.p50_us),
                shown(lag.p95_us),
                shown(lag.p99_us),
                shown(lag.max_us),
                lag.count
            )?;
        }
        let requests: u64 = self.ended.iter().map(|e| e.requests).sum();
        let style = if counts.exit_code() == 0 { GREEN } else { RED };
        write!(self.out, "\n{style}{}{style:#}", count_text(counts))?;
        write!(
            self.out,
            " in {}, {requests} requests to vaults",
            human(round(took))
        )?;
        if self.virtual_time {
            let lasted: Duration = self.ended.iter().map(|e| e.lasted).sum();
            write!(self.out, ", {} of virtual time", human(lasted))?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    /// The intervals that are not as the manifests have them: what a budget of one refresh is measured with.
    fn shortened(&mut self) -> io::Result<()> {
        let mut scenarios: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for shortened in self.ended.iter().flat_map(|ended| &ended.shortened) {
            *scenarios.entry(shortened).or_default() += 1;
        }
        if !scenarios.is_empty() {
            writeln!(self.out)?;
        }
        for ((from, to), count) in scenarios {
            let plural = if count == 1 { "" } else { "s" };
            writeln!(
                self.out,
                "refreshInterval {from} -> {to} in {count} scenario{plural}, as --refresh says (`--refresh manifest` leaves it as written)"
            )?;
        }
        Ok(())
    }

    fn boxes(&mut self) -> io::Result<()> {
        let shown = self.boxes.shown();
        if shown.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "\n{BOLD}Phase 2 of the record{BOLD:#}, as far as this run has proven it"
        )?;
        let width = shown.iter().map(|one| one.title.len()).max().unwrap_or(0);
        for Shown { title, proof } in shown {
            match proof {
                Ok(proof) => writeln!(
                    self.out,
                    "  [{GREEN}x{GREEN:#}] {title:width$}  {DIM}{proof}{DIM:#}"
                )?,
                Err(open) => writeln!(
                    self.out,
                    "  [ ] {title:width$}  {YELLOW}open{YELLOW:#}: {open} would prove it"
                )?,
            }
        }
        Ok(())
    }
}

impl<W: Write> Report for Terminal<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.boxes.take(record);
        match &record.event {
            Event::RunStarted {
                version,
                lane,
                seed,
                scenarios,
                ..
            } => {
                self.virtual_time = lane == "embedded";
                let plural = if *scenarios == 1 { "" } else { "s" };
                writeln!(
                    self.out,
                    "{BOLD}rotaproof {version}{BOLD:#}  lane {lane}{}  seed {seed}  {scenarios} scenario{plural}\n",
                    if self.virtual_time {
                        " (virtual time)"
                    } else {
                        ""
                    },
                )?;
            }
            Event::RunFinished {
                counts,
                wall_took_us,
                wall_detection,
            } => {
                self.progress.clear();
                let took = Duration::from_micros(*wall_took_us);
                self.summary(counts, took, wall_detection.as_ref())?;
            }
            _ => {}
        }
        if let Some(ended) = self.collector.take(record) {
            self.line(&ended)?;
            self.ended.push(ended);
        }
        Ok(())
    }
}

pub(crate) fn mark(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Passed => ("✓", GREEN),
        Verdict::Failed => ("✗", RED),
        Verdict::Errored => ("!", RED),
        Verdict::Skipped => ("-", YELLOW),
        Verdict::Interrupted => ("^C", YELLOW),
    }
}

fn count_text(counts: &Counts) -> String {
    let mut text = format!("{} passed, {} failed", counts.passed, counts.failed);
    for (count, word) in [
        (counts.skipped, "skipped"),
        (counts.errored, "in error"),
        (counts.interrupted, "interrupted"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

/// Machine time to a millisecond: finer digits are noise.
fn round(took: Duration) -> Duration {
    Duration::from_millis(u64::try_from(took.as_millis().max(1)).unwrap_or(u64::MAX))
}
