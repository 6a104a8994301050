//! The annotations that say how long a container runs and how it ends.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long the main containers run: `30s`, `1h30m`.
pub(crate) const RUNS_FOR: &str = "rotaproof.dev/runs-for";
/// The code that they end with.
pub(crate) const EXIT_CODE: &str = "rotaproof.dev/exit-code";

/// When and how a main container ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) after: Duration,
    pub(crate) code: i32,
}

/// Reads the annotations: nothing where the pod runs until it is deleted, a message where one is malformed.
pub(crate) fn completion(
    annotations: Option<&BTreeMap<String, String>>,
) -> Result<Option<Completion>, String> {
    let get = |name| annotations.and_then(|all| all.get(name));
    let after = get(RUNS_FOR)
        .map(|text| {
            duration(text).ok_or_else(|| malformed(RUNS_FOR, text, "a duration such as 1h30m"))
        })
        .transpose()?;
    let code = get(EXIT_CODE)
        .map(|text| {
            let code = text
                .trim()
                .parse()
                .ok()
                .filter(|code| (0..=255).contains(code));
            code.ok_or_else(|| malformed(EXIT_CODE, text, "a number from 0 to 255"))
        })
        .transpose()?;
    if after.is_none() && code.is_none() {
        return Ok(None);
    }
    Ok(Some(Completion {
        after: after.unwrap_or_default(),
        code: code.unwrap_or_default(),
    }))
}

fn duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(span).ok()
}

fn malformed(name: &str, text: &str, expected: &str) -> String {
    format!("annotation {name}: expected {expected}, found {text:?}")
}

/// The annotations of a pod: its template's, and those of ours that only an owner has, the nearest owner first.
pub(crate) fn inherit(
    template: Option<&BTreeMap<String, String>>,
    owners: &[Option<&BTreeMap<String, String>>],
) -> BTreeMap<String, String> {
    let mut all = template.cloned().unwrap_or_default();
    // Both belong together: whoever says one of them decides.
    if all.contains_key(RUNS_FOR) || all.contains_key(EXIT_CODE) {
        return all;
    }
    for owner in owners.iter().flatten() {
        let ours: Vec<_> = [RUNS_FOR, EXIT_CODE]
            .into_iter()
            .filter_map(|name| owner.get_key_value(name))
            .collect();
        if !ours.is_empty() {
            all.extend(ours.into_iter().map(|(k, v)| (k.clone(), v.clone())));
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[rstest::rstest]
    #[case(&[], Ok(None))]
    #[case(&[(RUNS_FOR, "1h30m")], Ok(Some((5400, 0))))]
    #[case(&[(RUNS_FOR, "10s"), (EXIT_CODE, "3")], Ok(Some((10, 3))))]
    #[case(&[(EXIT_CODE, "1")], Ok(Some((0, 1))))]
    #[case(&[(RUNS_FOR, "soon")], Err(()))]
    #[case(&[(RUNS_FOR, "-1s")], Err(()))]
    #[case(&[(EXIT_CODE, "256")], Err(()))]
    fn annotations_say_when_and_how_a_pod_ends(
        #[case] pairs: &[(&str, &str)],
        #[case] expected: Result<Option<(u64, i32)>, ()>,
    ) {
        let read = completion(Some(&map(pairs)))
            .map(|found| found.map(|c| (c.after.as_secs(), c.code)))
            .map_err(|_| ());
        assert_eq!(read, expected);
    }

    #[test]
    fn the_template_decides_before_the_nearest_owner_before_the_next() {
        let (near, far) = (map(&[(EXIT_CODE, "1")]), map(&[(RUNS_FOR, "1h")]));
        let owners = [Some(&near), Some(&far)];
        assert_eq!(
            inherit(Some(&map(&[(RUNS_FOR, "1s")])), &owners),
            map(&[(RUNS_FOR, "1s")])
        );
        assert_eq!(
            inherit(Some(&map(&[("a", "b")])), &owners),
            map(&[("a", "b"), (EXIT_CODE, "1")])
        );
        assert_eq!(inherit(None, &[None, Some(&far)]), far);
    }
}
