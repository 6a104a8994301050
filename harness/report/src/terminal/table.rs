//! The staleness table.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use rotaproof_events::{Lag, Percentiles, human};

use crate::collect::Ended;

/// One stage of a rotation.
type Stage = fn(&Lag) -> Option<u64>;

/// From so many rotations on, percentiles say more than the worst case alone.
const MANY: usize = 10;

/// A row per stage of each scenario and vault with many rotations; `None` where there is none.
pub(crate) fn percentiles(rows: &[&Ended]) -> Option<String> {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["vault", "stage", "rotations", "p50", "p95", "max"]);
    let stages: [(&str, Stage); 4] = [
        ("t1-t0", |lag| lag.fetched_us),
        ("t2-t1", |lag| lag.synced_us),
        ("t3-t2", |lag| lag.seen_us),
        ("total", |lag| lag.total_us),
    ];
    for ended in rows {
        for vault in &ended.vaults {
            let lags: Vec<&Lag> = ended
                .lags
                .iter()
                .filter(|l| l.vault == vault.name)
                .collect();
            if lags.len() < MANY {
                continue;
            }
            for (name, stage) in stages {
                let measured = Percentiles::of(lags.iter().filter_map(|lag| stage(lag)).collect());
                let Some(of) = measured else { continue };
                let time = |us| human(Duration::from_micros(us));
                table.add_row([
                    vault.name.clone(),
                    name.to_owned(),
                    of.count.to_string(),
                    time(of.p50_us),
                    time(of.p95_us),
                    time(of.max_us),
                ]);
            }
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    (table.row_count() > 0).then(|| text(&table))
}

/// A row per scenario and vault, each stage at its worst.
pub(crate) fn staleness(rows: &[&Ended]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "scenario",
        "vault",
        "verdict",
        "rotations",
        "t1-t0",
        "t2-t1",
        "t3-t2",
        "total",
    ]);
    for ended in rows {
        for vault in &ended.vaults {
            let lags: Vec<&Lag> = ended
                .lags
                .iter()
                .filter(|l| l.vault == vault.name)
                .collect();
            if lags.is_empty() {
                continue;
            }
            let worst = |stage: Stage| {
                lags.iter()
                    .filter_map(|lag| stage(lag))
                    .max()
                    .map_or("-".to_owned(), |us| human(Duration::from_micros(us)))
            };
            let verdict = serde_json::to_value(ended.verdict).unwrap_or_default();
            table.add_row([
                ended.title.clone(),
                vault.name.clone(),
                verdict.as_str().unwrap_or_default().to_owned(),
                lags.len().to_string(),
                worst(|lag| lag.fetched_us),
                worst(|lag| lag.synced_us),
                worst(|lag| lag.seen_us),
                worst(|lag| lag.total_us),
            ]);
        }
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text(&table)
}

/// The table without the padding of its last column.
pub(super) fn text(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}
