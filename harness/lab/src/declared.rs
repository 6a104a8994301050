//! What is to be in a lab: what a scenario declares, or every vault, empty.

use std::path::Path;

use rotaproof_cluster::Vaults;
use rotaproof_scenario::Case;
use rotaproof_scenario::model::Eso;
use rotaproof_scenario::model::step::Action;

use crate::Error;

/// Every vault, empty; a scenario file without steps.
const EMPTY: &str = include_str!("empty.scenario.yaml");

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
    /// Every vault, and nothing in them.
    ///
    /// # Errors
    /// Never, as a test proves.
    pub fn empty() -> Result<Self, Error> {
        let parsed = rotaproof_scenario::parse(Path::new("empty.scenario.yaml"), EMPTY.as_bytes());
        let parsed = parsed.map_err(|error| Error::Environment(error.render(false)))?;
        let (scenario, _) = parsed
            .into_iter()
            .next()
            .ok_or_else(|| Error::Environment("the empty lab is not declared".into()))?;
        Ok(Self {
            title: None,
            vaults: scenario.vaults,
            eso: scenario.eso,
            objects: Vec::new(),
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
        let documents = manifests.flat_map(|manifest| &manifest.documents);
        Self {
            title: Some(case.title.clone()),
            vaults: case.vaults.clone(),
            eso: case.eso.clone(),
            objects: documents.map(|document| document.object.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_lab_has_vaults_and_no_secret() {
        let empty = Declared::empty().unwrap();
        assert!(!empty.vaults.is_empty());
        assert!(
            empty
                .vaults
                .values()
                .all(|vault| vault.secrets().is_empty())
        );
    }
}
