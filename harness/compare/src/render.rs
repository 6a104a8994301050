//! What a person reads: a line per scenario, and where something differs a block per subject, side by side.

mod columns;

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use rotaproof_events::{Verdict, human};

pub(crate) use columns::Columns;

use crate::{Compared, Plan, Report, Row, Totals};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Equal rows shown before and after one that differs.
const CONTEXT: usize = 1;

/// Writes styled text; hand it a stream that strips the styles where colour is not wanted.
pub struct Terminal<W> {
    out: W,
    columns: Columns,
    /// The scenarios that differ: what runs each of them alone.
    alone: Vec<String>,
}

impl<W: Write> Terminal<W> {
    /// Writes to `out`, in columns that fill a line of `width` characters.
    pub fn new(out: W, width: usize) -> Self {
        Self {
            out,
            columns: Columns::of_width(width),
            alone: Vec::new(),
        }
    }

    /// Where it writes to.
    pub fn written(&self) -> &W {
        &self.out
    }
}

impl<W: Write> Report for Terminal<W> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        let plural = if plan.scenarios == 1 { "" } else { "s" };
        writeln!(
            self.out,
            "{BOLD}rotaproof {}{BOLD:#}  compare {RED}{}{RED:#} with {GREEN}{}{GREEN:#}  seed {}  refresh {}  {} scenario{plural}\n",
            plan.version, plan.left, plan.right, plan.seed, plan.refresh, plan.scenarios,
        )
    }

    fn compared(&mut self, plan: &Plan, compared: &Compared) -> io::Result<()> {
        let (mark, style, found) = found(compared);
        let took = Duration::from_micros(compared.wall_took_us);
        let took = human(Duration::from_millis(
            u64::try_from(took.as_millis().max(1)).unwrap_or(u64::MAX),
        ));
        writeln!(
            self.out,
            "  {style}{mark}{style:#} {}  {DIM}{found} · {took}{DIM:#}",
            compared.title
        )?;
        if compared.differences() > 0 {
            differences(&mut self.out, plan, compared, self.columns)?;
        }
        if compared.differences() > 0 || !compared.is_whole() {
            self.alone.push(compared.alone.clone());
        }
        self.out.flush()
    }

    fn end(&mut self, plan: &Plan, totals: &Totals, took: Duration) -> io::Result<()> {
        let hidden: Vec<String> = totals
            .hidden
            .iter()
            .map(|(rule, count)| {
                format!("  {count:>6} {}  {DIM}{}{DIM:#}", rule.what(), rule.name())
            })
            .collect();
        if !hidden.is_empty() {
            writeln!(
                self.out,
                "\n{BOLD}Left out by rule{BOLD:#}, on both sides (docs/compare.md has the reasons; --exact NAME compares it)"
            )?;
            writeln!(self.out, "{}", hidden.join("\n"))?;
        }
        if let Some(alone) = self.alone.first() {
            writeln!(
                self.out,
                "\n{BOLD}Look closer{BOLD:#} at one side of a scenario:"
            )?;
            writeln!(self.out, "  {alone} --lane {}", plan.right)?;
        }
        let style = if totals.exit_code() == 0 { GREEN } else { RED };
        let mut counts = format!("{} equal, {} different", totals.equal, totals.different);
        for (count, word) in [
            (totals.broken, "not compared"),
            (totals.interrupted, "interrupted"),
        ] {
            if count > 0 {
                counts.push_str(&format!(", {count} {word}"));
            }
        }
        writeln!(
            self.out,
            "\n{style}{counts}{style:#} in {}, {} differences",
            human(Duration::from_millis(
                u64::try_from(took.as_millis().max(1)).unwrap_or(u64::MAX)
            )),
            totals.differences,
        )?;
        self.out.flush()
    }
}

/// The mark of a scenario, and what was found in words.
fn found(compared: &Compared) -> (&'static str, Style, String) {
    let both = match (compared.left, compared.right) {
        (Verdict::Passed, Verdict::Passed) => "",
        (Verdict::Failed, Verdict::Failed) => ", failed on both",
        _ => "",
    };
    if !compared.is_whole() {
        let mark =
            if compared.left == Verdict::Interrupted || compared.right == Verdict::Interrupted {
                ("^C", YELLOW)
            } else {
                ("!", RED)
            };
        return (mark.0, mark.1, "a run did not end by itself".into());
    }
    match compared.differences() {
        0 => ("=", GREEN, format!("equal{both}")),
        1 => ("≠", RED, format!("1 difference{both}")),
        count => ("≠", RED, format!("{count} differences{both}")),
    }
}

/// A block per subject that differs.
pub(crate) fn differences(
    out: &mut impl Write,
    plan: &Plan,
    compared: &Compared,
    columns: Columns,
) -> io::Result<()> {
    for (left, right) in columns.beside(&plan.left, &plan.right) {
        writeln!(out, "      {DIM}{left} | {right}{DIM:#}")?;
    }
    for subject in &compared.subjects {
        writeln!(out, "    {BOLD}{}{BOLD:#}", subject.name)?;
        for aspect in &subject.aspects {
            writeln!(out, "      {DIM}{}{DIM:#}", aspect.name)?;
            rows(out, &aspect.rows, columns)?;
        }
    }
    Ok(())
}

fn rows(out: &mut impl Write, rows: &[Row], columns: Columns) -> io::Result<()> {
    let differs: Vec<usize> = (0..rows.len())
        .filter(|&index| rows.get(index).is_some_and(|row| !row.is_equal()))
        .collect();
    let near = |index: usize| differs.iter().any(|&at| at.abs_diff(index) <= CONTEXT);
    let mut skipped = 0;
    for (index, row) in rows.iter().enumerate() {
        if !near(index) {
            skipped += 1;
            continue;
        }
        skip(out, &mut skipped)?;
        let (mark, left_style, right_style) = match (&row.left, &row.right) {
            _ if row.is_equal() => (" ", DIM, DIM),
            (Some(_), Some(_)) => ("≠", RED, GREEN),
            (Some(_), None) => ("<", RED, GREEN),
            _ => (">", RED, GREEN),
        };
        let (left, right) = (
            row.left.as_deref().unwrap_or("-"),
            row.right.as_deref().unwrap_or("-"),
        );
        for (number, (left, right)) in columns.beside(left, right).iter().enumerate() {
            let mark = if number == 0 { mark } else { " " };
            let left = match right.is_empty() {
                true => left.trim_end(),
                false => left,
            };
            write!(out, "    {mark} {left_style}{left}{left_style:#}")?;
            if !right.is_empty() {
                write!(out, " {DIM}|{DIM:#} {right_style}{right}{right_style:#}")?;
            }
            writeln!(out)?;
        }
    }
    skip(out, &mut skipped)
}

fn skip(out: &mut impl Write, skipped: &mut usize) -> io::Result<()> {
    match std::mem::take(skipped) {
        0 => Ok(()),
        1 => writeln!(out, "      {DIM}1 equal line{DIM:#}"),
        count => writeln!(out, "      {DIM}{count} equal lines{DIM:#}"),
    }
}
