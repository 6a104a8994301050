//! `rotaproof soak`

use std::time::Duration;

use super::new::write_new;
use super::run::{How, carry_out, duration};
use crate::error::{Error, ExitStatus};

/// How long to refresh, and how often to rotate.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Days of virtual time.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Between two rotations of each secret: 6h, 90m; more than the refresh interval of 1h.
    #[arg(long, value_name = "DURATION", default_value = "6h", value_parser = duration)]
    every: Duration,
    #[command(flatten)]
    how: How,
}

const MANIFESTS: [(&str, &str); 2] = [
    (
        "cluster.yaml",
        include_str!("../../templates/soak/cluster.yaml"),
    ),
    ("sync.yaml", include_str!("../../templates/soak/sync.yaml")),
];
const SCENARIO: &str = include_str!("../../templates/soak/soak.scenario.yaml");

pub(crate) fn execute(args: Args) -> Result<ExitStatus, Error> {
    let total = Duration::from_secs(u64::from(args.days) * 86_400);
    if args.every <= Duration::from_secs(3600) || args.every > total {
        return Err(Error::Usage(
            "--every takes more than 1h, and not more than --days".into(),
        ));
    }
    let times = total.as_secs() / args.every.as_secs();
    let text = SCENARIO
        .replace("@DAYS@", &args.days.to_string())
        .replace("@TIMES@", &times.to_string())
        // The first sync may read twice.
        .replace("@FETCHES@", &(total.as_secs() / 3600 + 2).to_string())
        .replace("@EVERY@", &format!("{}s", args.every.as_secs()));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("soak.scenario.yaml");
    write_new(&file, &text)?;
    for (name, text) in MANIFESTS {
        write_new(&folder.path().join("manifests").join(name), text)?;
    }
    let cases = rotaproof_scenario::load(&file).map_err(Error::Scenarios)?;
    carry_out(&cases, &args.how)
}
