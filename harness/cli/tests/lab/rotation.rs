//! Rotations, their staleness, and the moments that they mark.

use rotaproof::expect::{externalsecret, pod, requests, secret, staleness};
use rotaproof::{Manifest, REFRESH, Result, Rotate, Strategy, Version};
use rstest::rstest;

use crate::{HOUR, POD, SECOND, synced};

#[test]
fn a_rotation_is_followed_from_the_vault_to_the_pod() -> Result {
    let lab = synced()?;
    let rotation = lab.rotate("aws/prod/db")?;
    let begun = lab.staleness(&rotation)?;
    assert_eq!(begun.version, "v2");
    assert_eq!((begun.fetched, begun.until_secret()), (None, None));

    let arrives = secret("team/db").is(Version::Current);
    lab.expect(arrives.within(REFRESH + 10 * SECOND))?;
    lab.start(Manifest::yaml(POD), "after")?;
    let sees = pod("after").env("PASSWORD", Version::Current);
    lab.expect(sees.within(10 * SECOND))?;

    let arrived = lab.staleness(&rotation)?;
    let [fetched, synced, seen] =
        [arrived.fetched, arrived.synced, arrived.seen].map(Option::unwrap);
    assert!(arrived.acknowledged < fetched && fetched <= synced && synced < seen);
    let until_secret = arrived.until_secret().unwrap();
    assert!(until_secret > HOUR - 10 * SECOND && until_secret < HOUR);
    assert_eq!(arrived.until_pod(), Some(seen - arrived.acknowledged));
    assert_eq!(arrived.consumer.as_deref(), Some("after"));
    lab.expect(staleness("aws/prod/db").max(REFRESH))?;
    assert!(lab.expect(staleness("aws/prod/db").max(SECOND)).is_err());
    Ok(())
}

#[test]
fn each_rotation_has_a_staleness_of_its_own() -> Result {
    let lab = synced()?;
    let first = lab.rotate("aws/prod/db")?;
    lab.advance(REFRESH)?;
    let second = lab.rotate("aws/prod/db")?;
    assert!(lab.staleness(&first)?.synced.is_some());
    assert_eq!(lab.staleness(&second)?.synced, None);
    assert_eq!(lab.staleness(&second)?.version, "v3");
    Ok(())
}

#[rstest]
#[case::put(Strategy::PutValue, "PutSecretValue")]
#[case::staged(Strategy::Staged, "UpdateSecretVersionStage")]
fn a_rotation_is_done_as_its_strategy_says(
    #[case] strategy: Strategy,
    #[case] operation: &str,
) -> Result {
    let lab = synced()?;
    let before = lab.journal().len();
    lab.rotate(Rotate::of("aws/prod/db").strategy(strategy))?;
    let asked = lab.journal().since(before);
    let last = asked.last().map(|entry| entry.operation.to_string());
    assert_eq!(last.as_deref(), Some(operation));
    Ok(())
}

#[test]
fn only_the_fields_that_are_named_get_a_new_value() -> Result {
    let lab = synced()?;
    lab.rotate(Rotate::of("aws/prod/db").only(["user"]))?;
    lab.force_sync("team/db")?;
    lab.advance(10 * SECOND)?;
    // The password is that of both versions; v1 of the whole is another text.
    lab.expect(secret("team/db").key("password", "aws/prod/db#password@v1"))?;
    lab.expect(secret("team/db").key("password", "aws/prod/db#password@v2"))?;
    assert!(
        lab.expect(secret("team/db").key("password", "aws/prod/db#user@v2"))
            .is_err()
    );
    Ok(())
}

#[test]
fn a_roll_back_makes_an_earlier_version_current_again() -> Result {
    let lab = synced()?;
    lab.rotate("aws/prod/db")?;
    lab.rotate(Rotate::of("aws/prod/db").back_to(Version::Initial))?;
    lab.force_sync("team/db")?;
    let is_v1 = secret("team/db").key("password", "aws/prod/db#password@v1");
    lab.expect(is_v1.within(10 * SECOND))?;
    lab.expect(secret("team/db").is(Version::Current))?;
    Ok(())
}

#[test]
fn what_is_counted_since_a_rotation_leaves_out_what_was_before() -> Result {
    let lab = synced()?;
    let gets = || requests("aws").operation("GetSecretValue");
    lab.expect(gets().count(1))?;
    let rotation = lab.rotate("aws/prod/db")?;
    lab.expect(
        gets()
            .count(0)
            .since(&rotation)
            .throughout(HOUR - 60 * SECOND),
    )?;
    lab.expect(gets().count(1).since(&rotation).within(120 * SECOND))?;
    let mark = lab.mark()?;
    lab.expect(gets().count(0).since(&mark))?;
    Ok(())
}

#[test]
fn a_forced_sync_does_not_wait_for_the_interval() -> Result {
    let lab = synced()?;
    // `refreshTime` has whole seconds: within one it would not move.
    lab.advance(SECOND)?;
    let begun = lab.elapsed();
    lab.rotate("aws/prod/db")?;
    let forced = lab.force_sync("team/db")?;
    let refreshed = externalsecret("team/db").refreshed_since(&forced);
    lab.expect(refreshed.ready("SecretSynced").within(5 * SECOND))?;
    lab.expect(secret("team/db").is(Version::Current))?;
    assert!(lab.elapsed() - begun < 6 * SECOND);
    Ok(())
}
