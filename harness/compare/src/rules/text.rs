//! The rules about texts: a pattern, and what stands in the place of what it finds.

use std::sync::LazyLock;

use regex::Regex;

use super::{Hidden, Rule, Rules};
use crate::facts::Facts;

/// A pattern in the lines of some aspects.
struct Pattern {
    rule: Rule,
    /// Matches `subject/aspect`; everything where empty.
    place: &'static str,
    pattern: &'static str,
    /// As [`Regex::replace_all`] takes it.
    becomes: &'static str,
}

const fn everywhere(rule: Rule, pattern: &'static str, becomes: &'static str) -> Pattern {
    Pattern {
        rule,
        place: "",
        pattern,
        becomes,
    }
}

const fn at(
    place: &'static str,
    rule: Rule,
    pattern: &'static str,
    becomes: &'static str,
) -> Pattern {
    Pattern {
        rule,
        place,
        pattern,
        becomes,
    }
}

/// The letters and digits that Kubernetes draws suffixes from (`k8s.io/apimachinery`, `util/rand`).
const PATTERNS: [Pattern; 15] = [
    everywhere(
        Rule::Timestamps,
        r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?( ?(Z|UTC|[+-]\d{2}:?\d{2}))*",
        "<time>",
    ),
    at(
        "annotation force-sync$",
        Rule::Timestamps,
        r"^\d{10,19}$",
        "<time>",
    ),
    everywhere(
        Rule::Uuids,
        r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
        "<uuid>",
    ),
    at(
        r"^(Pod|Job) .*/events$|^Scenario/",
        Rule::GeneratedNames,
        r"\b([a-z0-9.-]+)-[bcdfghjklmnpqrstvwxz2456789]{5}\b",
        "$1-<suffix>",
    ),
    at(
        r"^(CronJob|Job|Pod) .*/events$|^Scenario/",
        Rule::GeneratedNames,
        r"\b([a-z0-9.-]+)-\d{8}\b",
        "$1-<minute>",
    ),
    at(
        r"/events$|^Scenario/failure$",
        Rule::Durations,
        r"\b(\d+h)?(\d+m)?\d+(\.\d+)?(ns|µs|us|ms|s)\b",
        "<duration>",
    ),
    at(
        r"/events$|^Scenario/failure$",
        Rule::Durations,
        r"\b\d+h\d+m\b|\b\d+[hm]\b",
        "<duration>",
    ),
    // How many requests there were until a count was found wrong.
    at(
        "^Scenario/failure$",
        Rule::Durations,
        r"\b\d+, at \+<duration>(, \+<duration>)*",
        "some, at +<duration>",
    ),
    everywhere(
        Rule::Addresses,
        r"(127\.0\.0\.1|\[::1\]|localhost):\d+",
        "<loopback>",
    ),
    at(
        "syncedResourceVersion$",
        Rule::StampedHashes,
        r"-[0-9a-f]+ \(hashes a time\)$",
        "-<hash>",
    ),
    at("/events$", Rule::EventCounts, r", x\d+\)$", ")"),
    at("/refreshes$", Rule::RefreshCounts, r"^\d+$", "at least one"),
    at(
        "^Pod .*/events$",
        Rule::Nodes,
        r"^(Normal Scheduled: Successfully assigned \S+ to) \S+",
        "$1 <node>",
    ),
    at(
        "^Pod .*/events$",
        Rule::Nodes,
        r#"^(Normal Pulled: Container image) "[^"]+""#,
        "$1 <image>",
    ),
    // What the API draws for `generateName` is also in the name of what was seen.
    at(
        r"^What pod ",
        Rule::GeneratedNames,
        r"\b([a-z0-9.-]+)-[bcdfghjklmnpqrstvwxz2456789]{5}$",
        "$1-<suffix>",
    ),
];

/// The patterns, compiled; one that is wrong is left out, which a test excludes.
static COMPILED: LazyLock<Vec<(&'static Pattern, Option<Regex>, Regex)>> = LazyLock::new(|| {
    let compiled = PATTERNS.iter().map(|pattern| {
        let place = match pattern.place {
            "" => None,
            place => Some(Regex::new(place).ok()?),
        };
        Some((pattern, place, Regex::new(pattern.pattern).ok()?))
    });
    compiled.flatten().collect()
});

pub(super) fn reduce(rules: &Rules, facts: Facts, hidden: &mut Hidden) -> Facts {
    let mut reduced = Facts::new();
    for ((subject, aspect), lines) in facts {
        let place = format!("{subject}/{aspect}");
        let mut lines = lines;
        for (pattern, at, regex) in COMPILED.iter() {
            let applies = at.as_ref().is_none_or(|at| at.is_match(&place));
            if !rules.has(pattern.rule) || !applies {
                continue;
            }
            for line in &mut lines {
                let found = regex.find_iter(line).count();
                if found > 0 {
                    *line = regex.replace_all(line, pattern.becomes).into_owned();
                    hidden.count(pattern.rule, found);
                }
            }
        }
        // What differed by a time alone is the same line now.
        lines.dedup();
        let subject = rename(rules, subject, hidden);
        reduced
            .entry((subject, aspect))
            .and_modify(|known: &mut Vec<String>| known.extend(lines.iter().cloned()))
            .or_insert(lines);
    }
    reduced
}

