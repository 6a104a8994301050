//! `advance`: lets time pass.

use rotaproof_events::human;
use rotaproof_scenario::Budget;

use crate::expect::interval;
use crate::stage::{Stage, Trouble};

pub(super) async fn run(stage: &Stage<'_>, budget: &Budget) -> Result<String, Trouble> {
    let time = budget.at(interval::longest(&stage.world.state()));
    tokio::time::sleep(time).await;
    Ok(format!("{} passed", human(time)))
}
