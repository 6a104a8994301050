//! The backends against real servers in containers. Skipped, with the reason, without Docker or an image; where
//! `ROTAPROOF_DOCKER` is set, that is a failure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program without the harness that clippy knows tests by"
)]

mod account;
mod cluster;
mod containers;
mod dev_server;
mod docker;
mod failures;
mod lab;
mod review;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use docker::{BUSYBOX, LOCALSTACK, VAULT};
use lab::Shared;

/// In the place of images: a cluster beside Vault's.
const CLUSTER: [&str; 1] = ["a cluster"];

fn main() -> ExitCode {
    if std::env::var_os(failures::START).is_some() {
        return failures::start_and_tell();
    }
    let arguments = Arguments::from_args();
    let shared = Arc::new(Shared::default());
    let mut trials = Vec::new();
    let mut add = |images: &'static [&'static str], name: &str, test: fn(&Shared)| {
        // Nobody asks for a cluster by asking for Docker.
        let missing = match images == CLUSTER {
            true => cluster::missing().or_else(|| docker::missing(&[VAULT])),
            false => docker::missing(images),
        };
        let wanted = images != CLUSTER && std::env::var_os("ROTAPROOF_DOCKER").is_some();
        if let Some(reason) = &missing
            && !arguments.list
        {
            println!("skipped: {name}: {reason}");
        }
        let skipped = missing.is_some() && !wanted;
        let shared = shared.clone();
        let trial = Trial::test(name, move || match missing {
            Some(reason) => Err(Failed::from(reason)),
            None => {
                test(&shared);
                Ok(())
            }
        });
        trials.push(trial.with_ignored_flag(skipped));
    };
    macro_rules! tests {
        ($($images:expr => $module:ident: $($test:ident)*;)*) => {
            $($(add(&$images, &stringify!($test).replace('_', " "), $module::$test);)*)*
        };
    }
    tests! {
        CLUSTER => cluster: a_service_account_of_a_real_cluster_logs_in_both_ways;
        [LOCALSTACK] => account:
            the_journal_of_an_account_reads_as_with_the_built_in_vault
            a_batch_shows_only_what_the_caller_may_read
            a_scenario_finds_nothing_of_the_one_before
            an_account_is_one_scenarios_at_a_time;
        [VAULT] => dev_server:
            the_journal_of_a_vault_reads_as_with_the_built_in_vault
            a_service_account_is_reviewed_by_the_cluster
            engines_are_those_declared
            a_login_without_a_cluster_is_refused_by_name;
        [VAULT] => containers:
            stopping_leaves_no_container
            dropping_leaves_no_container
            a_start_that_is_given_up_leaves_no_container
            a_container_is_labelled_and_published_on_this_machine_only
            a_network_is_joined_later
            a_name_that_is_taken_stays_its_owners;
        [VAULT] => failures:
            a_container_that_is_gone_is_an_error_and_no_hang
            a_server_that_hangs_is_given_up
            a_server_that_does_not_come_up_is_told_with_its_last_lines
            a_network_that_is_not_there_is_named_and_not_made;
        [BUSYBOX] => failures:
            a_container_that_ends_at_once_is_told_with_its_exit_code;
        [] => failures:
            an_image_that_is_nowhere_is_named
            without_docker_the_error_says_what_to_do;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    shared.stop();
    conclusion.exit_code()
}
