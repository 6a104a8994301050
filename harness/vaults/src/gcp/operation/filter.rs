//! List filters (<https://cloud.google.com/secret-manager/docs/filtering>): terms that must all hold.
//!
//! Narrower than the real ones: no `OR`, no parentheses, no comparison of times; these are refused by name.

use super::super::error::ApiError;

/// The terms of a filter.
pub(super) struct Filter<'a>(Vec<Term<'a>>);

struct Term<'a> {
    field: &'a str,
    relation: Relation,
    value: &'a str,
    negated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// `:`, which is to contain, and with `*` to be there at all.
    Has,
    Equals,
    Differs,
}

impl<'a> Filter<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, ApiError> {
        let unsupported = |what: &str| {
            Err(ApiError::invalid(format!(
                "Invalid filter: {what} is not supported here."
            )))
        };
        let mut terms = Vec::new();
        let mut negated = false;
        for word in text.split_whitespace() {
            match word {
                "AND" => continue,
                "NOT" => {
                    negated = true;
                    continue;
                }
                "OR" => return unsupported("OR"),
                _ if word.contains(['(', ')']) => return unsupported("a parenthesis"),
                _ if word.contains(['<', '>']) => return unsupported("a comparison"),
                _ => {}
            }
            let (minus, word) = match word.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            terms.push(Term::parse(word, negated != minus)?);
            negated = false;
        }
        Ok(Self(terms))
    }

    /// Whether all terms hold. `field` answers the value of a field where it has one, and `None` for a field that
    /// there is not.
    pub(super) fn matches(
        &self,
        field: impl Fn(&str) -> Option<Option<String>>,
    ) -> Result<bool, ApiError> {
        for term in &self.0 {
            let Some(value) = field(term.field) else {
                return Err(ApiError::invalid(format!(
                    "Invalid filter: there is no field [{}].",
                    term.field
                )));
            };
            if term.holds(value.as_deref()) == term.negated {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<'a> Term<'a> {
    fn parse(word: &'a str, negated: bool) -> Result<Self, ApiError> {
        let at = word.find([':', '=', '!']);
        let parts = at.and_then(|at| {
            let (field, rest) = word.split_at(at);
            let (relation, value) = match rest.strip_prefix("!=") {
                Some(value) => (Relation::Differs, value),
                None => match rest.split_at_checked(1)? {
                    (":", value) => (Relation::Has, value),
                    ("=", value) => (Relation::Equals, value),
                    _ => return None,
                },
            };
            (!field.is_empty()).then_some((field, relation, value))
        });
        // A bare word is looked for in the name.
        let (field, relation, value) = match (parts, at) {
            (Some(parts), _) => parts,
            (None, None) => ("name", Relation::Has, word),
            (None, Some(_)) => return Err(ApiError::invalid("Invalid filter.")),
        };
        Ok(Self {
            field,
            relation,
            value: value.trim_matches('"'),
            negated,
        })
    }

    fn holds(&self, value: Option<&str>) -> bool {
        match (self.relation, value) {
            (Relation::Has, value) if self.value == "*" => value.is_some(),
            (Relation::Has, Some(value)) => value
                .to_ascii_lowercase()
                .contains(&self.value.to_ascii_lowercase()),
            (Relation::Equals, value) => value == Some(self.value),
            (Relation::Differs, value) => value != Some(self.value),
            (Relation::Has, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn matches(filter: &str) -> Option<bool> {
        let filter = Filter::parse(filter).ok()?;
        let matched = filter.matches(|field| match field {
            "name" => Some(Some("openai-api-key".to_owned())),
            "labels.env" => Some(Some("prod".to_owned())),
            "labels.team" => Some(None),
            "state" => Some(Some("ENABLED".to_owned())),
            _ => None,
        });
        matched.ok()
    }

    #[rstest]
    #[case("", Some(true))]
    #[case("name:api", Some(true))]
    #[case("api", Some(true))]
    #[case("name:other", Some(false))]
    #[case("name=openai-api-key", Some(true))]
    #[case("name=openai", Some(false))]
    #[case("labels.env=prod name:openai", Some(true))]
    #[case("labels.env=prod AND name:other", Some(false))]
    #[case("labels.env:*", Some(true))]
    #[case("labels.team:*", Some(false))]
    #[case("-labels.team:*", Some(true))]
    #[case("NOT labels.env=prod", Some(false))]
    #[case("labels.env!=dev", Some(true))]
    #[case("state:ENABLED", Some(true))]
    #[case("state:enabled", Some(true))]
    #[case("name:a OR name:b", None)]
    #[case("(name:a)", None)]
    #[case("create_time>2020", None)]
    #[case("nothing=1", None)]
    #[case(":x", None)]
    #[case("a!b", None)]
    fn a_filter_holds_or_is_refused(#[case] filter: &str, #[case] holds: Option<bool>) {
        assert_eq!(matches(filter), holds);
    }
}