/// The names of pods and Jobs are subjects too.
fn rename(rules: &Rules, subject: String, hidden: &mut Hidden) -> String {
    static SUFFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^((?:Pod|Job|What pod) [a-z0-9./-]+?)(-\d{8})?(-[bcdfghjklmnpqrstvwxz2456789]{5})?( saw)?$",
        )
        .ok()
    });
    let found = SUFFIX.as_ref().and_then(|regex| regex.captures(&subject));
    let Some(found) = found.filter(|_| rules.has(Rule::GeneratedNames)) else {
        return subject;
    };
    let minute = found.get(2).map_or("", |_| "-<minute>");
    let suffix = found.get(3).map_or("", |_| "-<suffix>");
    if minute.is_empty() && suffix.is_empty() {
        return subject;
    }
    hidden.count(Rule::GeneratedNames, 1);
    let end = found.get(4).map_or("", |saw| saw.as_str());
    format!("{}{minute}{suffix}{end}", &found[1])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    fn reduced(place: (&str, &str), line: &str, off: Option<Rule>) -> (String, String, usize) {
        let mut facts = Facts::new();
        facts.insert(
            (place.0.to_owned(), place.1.to_owned()),
            vec![line.to_owned()],
        );
        let mut hidden = Hidden::default();
        let facts = reduce(&Rules::but(off), facts, &mut hidden);
        let ((subject, _), lines) = facts.first().unwrap();
        let times = hidden.iter().map(|(_, count)| count).sum();
        (subject.clone(), lines.concat(), times)
    }

    const READY: (&str, &str) = ("ExternalSecret ns/a", "condition Ready");
    const EVENTS: (&str, &str) = ("ExternalSecret ns/a", "events");
    const FORCED: (&str, &str) = ("Secret ns/a", "annotation force-sync");
    const SYNCED: (&str, &str) = ("ExternalSecret ns/a", "status.syncedResourceVersion");
    const OF_POD: (&str, &str) = ("Pod ns/a", "events");

    #[rstest]
    #[case(Rule::Timestamps, READY, "at 2025-11-08T00:00:00Z,", "at <time>,")]
    #[case(Rule::Timestamps, FORCED, "1762560000123", "<time>")]
    #[case(
        Rule::Uuids,
        READY,
        "id 3c5f2c4e-6f0a-4b7e-9a51-0d6c1f0e7b21.",
        "id <uuid>."
    )]
    #[case(Rule::GeneratedNames, OF_POD, "pod: a-b-x2k9f", "pod: a-b-<suffix>")]
    #[case(
        Rule::Nodes,
        OF_POD,
        "Normal Scheduled: Successfully assigned ns/pod to kind-control-plane (by default-scheduler in ns)",
        "Normal Scheduled: Successfully assigned ns/pod to <node> (by default-scheduler in ns)"
    )]
    #[case(
        Rule::Nodes,
        OF_POD,
        "Normal Pulled: Container image \"busybox:1.37\" already present on machine (by kubelet in ns)",
        "Normal Pulled: Container image <image> already present on machine (by kubelet in ns)"
    )]
    #[case(Rule::Durations, EVENTS, "after 1h0m4.5s", "after <duration>")]
    #[case(Rule::Durations, EVENTS, "back-off 10s", "back-off <duration>")]
    #[case(
        Rule::Addresses,
        READY,
        "dial tcp 127.0.0.1:40123: refused",
        "dial tcp <loopback>: refused"
    )]
    #[case(Rule::StampedHashes, SYNCED, "1-0af3 (hashes a time)", "1-<hash>")]
    #[case(
        Rule::EventCounts,
        EVENTS,
        "Normal Created: c (by e in n, x3)",
        "Normal Created: c (by e in n)"
    )]
    #[case(Rule::RefreshCounts, ("ExternalSecret ns/a", "refreshes"), "7", "at least one")]
    fn each_rule_leaves_out_its_own_and_counts_it(
        #[case] rule: Rule,
        #[case] place: (&str, &str),
        #[case] line: &str,
        #[case] left: &str,
    ) {
        let (_, line_left, times) = reduced(place, line, None);
        assert_eq!((line_left.as_str(), times), (left, 1));
        let (_, exact, times) = reduced(place, line, Some(rule));
        assert_eq!((exact.as_str(), times), (line, 0));
    }

    #[rstest]
    #[case::an_ordinary_word(EVENTS, "Updated: aws-https")]
    #[case::a_hash_without_a_time(SYNCED, "1-0af3")]
    #[case::a_duration_in_a_condition(READY, "time-out of 60s")]
    #[case::another_annotation(("Secret ns/a", "annotation since"), "1762560000123")]
    #[case::a_port_of_a_vault(READY, "https://vault.example.com:8200/v1")]
    fn what_no_rule_names_stays(#[case] place: (&str, &str), #[case] line: &str) {
        let (_, left, times) = reduced(place, line, None);
        assert_eq!((left.as_str(), times), (line, 0));
    }

    #[rstest]
    #[case("Pod ns/job-x2k9f", "Pod ns/job-<suffix>")]
    #[case("Pod ns/nightly-29376000-x2k9f", "Pod ns/nightly-<minute>-<suffix>")]
    #[case("What pod ns/job-x2k9f saw", "What pod ns/job-<suffix> saw")]
    #[case("What pod before saw", "What pod before saw")]
    #[case("Secret ns/job-x2k9f", "Secret ns/job-x2k9f")]
    fn subjects_lose_what_was_drawn(#[case] subject: &str, #[case] left: &str) {
        assert_eq!(reduced((subject, "events"), "", None).0, left);
    }
}
