//! ESO's rate limiter: the longer of an exponential delay per item and a token bucket over all items
//! (ESO 2.9.0, `pkg/controllers/common/common.go`, `BuildRateLimiter`).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Key;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(7 * 60);
const PER_SECOND: f64 = 10.0;
const BURST: f64 = 100.0;

/// Delays by item, and over all items.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: BTreeMap<Key, u32>,
    tokens: f64,
    filled: Instant,
}

impl Backoff {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            failures: BTreeMap::new(),
            tokens: BURST,
            filled: now,
        }
    }

    /// The delay before the item's next try. Counts a failure and takes a token.
    pub(super) fn next(&mut self, key: &Key, now: Instant) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        let exponential = FIRST
            .saturating_mul(2u32.saturating_pow(*failures))
            .min(LONGEST);
        *failures = failures.saturating_add(1);
        let earned = now.saturating_duration_since(self.filled).as_secs_f64() * PER_SECOND;
        self.tokens = (self.tokens + earned).min(BURST) - 1.0;
        self.filled = now;
        // A reservation beyond the bucket waits until its token is there.
        let bucket = Duration::from_secs_f64((-self.tokens).max(0.0) / PER_SECOND);
        exponential.max(bucket)
    }

    /// Starts the item's delays anew.
    pub(super) fn forget(&mut self, key: &Key) {
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_gaps_of_a_failing_item_double_from_one_second_to_seven_minutes() {
        let mut backoff = Backoff::new(Instant::now());
        let key = Key::new("ns", "es");
        let gaps: Vec<u64> = (0..11)
            .map(|_| backoff.next(&key, Instant::now()).as_secs())
            .collect();
        assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 64, 128, 256, 420, 420]);
        backoff.forget(&key);
        assert_eq!(backoff.next(&key, Instant::now()).as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_a_burst_of_a_hundred_ten_items_pass_per_second() {
        let mut backoff = Backoff::new(Instant::now());
        let delays: Vec<Duration> = (0..150)
            .map(|n| backoff.next(&Key::new("ns", &n.to_string()), Instant::now()))
            .collect();
        assert_eq!(delays[99], Duration::from_secs(1));
        assert_eq!(delays[149], Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(
            backoff.next(&Key::new("ns", "late"), Instant::now()),
            Duration::from_secs(1)
        );
    }
}
