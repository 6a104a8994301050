//! Differences that are meant: `known.yaml`.

use regex::Regex;
use serde::Deserialize;

use crate::compare::Difference;

/// One row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What differs, for the table.
    what: String,
    /// Why it is meant.
    reason: String,
    /// The requests, as a pattern of `group: name`.
    #[serde(default)]
    calls: String,
    /// The fields, as a pattern of their paths.
    at: String,
    /// The values, as a pattern of `real | ours`, both in JSON.
    #[serde(default)]
    values: String,
}

pub(crate) struct Known(Vec<Rule>);

struct Rule {
    row: Row,
    calls: Regex,
    at: Regex,
    values: Regex,
    used: usize,
}

impl Known {
    pub(crate) fn read() -> Result<Self, String> {
        let rows: Vec<Row> = serde_saphyr::from_str(include_str!("known.yaml"))
            .map_err(|error| format!("known.yaml: {error}"))?;
        let pattern = |text: &str| Regex::new(text).map_err(|error| error.to_string());
        let rules = rows.into_iter().map(|row| {
            Ok(Rule {
                calls: pattern(&row.calls)?,
                at: pattern(&format!("^(?:{})$", row.at))?,
                values: pattern(&row.values)?,
                used: 0,
                row,
            })
        });
        rules.collect::<Result<_, String>>().map(Self)
    }

    /// Whether a row stands for this difference; every row that does counts it.
    pub(crate) fn covers(&mut self, call: &str, difference: &Difference) -> bool {
        let shown = |value: &Option<serde_json::Value>| {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let values = format!("{} | {}", shown(&difference.real), shown(&difference.ours));
        let rule = self.0.iter_mut().find(|rule| {
            rule.calls.is_match(call)
                && rule.at.is_match(&difference.at)
                && rule.values.is_match(&values)
        });
        if let Some(rule) = rule {
            rule.used += 1;
            return true;
        }
        false
    }

    /// The rows that stood for nothing.
    pub(crate) fn unused(&self) -> Vec<&str> {
        let unused = self.0.iter().filter(|rule| rule.used == 0);
        unused.map(|rule| rule.row.what.as_str()).collect()
    }

    /// What differs and why, in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        let rows = self.0.iter().map(|rule| &rule.row);
        rows.map(|row| (row.what.as_str(), row.reason.as_str()))
    }
}
