//! What a report needs to know of each scenario once it has ended.

use std::time::Duration;

use rotaproof_events::{DeclaredVault, Event, Failure, Lag, Location, Record, Verdict};

/// A finding, with the step that showed it.
#[derive(Clone)]
pub(crate) struct Finding {
    pub(crate) location: Location,
    pub(crate) manifest: String,
    pub(crate) finding: String,
    pub(crate) refusal: Option<String>,
    pub(crate) fix: Option<String>,
}

/// A scenario that has ended.
#[derive(Clone)]
pub(crate) struct Ended {
    pub(crate) title: String,
    pub(crate) file: String,
    pub(crate) vaults: Vec<DeclaredVault>,
    pub(crate) lags: Vec<Lag>,
    pub(crate) findings: Vec<Finding>,
    /// Refresh intervals as written, and as applied.
    pub(crate) shortened: Vec<(String, String)>,
    pub(crate) verdict: Verdict,
    pub(crate) failure: Option<Box<Failure>>,
    pub(crate) requests: u64,
    /// The scenario's own time.
    pub(crate) lasted: Duration,
    /// The machine's time.
    pub(crate) took: Duration,
}

/// Gathers the records of the scenario under way.
#[derive(Default)]
pub(crate) struct Collector {
    current: Option<Ended>,
}

impl Collector {
    /// Takes a record; answers the scenario that it ended, if it did.
    pub(crate) fn take(&mut self, record: &Record) -> Option<Ended> {
        match &record.event {
            Event::ScenarioStarted {
                title,
                file,
                vaults,
                ..
            } => {
                self.current = Some(Ended {
                    title: title.clone(),
                    file: file.clone(),
                    vaults: vaults.clone(),
                    lags: Vec::new(),
                    findings: Vec::new(),
                    shortened: Vec::new(),
                    verdict: Verdict::Skipped,
                    failure: None,
                    requests: 0,
                    lasted: Duration::ZERO,
                    took: Duration::ZERO,
                });
            }
            Event::Staleness(lag) => {
                if let Some(current) = &mut self.current {
                    current.lags.push(lag.clone());
                }
            }
            Event::Finding {
                location,
                manifest,
                finding,
                refusal,
                fix,
            } => {
                if let Some(current) = &mut self.current {
                    current.findings.push(Finding {
                        location: location.clone(),
                        manifest: manifest.clone(),
                        finding: finding.clone(),
                        refusal: refusal.clone(),
                        fix: fix.clone(),
                    });
                }
            }
            Event::RefreshShortened { from, to } => {
                if let Some(current) = &mut self.current {
                    current.shortened.push((from.clone(), to.clone()));
                }
            }
            Event::ScenarioFinished {
                verdict,
                failure,
                requests,
                wall_took_us,
            } => {
                let mut ended = self.current.take()?;
                ended.verdict = *verdict;
                ended.failure.clone_from(failure);
                ended.requests = *requests;
                ended.lasted = Duration::from_micros(record.at_us);
                ended.took = Duration::from_micros(*wall_took_us);
                return Some(ended);
            }
            _ => {}
        }
        None
    }
}
