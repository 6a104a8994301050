//! Access control: which capabilities a set of policies grants on a path (Vault docs, "Policies").

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a policy may grant on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Create what does not exist.
    Create,
    /// Read.
    Read,
    /// Change what exists.
    Update,
    /// Merge a patch into what exists.
    Patch,
    /// Delete.
    Delete,
    /// List names.
    List,
    /// Use a path that is reserved to administrators.
    Sudo,
    /// Nothing at all, whatever else grants it.
    Deny,
}

impl Capability {
    /// The name in policies and in `capabilities-self`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Sudo => "sudo",
            Self::Deny => "deny",
        }
    }
}

/// A path pattern: exact, or with `+` segments, or with a trailing `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// Without the trailing `*`.
    text: String,
    prefix: bool,
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (text, prefix) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        Self {
            text: text.to_owned(),
            prefix,
        }
    }

    fn wildcards(&self) -> usize {
        self.text.split('/').filter(|s| *s == "+").count()
    }

    fn is_exact(&self) -> bool {
        !self.prefix && self.wildcards() == 0
    }

    fn matches(&self, path: &str) -> bool {
        if self.wildcards() == 0 {
            return if self.prefix {
                path.starts_with(&self.text)
            } else {
                path == self.text
            };
        }
        let mut have = path.split('/');
        let mut want = self.text.split('/').peekable();
        while let Some(segment) = want.next() {
            let Some(actual) = have.next() else {
                return false;
            };
            let last = want.peek().is_none();
            let fits = match segment {
                "+" => true,
                stem if last && self.prefix => actual.starts_with(stem),
                exact => exact == actual,
            };
            if !fits {
                return false;
            }
        }
        self.prefix || have.next().is_none()
    }

    /// Where the first wildcard stands; the later, the more specific.
    fn first_wildcard(&self) -> usize {
        let mut at = 0;
        for segment in self.text.split('/') {
            if segment == "+" {
                return at;
            }
            at += segment.len() + 1;
        }
        if self.prefix {
            self.text.len()
        } else {
            usize::MAX
        }
    }

    /// Vault's order of precedence; the greatest match decides.
    fn precedence(&self, other: &Self) -> Ordering {
        self.is_exact()
            .cmp(&other.is_exact())
            .then_with(|| self.first_wildcard().cmp(&other.first_wildcard()))
            .then_with(|| other.prefix.cmp(&self.prefix))
            .then_with(|| other.wildcards().cmp(&self.wildcards()))
            .then_with(|| self.text.len().cmp(&other.text.len()))
            .then_with(|| self.text.cmp(&other.text))
    }
}

struct Rule {
    pattern: Pattern,
    capabilities: BTreeSet<Capability>,
}

/// All policies of a server.
pub(super) struct Policies(BTreeMap<String, Vec<Rule>>);

/// What Vault's own `default` policy grants on the paths that are served here.
const DEFAULT: [(&str, Capability); 4] = [
    ("auth/token/lookup-self", Capability::Read),
    ("auth/token/renew-self", Capability::Update),
    ("auth/token/revoke-self", Capability::Update),
    ("sys/capabilities-self", Capability::Update),
];

impl Policies {
    /// Compiles policies as configured.
    pub(super) fn new(config: &BTreeMap<String, Vec<(String, Vec<Capability>)>>) -> Self {
        let default = DEFAULT.iter().map(|(path, capability)| Rule {
            pattern: Pattern::parse(path),
            capabilities: BTreeSet::from([*capability]),
        });
        let mut all = BTreeMap::from([("default".to_owned(), default.collect::<Vec<_>>())]);
        for (name, rules) in config {
            let rules = rules.iter().map(|(path, capabilities)| Rule {
                pattern: Pattern::parse(path),
                capabilities: capabilities.iter().copied().collect(),
            });
            all.insert(name.clone(), rules.collect());
        }
        Self(all)
    }

    /// What `policies` together grant on `path`: the most specific pattern decides; `deny` undoes all else.
    pub(super) fn capabilities(
        &self,
        policies: &[String],
        path: &str,
        listing: bool,
    ) -> BTreeSet<Capability> {
        let mut best: Option<(&Pattern, BTreeSet<Capability>)> = None;
        let bare = path.strip_suffix('/').unwrap_or(path);
        for rule in policies
            .iter()
            .filter_map(|name| self.0.get(name))
            .flatten()
        {
            // A rule that names a folder without its slash also covers listing it.
            let fits = rule.pattern.matches(path)
                || (listing && rule.pattern.is_exact() && rule.pattern.matches(bare));
            if !fits {
                continue;
            }
            match &mut best {
                Some((pattern, granted)) => match rule.pattern.precedence(pattern) {
                    Ordering::Less => {}
                    Ordering::Equal => granted.extend(&rule.capabilities),
                    Ordering::Greater => best = Some((&rule.pattern, rule.capabilities.clone())),
                },
                None => best = Some((&rule.pattern, rule.capabilities.clone())),
            }
        }
        match best {
            Some((_, granted)) if granted.contains(&Capability::Deny) => {
                BTreeSet::from([Capability::Deny])
            }
            Some((_, granted)) => granted,
            None => BTreeSet::new(),
        }
    }

