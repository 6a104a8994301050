//! What is to be in a lab: what a scenario declares, or every vault, empty.

use std::path::Path;

use rotaproof_cluster::Vaults;
use rotaproof_scenario::model::Eso;
use rotaproof_scenario::model::step::Action;
use rotaproof_scenario::{Case, Diagnostics, Manifest};

use crate::Error;

/// Every vault, empty; a scenario file without steps.
const EMPTY: &str = include_str!("empty/empty.scenario.yaml");
/// A store for each of them.
const STORES: &str = include_str!("empty/stores.yaml");

/// What is to be in a lab.
pub struct Declared {
    /// The scenario's title, unless the lab is empty.
    pub title: Option<String>,
    /// The vaults, with their secrets.
    pub vaults: Vaults,
    /// The operator.
    pub eso: Eso,
    /// The manifests' objects that are there from the start.
    pub objects: Vec<serde_json::Value>,
}

impl Declared {
    /// Every vault with nothing in it, and a ClusterSecretStore of its name.
    ///
    /// # Errors
    /// Never, as a test proves.
    pub fn empty() -> Result<Self, Error> {
        let wrong = |error: Diagnostics| Error::Environment(error.render(false));
        let parsed = rotaproof_scenario::parse(Path::new("empty.scenario.yaml"), EMPTY.as_bytes());
        let parsed = parsed.map_err(wrong)?;
        let stores = Manifest::read(Path::new("stores.yaml"), STORES.as_bytes()).map_err(wrong)?;
        let (scenario, _) = parsed
            .into_iter()
            .next()
            .ok_or_else(|| Error::Environment("the empty lab is not declared".into()))?;
        Ok(Self {
            title: None,
            vaults: scenario.vaults,
            eso: scenario.eso,
            objects: objects(&stores).collect(),
        })
    }

    /// A scenario's vaults, its secrets, and what it applies before it does anything else: expectations are passed
    /// over, and so is a manifest that must be refused. The first other step is where its user takes over.
    pub fn of(case: &Case) -> Self {
        let setting_up = case.steps.iter().map_while(|step| match &step.value {
            Action::Apply(apply) => Some(Some(apply)),
            Action::Expect(_) => Some(None),
            _ => None,
        });
        let applied = setting_up.flatten().filter(|apply| apply.refused.is_none());
        let manifests = applied.filter_map(|apply| case.manifests.get(&apply.manifest));
        Self {
            title: Some(case.title.clone()),
            vaults: case.vaults.clone(),
            eso: case.eso.clone(),
            objects: manifests.flat_map(objects).collect(),
        }
    }
}

fn objects(manifest: &Manifest) -> impl Iterator<Item = serde_json::Value> {
    let documents = manifest.documents.iter();
    documents.map(|document| document.object.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_lab_has_a_store_for_each_vault_and_no_secret() {
        let empty = Declared::empty().unwrap();
        let stores: Vec<_> = empty
            .objects
            .iter()
            .filter_map(|object| object["metadata"]["name"].as_str())
            .collect();
        let vaults: Vec<_> = empty
            .vaults
            .keys()
            .map(|name| name.value.as_str())
            .collect();
        assert_eq!(stores, vaults);
        assert!(!empty.vaults.is_empty());
        assert!(
            empty
                .vaults
                .values()
                .all(|vault| vault.secrets().is_empty())
        );
    }
}
