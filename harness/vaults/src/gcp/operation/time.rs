//! Times and durations between the wire and the clock.

use jiff::{SignedDuration, Timestamp};

use super::super::error::ApiError;
use super::super::proto;

pub(in super::super) fn to_wire(at: Timestamp) -> proto::Timestamp {
    proto::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

pub(in super::super) fn from_wire(at: &proto::Timestamp) -> Result<Timestamp, ApiError> {
    Timestamp::new(at.seconds, at.nanos)
        .map_err(|_| ApiError::invalid("The request holds a timestamp that is out of range."))
}

/// A duration of the request within `bounds`, in seconds.
pub(super) fn duration(
    sent: &proto::Duration,
    what: &str,
    bounds: std::ops::RangeInclusive<i64>,
) -> Result<SignedDuration, ApiError> {
    if !bounds.contains(&sent.seconds) {
        let (least, most) = (bounds.start(), bounds.end());
        return Err(ApiError::invalid(format!(
            "{what} must be between {least}s and {most}s."
        )));
    }
    Ok(SignedDuration::from_secs(sent.seconds))
}

pub(super) fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
