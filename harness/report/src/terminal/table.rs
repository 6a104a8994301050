//! The staleness table.

use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use rotaproof_events::{Lag, human};

use crate::collect::Ended;

/// A row per scenario and vault, each stage at its worst.
pub(crate) fn staleness(rows: &[&Ended]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header([
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
            let worst = |stage: fn(&Lag) -> Option<u64>| {
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
    table.to_string()
}
