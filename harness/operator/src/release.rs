//! Which ESO the engine behaves as, where releases differ in when they act.

/// A release of ESO, by what it does differently. What is not named here was found alike in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// 0.20.4 (controller-runtime 0.22, client-go 0.34), and likely the releases before it.
    #[default]
    V0_20,
    /// 2.9.0 (controller-runtime 0.24, client-go 0.36).
    V2_9,
}

impl Release {
    /// Whether a change of nothing but an ExternalSecret's status makes it be reconciled again. 0.20.4 watches without
    /// a predicate (`SetupWithManager`), so that its own status write brings it back at once: a first failure is
    /// followed by a second try within milliseconds.
    pub(crate) fn reconciles_after_a_status(self) -> bool {
        self == Self::V0_20
    }

    /// Whether finalizers are written by a PUT of the whole object, which rewrites durations as Go prints them
    /// (`1h` becomes `1h0m0s`, a new generation) and conflicts with writers in between. 2.9.0 sends a merge patch.
    pub(crate) fn puts_finalizers(self) -> bool {
        self == Self::V0_20
    }

    /// Whether a cache of whole Secrets that lags behind the server is an error with its back-off. 2.9.0 looks again
    /// after 200 ms.
    pub(crate) fn backs_off_from_a_stale_cache(self) -> bool {
        self == Self::V0_20
    }

    /// Whether GCP's `LatestOrFetch` asks for the newest enabled version by a name that holds its whole name once more
    /// (`projects/P/secrets/S/versions/projects/N/secrets/S/versions/V`), which Secret Manager refuses; and panics where
    /// the versions may not be listed. So from 0.20.2, which brought the policy, to 1.1.1; mended in 1.2.0
    /// (`getLatestEnabledVersion`).
    pub(crate) fn misnames_the_latest_version(self) -> bool {
        self == Self::V0_20
    }

    /// Whether Azure's `metadataPolicy: Fetch` tells when a secret was made, changed and expires, beside its tags
    /// (`getSecretAllMetadata`). 0.20.4 tells tags alone.
    pub(crate) fn counts_times_as_metadata(self) -> bool {
        self == Self::V2_9
    }

    /// Whether a store that was deleted or replaced during its validation is spared the status patch.
    pub(crate) fn spares_a_replaced_store(self) -> bool {
        self == Self::V2_9
    }
}
