//! Why an expectation did not hold, and what to do next: from conditions, Events and the journal.

mod chain;
mod evidence;
mod left;
mod next;
mod remains;

pub(crate) use chain::target;
pub use left::Left;
pub(crate) use left::look_at;
pub use remains::Remains;
pub(crate) use remains::remains;
use rotaproof_events::Evidence;

use crate::world::World;

/// What a failed expectation was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A pod, `namespace/name`.
    Pod(String),
    /// A Kubernetes Secret, `namespace/name`.
    Secret(String),
    /// An ExternalSecret, `namespace/name`.
    ExternalSecret(String),
    /// A SecretStore (`namespace/name`) or ClusterSecretStore (`name`).
    Store(String),
    /// A vault, by the scenario's name.
    Vault(String),
}

/// The explanation of a failure.
pub(crate) struct Explanation {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) next: Vec<String>,
}

/// Explains what `about` looks like now.
pub(crate) fn explain(world: &World, about: &About) -> Explanation {
    let state = world.state();
    let chain = chain::follow(&state, about);
    let journal = world.journal.entries();
    let evidence = evidence::gather(&state, &chain, &journal);
    let next = next::advise(&state, &chain, &journal, world.clock.elapsed());
    Explanation { evidence, next }
}