    /// Whether `policies` grant `capability` on `path`.
    pub(super) fn permit(&self, policies: &[String], path: &str, capability: Capability) -> bool {
        is_root(policies)
            || self
                .capabilities(policies, path, capability == Capability::List)
                .contains(&capability)
    }

    /// Whether `policies` grant anything below `mount` (`secret/`), as the CLI's preflight asks.
    pub(super) fn reach(&self, policies: &[String], mount: &str) -> bool {
        is_root(policies)
            || policies
                .iter()
                .filter_map(|name| self.0.get(name))
                .flatten()
                .filter(|rule| !rule.capabilities.contains(&Capability::Deny))
                .any(|rule| {
                    let text = rule.pattern.text.as_str();
                    let fixed = text.split('+').next().unwrap_or(text);
                    fixed.starts_with(mount)
                        || (fixed.len() < text.len() || rule.pattern.prefix)
                            && mount.starts_with(fixed)
                })
    }
}

/// Whether the root policy is among `policies`.
pub(super) fn is_root(policies: &[String]) -> bool {
    policies.iter().any(|name| name == "root")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn policies(rules: &[(&str, &[Capability])]) -> Policies {
        let rules = rules
            .iter()
            .map(|(path, capabilities)| ((*path).to_owned(), capabilities.to_vec()))
            .collect();
        Policies::new(&BTreeMap::from([("p".to_owned(), rules)]))
    }

    const READ: &[Capability] = &[Capability::Read];
    const LIST: &[Capability] = &[Capability::List];
    const DENY: &[Capability] = &[Capability::Deny];

    #[rstest]
    #[case::exact(&[("secret/data/a", READ)], "secret/data/a", true)]
    #[case::exact_is_not_a_prefix(&[("secret/data/a", READ)], "secret/data/a/b", false)]
    #[case::glob(&[("secret/data/*", READ)], "secret/data/a/b", true)]
    #[case::glob_within_a_segment(&[("secret/data/te*", READ)], "secret/data/team/x", true)]
    #[case::a_star_in_the_middle_is_literal(&[("secret/*/a", READ)], "secret/data/a", false)]
    #[case::segment(&[("secret/data/+/creds", READ)], "secret/data/team/creds", true)]
    #[case::one_segment_only(&[("secret/data/+/creds", READ)], "secret/data/a/b/creds", false)]
    #[case::segment_and_glob(&[("secret/+/te*", READ)], "secret/data/team/x", true)]
    #[case::exact_beats_glob(&[("secret/*", READ), ("secret/data/a", DENY)], "secret/data/a", false)]
    #[case::longer_glob_beats_shorter(&[("secret/*", DENY), ("secret/data/*", READ)], "secret/data/a", true)]
    #[case::glob_beats_an_earlier_segment(&[("+/data/a", DENY), ("secret/da*", READ)], "secret/data/a", true)]
    #[case::segment_beats_glob_at_the_same_place(&[("secret/+/a", READ), ("secret/*", DENY)], "secret/data/a", true)]
    #[case::deny_wins_at_equal_patterns(&[("secret/*", READ), ("secret/*", DENY)], "secret/data/a", false)]
    #[case::leading_slash_is_dropped(&[("/secret/data/a", READ)], "secret/data/a", true)]
    #[case::nothing_matches(&[("kv/*", READ)], "secret/data/a", false)]
    fn the_most_specific_pattern_decides(
        #[case] rules: &[(&str, &[Capability])],
        #[case] path: &str,
        #[case] permitted: bool,
    ) {
        let permit = policies(rules).permit(&["p".to_owned()], path, Capability::Read);
        assert_eq!(permit, permitted);
    }

    #[test]
    fn a_rule_on_a_folder_covers_listing_it() {
        let policies = policies(&[("secret/metadata/team", LIST)]);
        let permit = |path| policies.permit(&["p".to_owned()], path, Capability::List);
        assert!(permit("secret/metadata/team/"));
        assert!(!permit("secret/metadata/"));
    }

    #[test]
    fn root_may_do_all_and_an_unknown_policy_grants_nothing() {
        let policies = policies(&[]);
        assert!(policies.permit(&["root".to_owned()], "any/path", Capability::Delete));
        assert!(!policies.permit(&["ghost".to_owned()], "any/path", Capability::Read));
        assert!(policies.permit(
            &["default".to_owned()],
            "auth/token/lookup-self",
            Capability::Read
        ));
    }

    #[rstest]
    #[case("secret/data/team/*", true)]
    #[case("+/data/*", true)]
    #[case("*", true)]
    #[case("kv/*", false)]
    fn preflight_asks_whether_anything_below_a_mount_is_granted(
        #[case] path: &str,
        #[case] reaches: bool,
    ) {
        let policies = policies(&[(path, READ)]);
        assert_eq!(policies.reach(&["p".to_owned()], "secret/"), reaches);
    }
}
