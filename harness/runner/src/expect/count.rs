//! How many: exactly, at least, at most.

/// What is expected of a number.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) exactly: Option<u64>,
    pub(super) at_least: Option<u64>,
    pub(super) at_most: Option<u64>,
}

impl Count {
    /// Whether a number is as expected. Without any bound there must be one at least.
    pub(super) fn holds(self, actual: u64) -> bool {
        let bounds = [self.exactly, self.at_least, self.at_most];
        let some = bounds.iter().any(Option::is_some) || actual > 0;
        some && self.exactly.is_none_or(|n| actual == n)
            && self.at_least.is_none_or(|n| actual >= n)
            && self.at_most.is_none_or(|n| actual <= n)
    }

    /// `exactly 1`, `at least 2 and at most 4`.
    pub(super) fn text(self) -> String {
        let parts: Vec<String> = [
            self.exactly.map(|n| format!("exactly {n}")),
            self.at_least.map(|n| format!("at least {n}")),
            self.at_most.map(|n| format!("at most {n}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            "at least 1".into()
        } else {
            parts.join(" and ")
        }
    }
}
