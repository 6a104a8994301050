//! Servers in containers that killed runs left.

use rotaproof_backends::RUN_LABEL;
use rotaproof_base::RunFolder;

use super::program::{Call, on_path};
use crate::Error;

/// Removes the containers of runs that have no process. Where there is no Docker to ask, there is none.
pub(super) fn sweep() -> Result<(), Error> {
    if !on_path("docker") {
        return Ok(());
    }
    crate::real::blocking()?.block_on(async {
        let format = format!("{{{{.ID}}}} {{{{.Label \"{RUN_LABEL}\"}}}}");
        let filter = format!("label={RUN_LABEL}");
        let listed = Call::new("docker", "the containers of killed runs")
            .args(["ps", "--all"])
            .option("--filter", &filter)
            .option("--format", &format)
            .run()
            .await;
        let listed = listed.unwrap_or_default();
        let left: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, run)| !RunFolder::is_of_a_living_run(run))
            .map(|(id, _)| id)
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        Call::new("docker", "the containers of killed runs")
            .args(["rm", "--force", "--volumes"])
            .args(left)
            .run()
            .await
            .map(drop)
    })
}
