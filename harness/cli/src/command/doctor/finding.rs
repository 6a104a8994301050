//! What was found, and what follows for the lanes.

use serde::Serialize;

/// Where a finding is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Lane {
    /// In this process, in virtual time.
    Embedded,
    /// The real operator as a child process.
    Eso,
    /// A real cluster in Docker.
    Kind,
}

impl Lane {
    /// From what needs least to what needs most.
    pub(crate) const ALL: [Self; 3] = [Self::Embedded, Self::Eso, Self::Kind];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Eso => "eso",
            Self::Kind => "kind",
        }
    }

    /// The lanes whose findings have to be good for this one.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Embedded => &[Self::Embedded],
            Self::Eso => &[Self::Embedded, Self::Eso],
            Self::Kind => &[Self::Embedded, Self::Kind],
        }
    }
}

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// The lane starts, and may not go well.
    Warning,
    /// The lane cannot start.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The lane that wants it; `None` for what killed runs left.
    pub(crate) lane: Option<Lane>,
    /// What was looked at.
    pub(crate) about: String,
    /// How good it is.
    pub(crate) state: State,
    /// What was found.
    pub(crate) found: String,
    /// What to do, in a line; none where all is well.
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub(crate) fn ok(lane: Lane, about: &str, found: impl Into<String>) -> Self {
        Self {
            lane: Some(lane),
            about: about.into(),
            state: State::Ok,
            found: found.into(),
            fix: None,
        }
    }

    /// The lane starts, and may not go well.
    pub(crate) fn warning(
        lane: Lane,
        about: &str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warning,
            fix: Some(fix.into()),
            ..Self::ok(lane, about, found)
        }
    }

    /// The lane cannot start.
    pub(crate) fn missing(
        lane: Lane,
        about: &str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Missing,
            fix: Some(fix.into()),
            ..Self::ok(lane, about, found)
        }
    }
}

/// Whether a lane can start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Readiness {
    /// The lane.
    pub(crate) lane: Lane,
    /// Whether nothing that it needs is missing.
    pub(crate) ready: bool,
    /// What is missing, or what to look at.
    pub(crate) why: Vec<String>,
}

impl Readiness {
    /// What the findings mean for a lane.
    pub(crate) fn of(lane: Lane, findings: &[Finding]) -> Self {
        let own = || {
            findings
                .iter()
                .filter(|finding| finding.lane.is_some_and(|own| lane.needs().contains(&own)))
        };
        let told = |state| -> Vec<String> {
            own()
                .filter(|finding| finding.state == state)
                .map(|finding| finding.about.clone())
                .collect()
        };
        let missing = told(State::Missing);
        let ready = missing.is_empty();
        Self {
            lane,
            ready,
            why: match ready {
                true => told(State::Warning),
                false => missing,
            },
        }
    }
}

/// Of each lane, in order.
pub(crate) fn readiness(findings: &[Finding]) -> Vec<Readiness> {
    Lane::ALL
        .into_iter()
        .map(|lane| Readiness::of(lane, findings))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_found(&[], [true, true, true])]
    #[case::a_warning_is_no_obstacle(&[Finding::warning(Lane::Kind, "disk", "3 GB", "free some")], [true, true, true])]
    #[case::what_kind_wants_concerns_no_other(&[Finding::missing(Lane::Kind, "docker", "none", "install")], [true, true, false])]
    #[case::what_embedded_wants_concerns_all(&[Finding::missing(Lane::Embedded, "folder", "none", "make")], [false, false, false])]
    fn a_lane_is_ready_where_nothing_that_it_needs_is_missing(
        #[case] findings: &[Finding],
        #[case] ready: [bool; 3],
    ) {
        let told: Vec<bool> = readiness(findings).iter().map(|it| it.ready).collect();
        assert_eq!(told, ready);
    }
}
