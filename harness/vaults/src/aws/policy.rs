//! Who a request comes from, and what the account's policies let them do.

use std::sync::Arc;

use super::config::Statement;

/// An authenticated caller.
#[derive(Clone)]
pub(super) struct Principal {
    /// As AWS writes it in its errors: `arn:aws:sts::123456789012:assumed-role/name/session`.
    pub(super) arn: Arc<str>,
    /// `UserId` of GetCallerIdentity.
    pub(super) id: Arc<str>,
    pub(super) allows: Arc<[Statement]>,
}

/// What an action is done to.
#[derive(Clone, Copy)]
pub(super) enum Resource<'a> {
    /// The action has none: only a statement on `*` allows it.
    Any,
    /// A secret that exists.
    Secret { arn: &'a str, name: &'a str },
    /// Something named by the request alone: a secret that does not exist, a role.
    Named(&'a str),
}

impl Principal {
    pub(super) fn may(&self, action: &str, resource: Resource<'_>) -> bool {
        self.allows.iter().any(|statement| {
            let acts = |p: &String| {
                matches(
                    p.to_ascii_lowercase().as_bytes(),
                    action.to_ascii_lowercase().as_bytes(),
                )
            };
            let concerns = |p: &String| match resource {
                Resource::Any => p == "*",
                Resource::Secret { arn, name } => {
                    matches(p.as_bytes(), arn.as_bytes()) || matches(p.as_bytes(), name.as_bytes())
                }
                Resource::Named(name) => matches(p.as_bytes(), name.as_bytes()),
            };
            statement.actions.iter().any(acts) && statement.secrets.iter().any(concerns)
        })
    }
}

/// IAM's wildcards: `*` is any run of characters, `?` any one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&want) if want == b'?' || want == byte => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("*", "", true)]
    #[case("prod/*", "prod/notebook/aws", true)]
    #[case("prod/*", "dev/notebook/aws", false)]
    #[case("*aws", "prod/aws/aws", true)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "ac", false)]
    #[case(
        "arn:aws:secretsmanager:*:*:secret:prod/*-??????",
        "arn:aws:secretsmanager:us-east-1:1:secret:prod/x-AbCdEf",
        true
    )]
    fn wildcards_match_as_in_iam(
        #[case] pattern: &str,
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected);
    }

    #[test]
    fn an_action_without_a_resource_needs_a_statement_on_everything() {
        let principal = |secrets: &str| Principal {
            arn: "arn".into(),
            id: "id".into(),
            allows: [Statement {
                actions: vec!["secretsmanager:List*".into()],
                secrets: vec![secrets.into()],
            }]
            .into(),
        };
        assert!(principal("*").may("secretsmanager:ListSecrets", Resource::Any));
        assert!(!principal("prod/*").may("secretsmanager:ListSecrets", Resource::Any));
        assert!(!principal("*").may("secretsmanager:GetSecretValue", Resource::Named("x")));
    }
}
