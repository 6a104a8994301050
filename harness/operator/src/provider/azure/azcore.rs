//! azcore 1.19.1's retry policy (`runtime/policy_retry.go`): under Key Vault's client and under azidentity's credentials.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use rotaproof_base::Entropy;

use super::wire;

/// How often a request is sent again, and when.
pub(super) struct Retries {
    most: u32,
    first_wait: Duration,
    longest_wait: Duration,
    passing: fn(StatusCode) -> bool,
}

impl Retries {
    /// `setDefaults`: three more tries.
    pub(super) const DEFAULT: Self = Self {
        most: 3,
        first_wait: Duration::from_millis(800),
        longest_wait: Duration::from_secs(60),
        passing: wire::is_passing,
    };

    /// azidentity 1.13.0's for the metadata service (`setIMDSRetryOptionDefaults`): six more.
    pub(super) const METADATA: Self = Self {
        most: 6,
        first_wait: Duration::from_secs(2),
        longest_wait: Duration::from_secs(25),
        passing: is_passing_metadata,
    };

    /// How long to wait for the next try after `tried` of them that ended so; nothing where this one stands.
    pub(super) fn wait<E>(
        &self,
        tried: u32,
        outcome: &Result<Response<Bytes>, E>,
        entropy: &Entropy,
    ) -> Option<Duration> {
        let settled = outcome
            .as_ref()
            .is_ok_and(|answer| !(self.passing)(answer.status()));
        if settled || tried > self.most {
            return None;
        }
        let named = outcome.as_ref().ok().and_then(wire::retry_after);
        let named = named.map(Duration::from_secs);
        match named {
            // Who is sent away for longer than the policy waits does not come back.
            Some(wait) => (wait <= self.longest_wait).then_some(wait),
            None => Some(self.delay(tried, entropy)),
        }
    }

    /// `calcDelay`: longer with each try, with a jitter of 0.8 to 1.3.
    fn delay(&self, tried: u32, entropy: &Entropy) -> Duration {
        let factor = (1_u32 << tried) - 1;
        let jitter = 800 + u32::try_from(entropy.below(500)).unwrap_or(0);
        let wait = self.first_wait.saturating_mul(factor);
        (wait.saturating_mul(jitter) / 1000).min(self.longest_wait)
    }
}

/// The metadata service may answer 404 and 410 while it is updated; a 408 of its own is final.
fn is_passing_metadata(status: StatusCode) -> bool {
    const MISSING: [u16; 3] = [404, 410, 429];
    MISSING.contains(&status.as_u16()) || status.is_server_error()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Response<Bytes>, ()> {
        let mut builder = Response::builder().status(status);
        if let Some(seconds) = retry_after {
            builder = builder.header("retry-after", seconds);
        }
        Ok(builder.body(Bytes::new()).unwrap())
    }

    /// The first wait in milliseconds, its jitter taken down to the least.
    fn waits(policy: &Retries, outcome: &Result<Response<Bytes>, ()>) -> Vec<u128> {
        let entropy = Entropy::from_seed(1);
        let tries = (1..).map_while(|tried| policy.wait(tried, outcome, &entropy));
        tries.map(|wait| wait.as_millis()).collect()
    }

    #[rstest]
    #[case(answer(503, None), 3)]
    #[case(answer(429, None), 3)]
    #[case(answer(401, None), 0)]
    #[case(answer(404, None), 0)]
    #[case(Err(()), 3)]
    #[case(answer(429, Some("60")), 3)]
    #[case(answer(429, Some("61")), 0)]
    fn what_may_pass_is_tried_three_times_more(
        #[case] outcome: Result<Response<Bytes>, ()>,
        #[case] tries: usize,
    ) {
        assert_eq!(waits(&Retries::DEFAULT, &outcome).len(), tries);
    }

    #[rstest]
    #[case(answer(404, None), 6)]
    #[case(answer(410, None), 6)]
    #[case(answer(508, None), 6)]
    #[case(answer(408, None), 0)]
    #[case(answer(429, Some("26")), 0)]
    fn the_metadata_service_is_given_six_more_tries(
        #[case] outcome: Result<Response<Bytes>, ()>,
        #[case] tries: usize,
    ) {
        assert_eq!(waits(&Retries::METADATA, &outcome).len(), tries);
    }

    #[test]
    fn each_wait_is_about_twice_the_one_before_up_to_the_longest() {
        let waits = waits(&Retries::METADATA, &Err(()));
        let least = [1600, 4800, 11200, 24000, 25000, 25000];
        let most = [2600, 7800, 18200, 25000, 25000, 25000];
        for (wait, (least, most)) in waits.iter().zip(least.into_iter().zip(most)) {
            assert!((least..=most).contains(wait), "{waits:?}");
        }
        assert_eq!(waits.len(), 6);
    }

    #[test]
    fn a_named_wait_is_kept_to() {
        let named = waits(&Retries::DEFAULT, &answer(429, Some("7")));
        assert_eq!(named, [7000, 7000, 7000]);
    }
}
