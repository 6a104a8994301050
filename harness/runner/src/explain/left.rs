//! What there is to look at of a scenario whose cluster stays.

use std::collections::BTreeSet;

use rotaproof_cluster::{Error, Kept, Standing};

use super::About;
use super::chain::{Chain, follow, store, target};
use crate::world::{Kind, State};

/// What is left of a scenario whose cluster was to stay.
pub struct Left {
    /// The scenario's title.
    pub title: String,
    /// The cluster; or why it did not stay.
    pub kept: Result<Kept, Error>,
    /// What the failure was about, and what that depends on; all ExternalSecrets and what they depend on where it was about
    /// none of them.
    pub objects: Vec<Standing>,
}

/// The objects of [`Left`].
pub(crate) fn look_at(state: &State, about: Option<&About>) -> Vec<Standing> {
    let mut chain = about.map_or_else(Chain::default, |about| follow(state, about));
    if chain.external_secrets.is_empty() {
        for (name, seen) in state.objects(Kind::ExternalSecret) {
            chain.external_secrets.insert(name.to_owned());
            chain.stores.extend(store(name, seen));
        }
    }
    for name in &chain.external_secrets {
        if let Some(seen) = state.object(Kind::ExternalSecret, name) {
            chain.secrets.insert(target(name, seen));
        }
    }
    let pods = chain.pod.iter().map(|name| standing("pod", name));
    let syncs = chain.external_secrets.iter();
    let syncs = syncs.map(|name| standing("externalsecret", name));
    let stores = chain.stores.iter().map(|(kind, name)| {
        let kind = match kind {
            Kind::ClusterSecretStore => "clustersecretstore",
            _ => "secretstore",
        };
        standing(kind, name)
    });
    let secrets = chain.secrets.iter().map(|name| standing("secret", name));
    let all: BTreeSet<Standing> = pods.chain(syncs).chain(stores).chain(secrets).collect();
    all.into_iter().collect()
}

fn standing(kind: &'static str, name: &str) -> Standing {
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, name),
    };
    Standing {
        namespace,
        kind,
        name: name.to_owned(),
    }
}
