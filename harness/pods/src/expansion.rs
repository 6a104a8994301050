//! `$(VAR)` in a container's `env`, as Kubernetes expands it (`k8s.io/kubernetes/third_party/forked/golang/expansion`).

/// Replaces `$(NAME)` by its value; an unknown name stays as written, `$$` is a `$`.
pub(crate) fn expand(input: &str, value_of: impl Fn(&str) -> Option<String>) -> String {
    let mut output = String::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = rest.find('$') {
        output.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            output.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|r| r.split_once(')')) {
            match value_of(name) {
                Some(value) => output.push_str(&value),
                None => {
                    output.push_str("$(");
                    output.push_str(name);
                    output.push(')');
                }
            }
            rest = tail;
        } else {
            output.push('$');
            rest = after;
        }
    }
    output.push_str(rest);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("$(A)-$(B)", "a-b")]
    #[case("$(MISSING)", "$(MISSING)")]
    #[case("$$(A)", "$(A)")]
    #[case("$$$(A)", "$a")]
    #[case("$(A", "$(A")]
    #[case("$A$", "$A$")]
    #[case("$()", "$()")]
    #[case("$($(A))", "$($(A))")]
    #[case("ü$(A)ü", "üaü")]
    fn references_are_expanded_as_kubernetes_does(#[case] input: &str, #[case] expected: &str) {
        let value_of = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "B" => Some("b".to_owned()),
            _ => None,
        };
        assert_eq!(expand(input, value_of), expected);
    }

    proptest::proptest! {
        #[test]
        fn text_without_a_dollar_is_unchanged(text in "[^$]*") {
            proptest::prop_assert_eq!(expand(&text, |_| Some("x".into())), text);
        }

        #[test]
        fn no_input_panics(text in "[$()A-C]{0,24}") {
            expand(&text, |name| (name == "A").then(|| "a".into()));
        }
    }
}
