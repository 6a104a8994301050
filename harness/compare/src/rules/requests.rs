//! The rules about requests.

use rotaproof_events::{Refresh, SeenRequest};

use super::{Hidden, Rule, Rules};
use crate::facts::{Facts, Requests, request};

pub(super) fn reduce(rules: &Rules, requests: Requests, hidden: &mut Hidden) -> Facts {
    let mut facts = Facts::new();
    for (subject, mut refreshes) in requests {
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
            let before = refreshes.len();
            refreshes.dedup();
            hidden.count(Rule::RepeatedRefreshes, before - refreshes.len());
        }
        facts.insert(subject, lines(&refreshes));
    }
    facts
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
