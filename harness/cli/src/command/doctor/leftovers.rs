//! What runs left behind that were killed, or what runs that are under way hold.

use std::path::PathBuf;

use super::finding::{Finding, State};

/// The label of everything of ours in Docker.
pub(super) const LABEL: &str = "label=dev.rotaproof.run";
/// How our kind clusters' names begin.
const CLUSTER: &str = "rotaproof-";
/// More names than these are only counted.
const SHOWN: usize = 5;

/// Things of one sort that are left.
pub(super) struct Left {
    /// What they are, in the plural.
    pub(super) what: &'static str,
    /// Their names.
    pub(super) names: Vec<String>,
}

impl Left {
    /// One name a line, as docker prints them.
    pub(super) fn lines(what: &'static str, out: &str) -> Self {
        let names = out.lines().map(str::trim).filter(|name| !name.is_empty());
        Self {
            what,
            names: names.map(str::to_owned).collect(),
        }
    }

    /// Our clusters among those that `kind get clusters` prints.
    pub(super) fn clusters(out: &str) -> Self {
        let mut all = Self::lines("kind clusters", out);
        all.names.retain(|name| name.starts_with(CLUSTER));
        all
    }

    /// Folders of runs and labs whose process is gone.
    pub(super) fn folders(what: &'static str, paths: &[PathBuf]) -> Self {
        Self {
            what,
            names: paths
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        }
    }

    fn finding(&self) -> Finding {
        let shown: Vec<&str> = self.names.iter().take(SHOWN).map(String::as_str).collect();
        let more = self.names.len() - shown.len();
        let mut found = format!("{}: {}", self.names.len(), shown.join(", "));
        if more > 0 {
            found.push_str(&format!(" and {more} more"));
        }
        Finding {
            lane: None,
            about: self.what.to_owned(),
            state: State::Warning,
            found,
            fix: Some("`rotaproof gc` removes what no run that is under way holds".into()),
        }
    }
}

/// What is left, or that nothing is.
pub(super) fn findings(left: &[Left]) -> Vec<Finding> {
    let found: Vec<Finding> = left
        .iter()
        .filter(|left| !left.names.is_empty())
        .map(Left::finding)
        .collect();
    if !found.is_empty() {
        return found;
    }
    let looked: Vec<&str> = left.iter().map(|left| left.what).collect();
    vec![Finding {
        lane: None,
        about: "left behind".into(),
        state: State::Ok,
        found: format!("nothing (looked for {})", looked.join(", ")),
        fix: None,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clusters_of_ours_are_told() {
        let left = Left::clusters("kind\nrotaproof-a1b2\nmy-rotaproof-x\n");
        assert_eq!(left.names, ["rotaproof-a1b2"]);
    }

    #[test]
    fn what_is_left_is_named_and_the_many_are_counted() {
        let left = Left::lines("containers", "a\nb\n\nc\nd\ne\nf\ng\n");
        let told = findings(&[left, Left::lines("networks", "")]);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].found, "7: a, b, c, d, e and 2 more");
        assert!(told[0].fix.as_deref().unwrap().contains("rotaproof gc"));
    }

    #[test]
    fn where_nothing_is_left_it_says_what_was_looked_for() {
        let told = findings(&[Left::lines("networks", "")]);
        assert_eq!(told[0].found, "nothing (looked for networks)");
    }
}
