//! `advance`: lets time pass.

use std::time::Duration;

use rotaproof_events::human;
use rotaproof_scenario::Stretch;

use crate::expect::interval;
use crate::stage::{Stage, Trouble};

pub(super) async fn run(stage: &Stage<'_>, stretch: &Stretch) -> Result<String, Trouble> {
    let time = length(stage, stretch)?;
    tokio::time::sleep(time).await;
    Ok(match stretch {
        Stretch::UntilRefresh if time.is_zero() => {
            "no time passed: the next refresh was due".to_owned()
        }
        _ => format!("{} passed", human(time)),
    })
}

fn length(stage: &Stage<'_>, stretch: &Stretch) -> Result<Duration, Trouble> {
    let state = stage.world.state();
    match stretch {
        Stretch::Budget(budget) => {
            Ok(budget.at(interval::longest(&state, stage.default_interval())))
        }
        Stretch::Exactly(time) => Ok(*time),
        Stretch::UntilRefresh => {
            let now = stage.lab.clock.now();
            interval::until_refresh(&state, None, now).map_err(Trouble::failed)
        }
    }
}
