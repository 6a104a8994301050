//! The custom resources that rotaproof knows, typed once: ESO's kinds and the notebook validation job; and the
//! durations and schedules that they and Kubernetes' kinds are written in.
//!
//! The schemas under `schema/` are the interfaces of ESO 2.9.0 and of the notebook validator operator without their
//! prose; the types beside them hold every property of them (`tests/round_trip.rs`). A provider that has no type yet
//! is kept as it was written.

mod crd;
mod duration;
mod record;
mod schedule;

pub mod external_secrets;
pub mod notebooks;

pub use crd::{crds, crds_without_v1beta1, notebook_validation_job};
pub use duration::{DurationError, GoDuration};
pub use schedule::{Schedule, ScheduleError};
