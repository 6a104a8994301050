//! The filters of collections: SCIM's `attribute eq "value"` (RFC 7644, section 3.4.2.2), the only form that Connect takes.

/// Which attribute must equal what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) attribute: Attribute,
    pub(super) value: String,
}

/// What can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    /// `name` of a vault, `title` of an item; Connect's own Go SDK says `title` for both.
    Title,
    /// `tag` of an item.
    Tag,
}

/// The filter of a query, where it has one; `Err` where Connect cannot read it.
pub(super) fn of_query(
    query: &str,
    attributes: &[(&str, Attribute)],
) -> Result<Option<Filter>, String> {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "filter");
    match given {
        Some((_, text)) if !text.trim().is_empty() => parse(text.trim(), attributes).map(Some),
        _ => Ok(None),
    }
}

fn parse(text: &str, attributes: &[(&str, Attribute)]) -> Result<Filter, String> {
    let (name, rest) = text
        .split_once(char::is_whitespace)
        .ok_or("Invalid filter: an attribute, an operator and a value are expected")?;
    let attribute = attributes
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, attribute)| *attribute)
        .ok_or("Invalid filter: the attribute is not supported")?;
    let (operator, value) = rest
        .trim_start()
        .split_once(char::is_whitespace)
        .ok_or("Invalid filter: a value is expected")?;
    if !operator.eq_ignore_ascii_case("eq") {
        return Err("Invalid filter: the operator is not supported".to_owned());
    }
    // A value is a JSON string.
    match serde_json::from_str(value.trim()) {
        Ok(value) => Ok(Filter { attribute, value }),
        Err(_) => Err("Invalid filter: the value is not a string".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const ITEMS: &[(&str, Attribute)] = &[("title", Attribute::Title), ("tag", Attribute::Tag)];

    #[rstest]
    #[case::encoded_by_go("filter=title+eq+%22git+credentials%22", "git credentials")]
    #[case::encoded_by_httpx("filter=title%20eq%20%22git%22", "git")]
    #[case::with_other_parameters("a=b&filter=Title+EQ+%22git%22", "git")]
    #[case::escaped("filter=title+eq+%22a%5C%22b%22", "a\"b")]
    #[case::empty("filter=title+eq+%22%22", "")]
    fn a_title_is_read(#[case] query: &str, #[case] value: &str) {
        let filter = of_query(query, ITEMS).unwrap().unwrap();
        assert_eq!(
            (filter.attribute, filter.value.as_str()),
            (Attribute::Title, value)
        );
    }

    #[rstest]
    #[case::another_attribute("filter=id+eq+%22a%22")]
    #[case::another_operator("filter=title+co+%22a%22")]
    #[case::single_quotes("filter=title+eq+'a'")]
    #[case::no_quotes("filter=title+eq+a")]
    #[case::a_quote_within("filter=title+eq+%22a%22b%22")]
    #[case::no_value("filter=title+eq")]
    #[case::no_operator("filter=title")]
    fn what_is_no_such_filter_is_refused(#[case] query: &str) {
        assert!(of_query(query, ITEMS).is_err());
    }

    #[rstest]
    #[case("")]
    #[case("filter=")]
    #[case("other=title+eq+%22a%22")]
    fn without_a_filter_all_match(#[case] query: &str) {
        assert_eq!(of_query(query, ITEMS), Ok(None));
    }

    proptest! {
        #[test]
        fn any_title_survives_and_nothing_panics(title in any::<String>(), noise in any::<String>()) {
            let quoted = serde_json::to_string(&title).unwrap();
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("filter", &format!("title eq {quoted}"))
                .finish();
            let filter = of_query(&query, ITEMS).unwrap().unwrap();
            prop_assert_eq!(filter.value, title);
            let _ = of_query(&format!("filter={noise}"), ITEMS);
        }
    }
}
