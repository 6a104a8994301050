//! Staleness: how long a value outlives its rotation, stage by stage.

use serde::{Deserialize, Serialize};

/// One rotation followed to the first consumer that saw it, in microseconds of the scenario's clock.
///
/// t0: the vault acknowledged the write. t1: it first served the new version to the operator. t2: the Kubernetes
/// Secret changed (watch event). t3: a pod's probe reported the new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// The rotated secret: `aws/prod/notebook/aws`.
    pub secret: String,
    /// The ledger's name of the new version.
    pub version: String,
    /// The scenario's name of the vault.
    pub vault: String,
    /// t1 - t0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_us: Option<u64>,
    /// t2 - t1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_us: Option<u64>,
    /// t3 - t2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_us: Option<u64>,
    /// t3 - t0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_us: Option<u64>,
    /// The consumer that saw it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
}

/// Percentiles of one stage over many rotations, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: usize,
    /// The median.
    pub p50_us: u64,
    /// The 95th percentile.
    pub p95_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
    /// The worst.
    pub max_us: u64,
}

impl Percentiles {
    /// Exact (nearest-rank) percentiles; `None` without measurements.
    pub fn of(mut measured: Vec<u64>) -> Option<Self> {
        measured.sort_unstable();
        let rank = |percent: usize| {
            let index = (measured.len() * percent).div_ceil(100).saturating_sub(1);
            measured.get(index).copied()
        };
        Some(Self {
            count: measured.len(),
            p50_us: rank(50)?,
            p95_us: rank(95)?,
            p99_us: rank(99)?,
            max_us: *measured.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of = Percentiles::of((1..=100).rev().collect()).unwrap();
        assert_eq!(
            (of.count, of.p50_us, of.p95_us, of.p99_us, of.max_us),
            (100, 50, 95, 99, 100)
        );
        assert_eq!(Percentiles::of(vec![7]).unwrap().p95_us, 7);
        assert!(Percentiles::of(Vec::new()).is_none());
    }
}
