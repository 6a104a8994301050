//! The rules about requests.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rotaproof_events::{Refresh, SeenRequest};

use super::{Hidden, Rule, Rules};
use crate::facts::{self, Facts, Requests, request};

/// Operations that end a session (HashiCorp Vault).
const CLOSING: [&str; 2] = ["lookup-self", "revoke-self"];
/// GCP's metadata server, asked whether it is there (cloud.google.com/go/compute/metadata, `OnGCE`).
const FIRST_USE: &str = "metadata";
/// What begins one: `kubernetes login`.
const LOGIN: &str = "login";

pub(super) fn reduce(rules: &Rules, mut requests: Requests, hidden: &mut Hidden) -> Facts {
    let mut facts = Facts::new();
    if rules.has(Rule::Sessions) {
        facts = count_sessions(&mut requests, hidden);
    }
    for (subject, mut refreshes) in requests {
        if rules.has(Rule::OncePerProcess) {
            let count = leave_out_first_use(&mut refreshes);
            hidden.count(Rule::OncePerProcess, count);
        }
        if rules.has(Rule::RepeatedFailures) {
            for refresh in &mut refreshes {
                let count = collapse_failures(&mut refresh.requests);
                hidden.count(Rule::RepeatedFailures, count);
            }
        }
        if rules.has(Rule::DoubleReads) {
            let count = halve_doubles(&mut refreshes);
            hidden.count(Rule::DoubleReads, count);
        }
        if rules.has(Rule::RepeatedRefreshes) {
            let count = collapse_rounds(&mut refreshes);
            hidden.count(Rule::RepeatedRefreshes, count);
        }
        if rules.has(Rule::SharedSecrets) {
            let count = tell_shared_once(&mut refreshes);
            hidden.count(Rule::SharedSecrets, count);
        }
        let lines = lines(&refreshes);
        if !lines.is_empty() {
            facts.insert(subject, lines);
        }
    }
    facts
}

/// Takes out what the operator asks once in its life.
fn leave_out_first_use(refreshes: &mut Vec<Refresh>) -> usize {
    let mut count = 0;
    for refresh in refreshes.iter_mut() {
        let before = refresh.requests.len();
        refresh
            .requests
            .retain(|request| request.operation != FIRST_USE);
        count += before - refresh.requests.len();
    }
    refreshes.retain(|refresh| !refresh.requests.is_empty());
    count
}

/// Takes out what ends a session, and tells whether there is one for each login.
fn count_sessions(requests: &mut Requests, hidden: &mut Hidden) -> Facts {
    let mut counts: IndexMap<String, Counts> = IndexMap::new();
    for ((vault, _), refreshes) in requests.iter_mut() {
        let counts = counts.entry(vault.clone()).or_default();
        for refresh in refreshes.iter_mut() {
            refresh.requests.retain(|request| {
                if request.operation.ends_with(LOGIN) && !request.failed() {
                    counts.logins += 1;
                }
                let closes = CLOSING.contains(&request.operation.as_str());
                if closes {
                    *counts.closings.entry(facts::request(request)).or_default() += 1;
                }
                !closes
            });
        }
        refreshes.retain(|refresh| !refresh.requests.is_empty());
    }
    let mut facts = Facts::new();
    for (vault, counts) in counts {
        let Counts { logins, closings } = counts;
        let line = |(what, count): (&String, &usize)| match *count == logins {
            true => format!("{what}, for each login"),
            false => format!("{what}, not for each login"),
        };
        let lines: Vec<String> = closings.iter().map(line).collect();
        hidden.count(Rule::Sessions, closings.values().sum());
        if !lines.is_empty() {
            facts.insert((vault, "credentials given back".into()), lines);
        }
    }
    facts
}

/// Of one vault.
#[derive(Default)]
struct Counts {
    logins: usize,
    /// By what was asked and answered, in order of text.
    closings: BTreeMap<String, usize>,
}

/// A round longer than this is no repetition that anybody would recognise.
const LONGEST_ROUND: usize = 16;

