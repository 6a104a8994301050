//! Executes scenarios on a lane and tells what happened as events.
//!
//! [`run`] deals the scenarios out to threads, one runtime each, and hands their events to one listener in the order
//! of the scenarios, whatever order they ended in. A step is one file in `step/`, an expectation one file in `expect/`.
//! [`Driver`] performs the same steps one by one, for tests that are written by hand.

mod apply;
mod driver;
mod emit;
mod expect;
mod explain;
mod ledger;
mod play;
mod refresh;
mod schedule;
mod stage;
mod staleness;
mod step;
mod submit;
mod trouble;
pub mod values;
mod workload;
mod world;

pub use apply::apply_objects;
pub use driver::{Driver, Place, Plan};
pub use explain::{Left, Remains};
pub use schedule::{Audit, Keep, Listener, Observe, Options, Stay, run};
pub use staleness::Staleness;
