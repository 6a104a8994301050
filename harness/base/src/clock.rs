//! The one source of wall time.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// Wall time derived from tokio's own clock: a base plus the elapsed time.
///
/// On a runtime whose clock is paused, wall time stands still and jumps with it, so that tokens,
/// certificates, signatures and `refreshTime` all live in the same (virtual) time as the timers.
#[derive(Clone, Debug)]
pub struct Clock {
    base: Timestamp,
    start: Instant,
}

impl Clock {
    /// A clock that reads `base` now. Must be called inside a tokio runtime whose clock it follows.
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            start: Instant::now(),
        }
    }

    /// A clock that reads the machine's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's time comes in"
    )]
    pub fn system() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// The present wall time.
    pub fn now(&self) -> Timestamp {
        // `saturating_add` of an unsigned duration cannot fail; it stops at the year 9999.
        self.base
            .saturating_add(self.elapsed())
            .unwrap_or(Timestamp::MAX)
    }

    /// When this clock was made.
    pub fn started(&self) -> Instant {
        self.start
    }

    /// The time since this clock was made.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The wall time at a tokio instant; an instant before the clock's start reads as its base.
    pub fn at(&self, instant: Instant) -> Timestamp {
        self.base
            .saturating_add(instant.saturating_duration_since(self.start))
            .unwrap_or(Timestamp::MAX)
    }

    /// The present wall time in whole seconds since the Unix epoch.
    pub fn unix_seconds(&self) -> i64 {
        self.now().as_second()
    }
}

impl From<&Clock> for SystemTime {
    fn from(clock: &Clock) -> Self {
        clock.now().into()
    }
}

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let seconds = u64::try_from(self.unix_seconds()).ok()?;
        Some(rustls::pki_types::UnixTime::since_unix_epoch(
            Duration::from_secs(seconds),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn wall_time_jumps_with_the_paused_clock() {
        let base: Timestamp = "2025-11-08T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(base);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().to_string(), "2025-11-08T01:00:00Z");
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    }
}
