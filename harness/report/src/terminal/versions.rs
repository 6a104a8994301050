//! How scenarios ended on several versions of the operator, side by side.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use rotaproof_events::{Counts, Verdict};

use super::{BOLD, count_text, table};

/// A row per scenario that did not end alike on all versions, a column per version; and how many did. A version without
/// verdicts was not run.
pub fn by_version(scenarios: &[&str], versions: &[(&str, &[Verdict])]) -> String {
    let mut table = Table::new();
    let names = versions.iter().map(|(name, _)| *name);
    table
        .load_style(NOTHING)
        .set_header(["scenario"].into_iter().chain(names));
    let mut alike = Counts::default();
    for (index, scenario) in scenarios.iter().enumerate() {
        let ended: Vec<_> = versions
            .iter()
            .map(|(_, verdicts)| verdicts.get(index).copied())
            .collect();
        match ended.first().copied().flatten() {
            Some(verdict) if ended.iter().all(|other| *other == Some(verdict)) => {
                alike.add(verdict);
            }
            _ => {
                let cells = ended.into_iter().map(word);
                table.add_row([(*scenario).to_owned()].into_iter().chain(cells));
            }
        }
    }
    let differing = table.row_count();
    let count = scenarios.len() - differing;
    let plural = if count == 1 { "" } else { "s" };
    let mut text = format!("{BOLD}External Secrets Operator{BOLD:#}, version by version\n");
    if differing > 0 {
        text.push_str(&table::text(&table));
        text.push('\n');
    }
    if count > 0 {
        let counted = count_text(&alike);
        text.push_str(&format!(
            "{count} scenario{plural} ended alike on all {}: {counted}\n",
            versions.len()
        ));
    }
    text
}

fn word(verdict: Option<Verdict>) -> String {
    let word = verdict.and_then(|verdict| serde_json::to_value(verdict).ok());
    let word = word.as_ref().and_then(serde_json::Value::as_str);
    word.unwrap_or("not run").to_owned()
}

#[cfg(test)]
mod tests {
    use rotaproof_events::Verdict::{Errored, Failed, Passed};

    use super::*;

    fn plain(scenarios: &[&str], versions: &[(&str, &[Verdict])]) -> String {
        let text = by_version(scenarios, versions);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_scenario_has_a_row_where_versions_differ() {
        let told = plain(
            &["one", "two", "three"],
            &[
                ("0.16.2", &[Passed, Passed, Failed]),
                ("0.20.4", &[Passed, Errored, Failed]),
            ],
        );
        let lines: Vec<Vec<&str>> = told
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[0], ["scenario", "0.16.2", "0.20.4"]);
        assert_eq!(lines[1], ["two", "passed", "errored"]);
        assert_eq!(
            lines[2].join(" "),
            "2 scenarios ended alike on all 2: 1 passed, 1 failed"
        );
    }

    #[test]
    fn there_is_no_table_where_all_is_alike() {
        let told = plain(&["one"], &[("a", &[Passed]), ("b", &[Passed])]);
        assert_eq!(
            told,
            "External Secrets Operator, version by version\n1 scenario ended alike on all 2: 1 passed, 0 failed\n"
        );
    }

    #[test]
    fn a_version_that_was_not_run_is_alike_to_none() {
        let told = plain(&["one"], &[("a", &[Passed]), ("b", &[])]);
        assert!(told.contains("not run"), "{told}");
        assert!(!told.contains("alike"), "{told}");
    }
}
