//! What lanes have in common that run on a real cluster: the lab of a scenario on a cluster that outlives it. Whose
//! cluster it is, and what may be done to it, is the lane's own: a [`Territory`].

mod attend;
mod custom_resource;
mod keys;
mod objects;
mod operator;
mod running;
mod surroundings;

use std::net::TcpListener;

use async_trait::async_trait;
use kube::Client;
use kube::core::DynamicObject;
use rotaproof_base::jwt::Verifier;
use rotaproof_gateway::Authority;
use serde_json::Value;

pub(crate) use attend::Gone;
pub(crate) use custom_resource::establish;
pub(crate) use keys::Keys;
pub(crate) use objects::{KINDS, Kind, delete_all, get, list, made_for_every_namespace, subject};
pub(crate) use operator::{LABEL, NAME, Operator, is_the_operators};
pub(crate) use running::start;
pub(crate) use surroundings::{AUTHORITY, Surroundings, deliver_authority, service_address};

use crate::{Error, Kept};

/// Who applies what is there for every scenario, in `managedFields`.
pub(crate) const MANAGER: &str = "rotaproof-lane";

/// One scenario at a time has the operator.
pub(crate) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// A cluster with its operator, and where the lab stands before it.
pub(crate) struct Place {
    pub(crate) config: kube::Config,
    /// Where each scenario's gateway listens, one after another.
    pub(crate) door: TcpListener,
    pub(crate) authority: Authority,
    pub(crate) verifier: Verifier,
    pub(crate) operator: Operator,
    /// The flags that the operator was installed with.
    pub(crate) arguments: Vec<String>,
    /// What the pods of scenarios run.
    pub(crate) probe_image: String,
    /// Whether nobody but us makes the pods of `NotebookValidationJob`s.
    pub(crate) plays_notebooks: bool,
    /// How it is told that the cluster is gone.
    pub(crate) gone: Gone,
}

/// Whose a cluster's objects are, and what becomes of them.
#[async_trait]
pub(crate) trait Territory: Send + Sync + 'static {
    /// The cluster.
    fn place(&self) -> &Place;

    /// The run whose label is on all that is made, where that is how it is told from what others have.
    fn owner(&self) -> Option<&str> {
        None
    }

    /// Deletes what scenarios have left, and waits until it is gone.
    async fn clear(&self, client: &Client) -> Result<(), Error>;

    /// Whether an object is none of the scenario's.
    fn is_furniture(&self, kind: &str, object: &DynamicObject) -> bool;

    /// The cluster stays as its scenario left it when the run ends, and no other scenario has it: the turn is taken.
    ///
    /// # Errors
    /// Where it is not the run's own; nothing is changed then.
    fn keep_as_left(&self, turn: &mut Option<Turn>) -> Result<Kept, Error> {
        let _ = turn;
        Err(Error {
            action: "stay",
            ..Error::starting("the cluster")("it is not the run's own")
        })
    }

    /// Makes ready for an object that a scenario is about to apply.
    ///
    /// # Errors
    /// Where it must not.
    async fn admit(&self, client: &Client, object: &mut Value) -> Result<(), Error> {
        let _ = (client, object);
        Ok(())
    }

    /// Hears of an object that a scenario is about to delete.
    ///
    /// # Errors
    /// Where it must not.
    async fn permit_deletion(&self, client: &Client, object: &Value) -> Result<(), Error> {
        let _ = (client, object);
        Ok(())
    }
}

/// A runtime for what is done outside of scenarios.
pub(crate) fn blocking() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::starting("the runtime"))
}