/// The same refresh again, or the same round of several (an ExternalSecret that logs in for each of its keys, several
/// that share a secret), is one.
fn collapse_rounds(refreshes: &mut Vec<Refresh>) -> usize {
    let before = refreshes.len();
    for length in 1..=LONGEST_ROUND {
        let mut at = 0;
        while let Some(two) = refreshes.get(at..at + 2 * length) {
            let (one, again) = two.split_at(length);
            match is_again(one, again) {
                true => drop(refreshes.drain(at + length..at + 2 * length)),
                false => at += 1,
            }
        }
    }
    before - refreshes.len()
}

/// Whether a round is the one before it once more; what failed on the way and was tried again is no part of it.
fn is_again(one: &[Refresh], again: &[Refresh]) -> bool {
    let worked = |refresh: &Refresh| -> Vec<SeenRequest> {
        let requests = refresh.requests.iter().filter(|r| !r.failed());
        requests.cloned().collect()
    };
    let mut both = one.iter().zip(again);
    both.all(|(one, again)| {
        one == again
            || (one.of == again.of
                && one.requests.last().is_some_and(|last| !last.failed())
                && worked(one) == again.requests)
    })
}

/// Of refreshes that any of several ExternalSecrets may have done, each kind once.
fn tell_shared_once(refreshes: &mut Vec<Refresh>) -> usize {
    let before = refreshes.len();
    let mut told: Vec<Refresh> = Vec::new();
    refreshes.retain(|refresh| {
        let again = refresh.of.len() > 1 && told.contains(refresh);
        if !again {
            told.push(refresh.clone());
        }
        !again
    });
    before - refreshes.len()
}

/// A request that failed, followed by the same one with the same failure, is one.
fn collapse_failures(requests: &mut Vec<SeenRequest>) -> usize {
    let before = requests.len();
    requests.dedup_by(|next, kept| kept.failed() && next == kept);
    before - requests.len()
}

/// A refresh that asks for exactly the same twice, where this run also has it once.
fn halve_doubles(refreshes: &mut [Refresh]) -> usize {
    let singles: Vec<Vec<SeenRequest>> = refreshes.iter().map(|r| r.requests.clone()).collect();
    let mut halved = 0;
    for refresh in refreshes {
        let (first, second) = refresh.requests.split_at(refresh.requests.len() / 2);
        if first == second && singles.iter().any(|single| single == first) {
            refresh.requests = first.to_vec();
            halved += 1;
        }
    }
    halved
}

