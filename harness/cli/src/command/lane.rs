//! The lane that a command line names, and what becomes of refresh intervals there.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use rotaproof_cluster::{Embedded, Lane, RealEso, Release};

use super::run::duration;
use crate::error::Error;

/// What longer refresh intervals become on the machine's clock, unless the user says.
const ON_THE_REAL_CLOCK: Duration = Duration::from_secs(2);

/// Where scenarios run.
#[derive(clap::Args, Clone)]
pub(crate) struct Where {
    /// Where the scenarios run.
    #[arg(long, value_enum, default_value_t, env = "ROTAPROOF_LANE")]
    lane: Name,
    /// Lane eso: the External Secrets Operator, by the path of its program.
    #[arg(long, value_name = "PATH", env = "ROTAPROOF_ESO")]
    eso: Option<PathBuf>,
    /// Lane eso: the CustomResourceDefinitions of its release.
    #[arg(long, value_name = "FILE", env = "ROTAPROOF_ESO_CRDS")]
    crds: Option<PathBuf>,
    /// Shorten the refresh intervals of ExternalSecrets to this, where they are longer: 2s; `manifest` leaves them as
    /// written. Unless given: as written on embedded, 2s on the lanes in real time.
    #[arg(long, value_name = "DURATION", env = "ROTAPROOF_REFRESH")]
    refresh: Option<Refresh>,
}

/// The lanes that this version has.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Name {
    /// In this process, in virtual time; needs nothing.
    #[default]
    Embedded,
    /// The real External Secrets Operator as a child process; the rest as on the embedded lane, in real time.
    Eso,
}

/// What becomes of refresh intervals.
#[derive(Clone, Copy)]
enum Refresh {
    Manifest,
    AtMost(Duration),
}

impl FromStr for Refresh {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "manifest" {
            return Ok(Self::Manifest);
        }
        let wrong = "expected a duration of a millisecond or more, for example 2s, or `manifest`";
        match duration(text) {
            Ok(interval) if interval >= Duration::from_millis(1) => Ok(Self::AtMost(interval)),
            _ => Err(wrong.into()),
        }
    }
}

impl Where {
    /// The lane.
    pub(crate) fn lane(&self) -> Result<Arc<dyn Lane>, Error> {
        match self.lane {
            Name::Embedded => Ok(Arc::new(Embedded)),
            Name::Eso => Ok(Arc::new(RealEso::new(self.release()?, self.refresh()))),
        }
    }

    /// What longer refresh intervals become; `None` leaves them as written.
    pub(crate) fn refresh(&self) -> Option<Duration> {
        match (self.refresh, self.lane) {
            (Some(Refresh::AtMost(interval)), _) => Some(interval),
            (Some(Refresh::Manifest), _) | (None, Name::Embedded) => None,
            (None, Name::Eso) => Some(ON_THE_REAL_CLOCK),
        }
    }

    /// What an interval of a manifest becomes.
    pub(crate) fn shortened(&self, interval: Duration) -> Duration {
        self.refresh().map_or(interval, |limit| limit.min(interval))
    }

    fn release(&self) -> Result<Release, Error> {
        let (Some(program), Some(path)) = (&self.eso, &self.crds) else {
            return Err(Error::Usage(
                "lane eso needs --eso PATH (or ROTAPROOF_ESO) and --crds FILE".into(),
            ));
        };
        let failed = |source| Error::File {
            action: "read",
            path: path.clone(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let crds = serde_saphyr::from_multiple(&text)
            .map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        Ok(Release {
            program: program.clone(),
            name: program.display().to_string(),
            crds,
        })
    }
}
