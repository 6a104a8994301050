//! A failure reads as the report of a run does, at the line of the test, and never shows a value.

use rotaproof::expect::{pod, secret};
use rotaproof::vault::{AwsSecretsManager, IamRole};
use rotaproof::{Fault, Lab, Manifest, REFRESH, Result, Rotate, Version};

use crate::{SECOND, aws, synced};

#[test]
fn an_expectation_that_does_not_hold_is_explained_at_the_line_of_the_test() -> Result {
    let lab = synced()?;
    lab.fault(Fault::status("aws", 503).operation("GetSecretValue"))?;
    lab.rotate("aws/prod/db")?;
    let arrives = secret("team/db").is(Version::Current);
    let arrives = arrives.within(REFRESH + 10 * SECOND);
    let (line, failed) = (line!(), lab.expect(arrives));
    let shown = format!("{:?}", failed.unwrap_err());
    for part in [
        &format!("tests/lab/failures.rs:{line}:"),
        "let (line, failed) = (line!(), lab.expect(arrives));",
        "^ key password of Secret team/db is not as expected",
        "expected v2 (current) of aws/prod/db#password, within 1 refresh + 10s (1h0m10s)",
        "actual   v1 of aws/prod/db#password, written 1h0m",
        "ExternalSecret team/db\n    Ready=False SecretSyncedError",
        "aws GetSecretValue prod/db -> 503 (fault: fault 1)",
        "do next  read the UpdateFailed Event of team/db above",
        "alone    cargo test -- --exact failures::an_expectation_that_does_not_hold_is_explained_at_the_line_of_the_test",
    ] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
    Ok(())
}

#[test]
fn an_expectation_without_a_budget_is_checked_at_once() -> Result {
    let lab = synced()?;
    lab.rotate("aws/prod/db")?;
    let before = lab.elapsed();
    assert!(lab.expect(secret("team/db").is(Version::Current)).is_err());
    assert!(lab.elapsed() - before < SECOND);
    Ok(())
}

#[test]
fn a_line_that_carries_a_value_is_not_quoted() -> Result {
    let lab = synced()?;
    let refused = lab.rotate(Rotate::of("aws/none").value("password", "hunter2"));
    let shown = refused.unwrap_err().to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("aws/none has never been written"), "{shown}");
    Ok(())
}

#[test]
fn a_name_that_is_none_fails_where_the_test_wrote_it() -> Result {
    let lab = synced()?;
    for (failed, what) in [
        (
            lab.expect(secret("db").absent()).err(),
            "`db` has no namespace",
        ),
        (lab.force_sync("db").err(), "`db` has no namespace"),
        (
            lab.rotate("prod").err(),
            "`prod` is not a secret of a vault",
        ),
        (
            lab.rotate("gcp/prod").err(),
            "gcp/prod has never been written",
        ),
        (
            lab.delete("Gadget team/db").err(),
            "`delete` knows no Gadget",
        ),
        (lab.apply("none.yaml").err(), "cannot read none.yaml"),
        (lab.apply(Manifest::yaml("a: [")).err(), "the test's YAML:1"),
        (
            lab.expect(pod("ghost").phase("Running")).err(),
            "pod `ghost` does not exist",
        ),
        (lab.heal("fault 9").err(), "no fault `fault 9` is active"),
    ] {
        let shown = failed.unwrap().to_string();
        assert!(shown.contains(what), "no `{what}` in\n{shown}");
        assert!(shown.contains("tests/lab/failures.rs:"), "{shown}");
    }
    Ok(())
}

#[test]
fn a_lab_that_cannot_start_says_why_without_the_line_that_declares_it() {
    let nameless = AwsSecretsManager::new().role("arn", IamRole::trusting(["reader"]));
    let failed = Lab::builder().vault("aws", nameless).start().err();
    let shown = failed.unwrap().to_string();
    assert!(shown.contains("`reader` has no namespace"), "{shown}");

    let twice = Lab::builder()
        .vault("aws", aws())
        .vault("other", aws().secret("x", "hunter2"))
        .start();
    let shown = twice.err().unwrap().to_string();
    assert!(shown.contains("the gateway could not start"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_call_from_inside_block_on_says_so_in_place_of_waiting_for_ever() {
    let lab = synced().unwrap();
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        lab.block_on(async { lab.advance(SECOND) })
    }));
    let said = again.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("must not call its lab"), "{said}");
    // And the lab is as it was.
    lab.advance(SECOND).unwrap();
}
