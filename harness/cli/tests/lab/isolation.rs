//! A lab is a test's own: its time, its values, its requests.

use rotaproof::expect::secret;
use rotaproof::{Lab, Manifest, Result, Version};

use crate::{HOUR, SECOND, SYNC, aws, synced};

#[test]
fn three_labs_of_one_test_keep_their_times_and_their_versions_apart() -> Result {
    let labs = [synced()?, synced()?, synced()?];
    let before: Vec<_> = labs.iter().map(Lab::elapsed).collect();
    let mut requests = Vec::new();
    for (hours, lab) in (0..).zip(&labs) {
        for _ in 0..hours {
            lab.rotate("aws/prod/db")?;
            lab.advance(HOUR)?;
        }
        requests.push(lab.journal().len());
    }
    for (hours, lab) in (0..).zip(&labs) {
        lab.expect(secret("team/db").is(Version::Number(hours + 1)))?;
        assert!(lab.elapsed() - before[hours as usize] >= HOUR * hours);
        assert!(lab.elapsed() - before[hours as usize] < HOUR * hours + SECOND);
        assert_eq!(lab.journal().len(), requests[hours as usize]);
    }
    Ok(())
}

#[test]
fn three_labs_on_three_threads_run_at_once() {
    let all_up = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        let labs: Vec<_> = (1..=3)
            .map(|rotations| {
                let all_up = &all_up;
                scope.spawn(move || -> Result<u32> {
                    let lab = synced()?;
                    all_up.wait();
                    for _ in 0..rotations {
                        lab.rotate("aws/prod/db")?;
                        lab.advance(HOUR)?;
                    }
                    lab.expect(secret("team/db").is(Version::Number(rotations + 1)))?;
                    Ok(rotations)
                })
            })
            .collect();
        for (expected, lab) in (1..).zip(labs) {
            assert_eq!(lab.join().unwrap().unwrap(), expected);
        }
    });
}

#[test]
fn the_time_of_a_lab_stands_still_between_two_calls() -> Result {
    let lab = synced()?;
    let before = lab.elapsed();
    // As long as the machine likes to take.
    (0..1_000).for_each(|_| std::thread::yield_now());
    assert_eq!(lab.elapsed(), before);
    lab.advance(HOUR)?;
    assert!(lab.elapsed() - before >= HOUR);
    Ok(())
}

#[test]
fn the_same_seed_draws_the_same_and_another_seed_another() -> Result {
    let drawn = |seed: u64| -> Result<Vec<String>> {
        let lab = Lab::builder().vault("aws", aws()).seed(seed).start()?;
        lab.apply(Manifest::yaml(SYNC))?;
        lab.expect(secret("team/db").is(Version::Current).within(10 * SECOND))?;
        let entries = lab.journal().entries();
        let served = entries.iter().flat_map(|entry| entry.versions.iter());
        Ok(served
            .map(|served| format!("{} {}", served.version, served.value))
            .collect())
    };
    let once = drawn(1)?;
    assert_eq!(once.len(), 1);
    assert_eq!(once, drawn(1)?);
    assert_ne!(once, drawn(2)?);
    Ok(())
}
