//! What the AWS SDK for Go v2 makes of a failed call: its words, and whether it tries again.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use rotaproof_base::Entropy;
use rotaproof_egress::Error;

use super::super::transport;

/// A failed call. The facts that decide about a retry stay with it, however deep it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    text: String,
    status: u16,
    /// The service's error code; empty where no service answered.
    pub(super) code: String,
    /// The service's message.
    pub(super) message: String,
    /// Nothing was answered at all.
    unanswered: bool,
}

impl Failure {
    /// Something that no service said.
    pub(super) fn local(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: 0,
            code: String::new(),
            message: String::new(),
            unanswered: false,
        }
    }

    /// No answer arrived.
    pub(super) fn unanswered(url: &str, error: &Error) -> Self {
        Self {
            unanswered: true,
            ..Self::local(format!(
                "https response error StatusCode: 0, RequestID: , request send failed, Post {url:?}: {}",
                transport::cause(error)
            ))
        }
    }

    /// The service answered with an error. `modelled` are the codes that the operation's model names: those print
    /// without `api error`.
    pub(super) fn answered(
        answer: &Response<Bytes>,
        code: String,
        message: String,
        modelled: &[&str],
    ) -> Self {
        let said = if modelled.contains(&code.as_str()) {
            format!("{code}: {message}")
        } else {
            format!("api error {code}: {message}")
        };
        Self {
            status: answer.status().as_u16(),
            code,
            message,
            ..Self::local(format!("{}, {said}", response(answer)))
        }
    }

    /// The answer could not be read.
    pub(super) fn unreadable(answer: &Response<Bytes>, why: &str) -> Self {
        Self {
            status: answer.status().as_u16(),
            ..Self::local(format!(
                "{}, deserialization failed, failed to decode response body, {why}",
                response(answer)
            ))
        }
    }

    /// The same failure, as an outer call reports it.
    pub(super) fn within(mut self, prefix: &str) -> Self {
        self.text.insert_str(0, prefix);
        self
    }

    /// The failure of an operation, after its last attempt.
    pub(super) fn of(self, service: &str, operation: &str, exhausted: Option<u32>) -> Self {
        let attempts = exhausted
            .map(|attempts| format!("exceeded maximum number of attempts, {attempts}, "))
            .unwrap_or_default();
        self.within(&format!(
            "operation error {service}: {operation}, {attempts}"
        ))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// As ESO's `SanitizeErr` shows it. The SDK's `RequestID` is not what its pattern looks for, so it stays.
    pub(super) fn sanitized(&self) -> String {
        self.text
            .lines()
            .map(|line| {
                line.split_once(" Credential=")
                    .map_or(line, |(kept, _)| kept)
            })
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn response(answer: &Response<Bytes>) -> String {
    let id = answer.headers().get("x-amzn-requestid");
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    format!(
        "https response error StatusCode: {}, RequestID: {id}",
        answer.status().as_u16()
    )
}

/// `aws/retry.Standard`: three attempts, or what `retrySettings` say.
#[derive(Clone)]
pub(super) struct Retry {
    /// 0 is without end.
    attempts: u32,
    /// In place of the exponential backoff.
    delay: Option<Duration>,
    /// Codes that are retried beside the SDK's own.
    also: &'static [&'static str],
    entropy: Entropy,
}

/// What to do after a failed attempt.
pub(super) enum Verdict {
    /// Try again after this long.
    Again(Duration),
    /// Fail, having used up all attempts where a number is given.
    Fail(Option<u32>),
}

const STATUSES: [u16; 4] = [500, 502, 503, 504];
const CODES: [&str; 16] = [
    "RequestTimeout",
    "RequestTimeoutException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];
const MAX_BACKOFF: Duration = Duration::from_secs(20);

impl Retry {
    pub(super) fn standard(entropy: Entropy) -> Self {
        Self {
            attempts: 3,
            delay: None,
            also: &[],
            entropy,
        }
    }

    pub(super) fn with(mut self, attempts: u32, delay: Option<Duration>) -> Self {
        self.attempts = attempts;
        self.delay = delay;
        self
    }

    pub(super) fn also_on(mut self, codes: &'static [&'static str]) -> Self {
        self.also = codes;
        self
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Judges the failure of attempt number `attempt`, counted from 1.
    pub(super) fn judge(&self, attempt: u32, failure: &Failure) -> Verdict {
        let code = failure.code.as_str();
        let retryable = failure.unanswered
            || STATUSES.contains(&failure.status)
            || CODES.contains(&code)
            || self.also.contains(&code);
        if !retryable {
            return Verdict::Fail(None);
        }
        if self.attempts > 0 && attempt >= self.attempts {
            return Verdict::Fail(Some(attempt));
        }
        Verdict::Again(self.delay.unwrap_or_else(|| self.backoff(attempt)))
    }

    /// `retry.ExponentialJitterBackoff`: a share of 2^attempt seconds, and 20 s from the fifth on.
    fn backoff(&self, attempt: u32) -> Duration {
        if attempt > 4 {
            return MAX_BACKOFF;
        }
        const STEPS: u64 = 1 << 32;
        // Both fit an f64 exactly.
        let share = self.entropy.below(STEPS) as f64 / STEPS as f64;
        Duration::from_secs_f64(share * f64::from(1u32 << attempt))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answered(status: u16, code: &str) -> Failure {
        let answer = Response::builder()
            .status(status)
            .header("x-amzn-requestid", "id-1")
            .body(Bytes::new())
            .unwrap();
        Failure::answered(
            &answer,
            code.into(),
            "words".into(),
            &["ResourceNotFoundException"],
        )
    }

    #[test]
    fn a_failure_reads_as_the_sdk_prints_it() {
        let throttled =
            answered(400, "ThrottlingException").of("Secrets Manager", "GetSecretValue", Some(3));
        assert_eq!(
            throttled.text(),
            "operation error Secrets Manager: GetSecretValue, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: id-1, api error ThrottlingException: words"
        );
        let modelled = answered(400, "ResourceNotFoundException").of(
            "Secrets Manager",
            "GetSecretValue",
            None,
        );
        assert_eq!(
            modelled.text(),
            "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, RequestID: id-1, ResourceNotFoundException: words"
        );
    }

    #[rstest]
    #[case(400, "ThrottlingException", true)]
    #[case(400, "AccessDeniedException", false)]
    #[case(503, "", true)]
    #[case(429, "", false)]
    #[case(400, "InvalidIdentityToken", true)]
    fn what_is_retried_is_what_the_sdk_retries(
        #[case] status: u16,
        #[case] code: &str,
        #[case] again: bool,
    ) {
        let retry = Retry::standard(Entropy::from_seed(1)).also_on(&["InvalidIdentityToken"]);
        let verdict = retry.judge(1, &answered(status, code));
        assert_eq!(matches!(verdict, Verdict::Again(_)), again);
    }

    #[test]
    fn backoff_is_a_share_of_twice_as_much_each_time_and_attempts_end() {
        let retry = Retry::standard(Entropy::from_seed(1)).with(0, None);
        let failure = answered(500, "");
        for (attempt, limit) in [(1, 2), (2, 4), (3, 8), (4, 16), (5, 21)] {
            match retry.judge(attempt, &failure) {
                Verdict::Again(wait) => assert!(wait < Duration::from_secs(limit), "{wait:?}"),
                Verdict::Fail(_) => panic!("ended"),
            }
        }
        let retry = retry.with(3, Some(Duration::from_secs(1)));
        assert!(
            matches!(retry.judge(2, &failure), Verdict::Again(wait) if wait == Duration::from_secs(1))
        );
        assert!(matches!(retry.judge(3, &failure), Verdict::Fail(Some(3))));
    }

    #[test]
    fn a_credential_in_an_error_is_cut_off() {
        let failure = Failure::local("Authorization= Credential=AKIA/x\nnext");
        assert_eq!(failure.sanitized(), "Authorization=\nnext");
    }
}