/// A line per request; `then` marks the first of a refresh.
fn lines(refreshes: &[Refresh]) -> Vec<String> {
    let mut lines = Vec::new();
    for refresh in refreshes {
        for (index, one) in refresh.requests.iter().enumerate() {
            let mark = if index == 0 { "* " } else { "  " };
            lines.push(format!("{mark}{}", request(one)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// `a`: a read that worked; `a!`: one that failed; `ab ab`: two refreshes of two reads each.
    fn story(text: &str) -> Vec<Refresh> {
        let refresh = |word: &str| {
            let mut requests: Vec<SeenRequest> = Vec::new();
            for letter in word.chars() {
                match requests.last_mut().filter(|_| letter == '!') {
                    Some(last) => last.status = Some(503),
                    None => requests.push(SeenRequest {
                        operation: letter.to_string(),
                        secret: None,
                        versions: Vec::new(),
                        identity: None,
                        status: Some(200),
                        refusal: None,
                        fault: None,
                    }),
                }
            }
            Refresh {
                of: Vec::new(),
                requests,
            }
        };
        text.split(' ').map(refresh).collect()
    }

    #[test]
    fn whether_the_cloud_is_googles_is_left_out_wherever_it_is_asked() {
        let mut refreshes = story("a b");
        for refresh in &mut refreshes {
            let mut first = refresh.requests[0].clone();
            first.operation = FIRST_USE.into();
            refresh.requests.insert(0, first);
        }
        let told = |off| {
            let requests = Requests::from_iter([(("v".into(), "r".into()), refreshes.clone())]);
            let mut hidden = Hidden::default();
            let facts = reduce(&Rules::but(off), requests, &mut hidden);
            (facts.values().next().unwrap().len(), hidden.iter().count())
        };
        assert_eq!(told(None), (2, 1));
        assert_eq!(told(Some(Rule::OncePerProcess)), (4, 0));
    }

    fn reduced(text: &str, off: Option<Rule>) -> (String, usize) {
        let mut requests = Requests::new();
        requests.insert(("v".into(), "r".into()), story(text));
        let mut hidden = Hidden::default();
        let facts = reduce(&Rules::but(off), requests, &mut hidden);
        let lines = facts.values().next().unwrap();
        let mut text = String::new();
        for line in lines {
            if line.starts_with('*') && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&line[2..3]);
            if line.contains("503") {
                text.push('!');
            }
        }
        (text, hidden.iter().map(|(_, count)| count).sum())
    }

    #[rstest]
    #[case::nothing_to_hide("ab", "ab", 0)]
    #[case::again("ab ab ab", "ab", 2)]
    #[case::not_in_a_row("ab cd ab", "ab cd ab", 0)]
    #[case::again_after_a_retry("ab!b ab", "ab!b", 1)]
    #[case::again_but_worse("ab ab!b", "ab ab!b", 0)]
    #[case::a_failure_and_then_not("ab! ab", "ab! ab", 0)]
    #[case::a_round_again("a b a b a b c", "a b c", 4)]
    #[case::a_round_with_a_repetition("a b b c a b c", "a b c", 4)]
    #[case::a_double("aa a", "a", 2)]
    #[case::a_double_of_two("ab abab ab", "ab", 3)]
    #[case::two_reads_that_are_never_one("aa aa", "aa", 1)]
    #[case::a_refusal_again("ab!b!b!", "ab!", 2)]
    #[case::a_success_again_is_no_refusal("abb", "abb", 0)]
    fn what_is_timing_is_left_out_and_counted(
        #[case] story: &str,
        #[case] left: &str,
        #[case] hidden: usize,
    ) {
        assert_eq!(reduced(story, None), (left.to_owned(), hidden));
    }

    #[rstest]
    #[case::of_one(&["ns/a"], 4)]
    #[case::of_several(&["ns/a", "ns/b"], 3)]
    fn what_is_shared_is_told_once(#[case] of: &[&str], #[case] left: usize) {
        let mut refreshes = story("a b c a");
        for refresh in &mut refreshes {
            refresh.of = of.iter().map(|name| (*name).to_owned()).collect();
        }
        assert_eq!(tell_shared_once(&mut refreshes), 4 - left);
        assert_eq!(refreshes.len(), left);
    }

    #[rstest]
    #[case::a_session_each("login a lookup-self revoke-self", "login", &["lookup-self", "revoke-self"], true)]
    #[case::in_whatever_order("login login lookup-self a lookup-self revoke-self revoke-self", "login login", &["lookup-self", "revoke-self"], true)]
    #[case::one_is_not_given_back("login a login a revoke-self", "login login", &["revoke-self"], false)]
    fn sessions_are_counted_by_login(
        #[case] story: &str,
        #[case] logins: &str,
        #[case] closings: &[&str],
        #[case] each: bool,
    ) {
        let request = |word: &str| SeenRequest {
            operation: word.into(),
            secret: None,
            versions: Vec::new(),
            identity: None,
            status: Some(200),
            refusal: None,
            fault: None,
        };
        let refresh = Refresh {
            of: Vec::new(),
            requests: story.split(' ').map(request).collect(),
        };
        let mut requests = Requests::new();
        requests.insert(("v".into(), "r".into()), vec![refresh]);
        let facts = count_sessions(&mut requests, &mut Hidden::default());
        let left = requests.values().flatten().flat_map(|r| &r.requests);
        let left: Vec<_> = left
            .map(|r| r.operation.as_str())
            .filter(|o| *o != "a")
            .collect();
        assert_eq!(left.join(" "), logins);
        let word = if each {
            "for each login"
        } else {
            "not for each login"
        };
        let wanted: Vec<String> = closings
            .iter()
            .map(|closing| format!("{closing} -> 200, {word}"))
            .collect();
        assert_eq!(facts.values().next(), Some(&wanted));
    }

    #[rstest]
    #[case(Rule::RepeatedRefreshes, "a a", "a a")]
    #[case(Rule::DoubleReads, "aa a", "aa a")]
    #[case(Rule::RepeatedFailures, "a!a!", "a!a!")]
    fn a_rule_that_is_off_leaves_nothing_out(
        #[case] rule: Rule,
        #[case] story: &str,
        #[case] left: &str,
    ) {
        assert_eq!(reduced(story, Some(rule)), (left.to_owned(), 0));
    }
}
