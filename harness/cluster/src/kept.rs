//! A cluster that stays when the run ends, for somebody to look at.

use std::path::PathBuf;

/// A cluster that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name, as `rotaproof gc --cluster` takes it.
    pub name: String,
    /// How its API is reached.
    pub kubeconfig: PathBuf,
    /// The operator's Deployment.
    pub operator: Standing,
}

/// An object as `kubectl` names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// Its namespace, where it has one.
    pub namespace: Option<String>,
    /// `externalsecret`
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}
