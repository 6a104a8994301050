//! Selectors against a plain reading of their meaning.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn resource() -> Resource {
    Resource::new("", "Thing", "things")
}

fn selects(selector: &str, labels: &BTreeMap<String, String>) -> bool {
    let selector = Selector::parse(&resource(), selector, "").unwrap();
    selector.matches(&resource(), &json!({"metadata": {"labels": labels}}))
}

#[rstest]
#[case("", true)]
#[case("a", true)]
#[case("!a", false)]
#[case("b", false)]
#[case("!b", true)]
#[case("a=1", true)]
#[case("a==1", true)]
#[case("a = 1 , example.com/c=x-y_z.w", true)]
#[case("a=", false)]
#[case("a!=1", false)]
#[case("b!=1", true)]
#[case("a in (1, 2)", true)]
#[case("a in (2)", false)]
#[case("a notin (2)", true)]
#[case("b notin (2)", true)]
#[case("a notin (1)", false)]
#[case("a>0", true)]
#[case("a<1", false)]
#[case("a in (1),b notin (x),!c", true)]
fn a_selector_selects(#[case] selector: &str, #[case] expected: bool) {
    let labels = [("a", "1"), ("example.com/c", "x-y_z.w")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(selects(selector, &labels.into()), expected, "{selector}");
}

#[rstest]
#[case("=a")]
#[case("a in")]
#[case("a in (")]
#[case("a in (b")]
#[case("a b")]
#[case("a,,b")]
#[case("a>x")]
#[case("!")]
fn a_malformed_selector_is_refused(#[case] selector: &str) {
    let error = Selector::parse(&resource(), selector, "").unwrap_err();
    assert_eq!(error.code(), 400);
}

#[derive(Clone, Debug)]
enum Term {
    Has(String),
    Lacks(String),
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Term {
    fn text(&self) -> String {
        match self {
            Self::Has(key) => key.clone(),
            Self::Lacks(key) => format!("!{key}"),
            Self::Is(key, value) => format!("{key}={value}"),
            Self::IsNot(key, value) => format!("{key}!={value}"),
            Self::In(key, values) => format!("{key} in ({})", values.join(",")),
            Self::NotIn(key, values) => format!("{key} notin ({})", values.join(", ")),
        }
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Has(key) => labels.contains_key(key),
            Self::Lacks(key) => !labels.contains_key(key),
            Self::Is(key, value) => labels.get(key) == Some(value),
            Self::IsNot(key, value) => labels.get(key) != Some(value),
            Self::In(key, values) => labels.get(key).is_some_and(|it| values.contains(it)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|it| !values.contains(it)),
        }
    }
}

fn term() -> impl Strategy<Value = Term> {
    let key = || "[a-c]";
    let value = || "[x-z]";
    let values = || proptest::collection::vec("[x-z]", 1..3);
    prop_oneof![
        key().prop_map(Term::Has),
        key().prop_map(Term::Lacks),
        (key(), value()).prop_map(|(key, value)| Term::Is(key, value)),
        (key(), value()).prop_map(|(key, value)| Term::IsNot(key, value)),
        (key(), values()).prop_map(|(key, values)| Term::In(key, values)),
        (key(), values()).prop_map(|(key, values)| Term::NotIn(key, values)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_term_of_a_selector_must_hold(
        terms in proptest::collection::vec(term(), 0..4),
        labels in proptest::collection::btree_map("[a-c]", "[x-z]", 0..3),
    ) {
        let text: Vec<String> = terms.iter().map(Term::text).collect();
        prop_assert_eq!(selects(&text.join(","), &labels), terms.iter().all(|term| term.holds(&labels)));
    }

    #[test]
    fn no_text_makes_the_parser_fail_otherwise(labels: String, fields: String) {
        if let Err(error) = Selector::parse(&resource(), &labels, &fields) {
            prop_assert_eq!(error.code(), 400);
        }
    }
}
