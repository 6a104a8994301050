//! gax's retries (`googleapis/gax-go/v2/invoke.go`): a call and all its repetitions within one deadline.

use std::time::Duration;

use rotaproof_base::Entropy;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::grpc::{DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, Status, UNAVAILABLE};

/// Of every method that is used here.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What gax never repeats, whatever its code.
const PERMANENT: &str = "x509: certificate signed by unknown authority";

/// Which codes are worth another try, and how long to wait before it.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    codes: &'static [u32],
    initial: Duration,
    multiplier: f64,
}

/// The longest wait, of every policy.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// AccessSecretVersion (`secretmanager_grpc_service_config.json`).
pub(super) const ACCESS: Policy = Policy {
    codes: &[UNAVAILABLE, RESOURCE_EXHAUSTED],
    initial: Duration::from_secs(2),
    multiplier: 2.0,
};
/// The other methods of Secret Manager.
pub(super) const NEVER: Policy = Policy {
    codes: &[],
    initial: Duration::ZERO,
    multiplier: 1.0,
};
/// GenerateAccessToken (`iamcredentials_grpc_service_config.json`).
pub(super) const GENERATE: Policy = Policy {
    codes: &[UNAVAILABLE, DEADLINE_EXCEEDED],
    initial: Duration::from_millis(100),
    multiplier: 1.3,
};

/// Why a call did not succeed in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// The method's own answer.
    #[error("{0}")]
    Status(Status),
    /// The deadline came while it was waited for the next try: the last answer is not told.
    #[error("context deadline exceeded")]
    Deadline,
}

impl CallError {
    pub(super) fn status(&self) -> Option<&Status> {
        match self {
            Self::Status(status) => Some(status),
            Self::Deadline => None,
        }
    }
}

/// Calls until there is an answer that is not worth another try.
pub(super) async fn invoke<T, F>(
    policy: Policy,
    entropy: &Entropy,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, Status>>,
{
    let deadline = Instant::now() + TIMEOUT;
    let mut wait = policy.initial;
    loop {
        let status = match timeout_at(deadline, call()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(status)) => status,
            Err(_) => Status::new(DEADLINE_EXCEEDED, "context deadline exceeded"),
        };
        if status.message.contains(PERMANENT) || !policy.codes.contains(&status.code) {
            return Err(CallError::Status(status));
        }
        // gax draws the pause evenly from what it may be at most.
        let most = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let pause = Duration::from_nanos(1 + entropy.below(most));
        wait = wait.mul_f64(policy.multiplier).min(MAX_WAIT);
        let next = Instant::now() + pause;
        if next > deadline {
            sleep_until(deadline).await;
            return Err(CallError::Deadline);
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::grpc::{FAILED_PRECONDITION, NOT_FOUND};
    use super::*;

    async fn tries(policy: Policy, code: u32, message: &str) -> (u32, Duration, String) {
        let (mut tries, began) = (0, Instant::now());
        let error = invoke(policy, &Entropy::from_seed(7), || {
            tries += 1;
            std::future::ready(Err::<(), _>(Status::new(code, message)))
        })
        .await
        .unwrap_err();
        (tries, began.elapsed(), error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_access_is_repeated_in_silence_for_a_minute() {
        let (tries, elapsed, error) = tries(ACCESS, RESOURCE_EXHAUSTED, "slow down").await;
        assert_eq!(
            (elapsed, error.as_str()),
            (TIMEOUT, "context deadline exceeded")
        );
        assert!((4..20).contains(&tries), "{tries}");
    }

    #[rstest]
    #[case(ACCESS, NOT_FOUND, "x")]
    #[case(ACCESS, FAILED_PRECONDITION, "x")]
    #[case(NEVER, UNAVAILABLE, "x")]
    #[case(
        ACCESS,
        UNAVAILABLE,
        "tls: x509: certificate signed by unknown authority"
    )]
    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_told_at_once(
        #[case] policy: Policy,
        #[case] code: u32,
        #[case] message: &str,
    ) {
        let (tries, elapsed, error) = tries(policy, code, message).await;
        assert_eq!((tries, elapsed), (1, Duration::ZERO));
        assert!(error.ends_with(message), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_call_ends_with_the_deadline() {
        let call = std::future::pending::<Result<(), Status>>;
        let error = invoke(ACCESS, &Entropy::from_seed(7), call)
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        );
    }
}
