//! Who a request comes from, and what the project's role bindings let them do.

use std::sync::Arc;

use super::config::Grant;

/// An authenticated caller.
#[derive(Clone)]
pub(super) struct Principal {
    /// As an IAM policy names it: `serviceAccount:eso@my-project-id.iam.gserviceaccount.com`.
    pub(super) member: Arc<str>,
    pub(super) grants: Arc<[Grant]>,
}

/// The predefined roles of Secret Manager, and the basic roles of a project, with their permissions below
/// `secretmanager.`; `*` stands for all
/// (<https://cloud.google.com/secret-manager/docs/access-control>).
const ROLES: [(&str, &[&str]); 8] = [
    ("roles/secretmanager.admin", &["*"]),
    ("roles/secretmanager.secretAccessor", &["versions.access"]),
    ("roles/secretmanager.secretVersionAdder", &["versions.add"]),
    (
        "roles/secretmanager.secretVersionManager",
        &[
            "versions.add",
            "versions.destroy",
            "versions.disable",
            "versions.enable",
            "versions.get",
            "versions.list",
        ],
    ),
    ("roles/secretmanager.viewer", VIEWS),
    ("roles/owner", &["*"]),
    (
        "roles/editor",
        &[
            "secrets.create",
            "secrets.delete",
            "secrets.get",
            "secrets.list",
            "secrets.update",
            "versions.add",
            "versions.destroy",
            "versions.disable",
            "versions.enable",
            "versions.get",
            "versions.list",
        ],
    ),
    ("roles/viewer", VIEWS),
];

const VIEWS: &[&str] = &[
    "secrets.get",
    "secrets.list",
    "versions.get",
    "versions.list",
];

impl Principal {
    /// Whether a binding grants `permission` on the secret, or on the project where there is none.
    pub(super) fn may(&self, permission: &str, secret: Option<&str>) -> bool {
        let below = permission.strip_prefix("secretmanager.");
        self.grants.iter().any(|grant| {
            let grants = grant.role == permission
                || ROLES
                    .iter()
                    .filter(|(name, _)| *name == grant.role)
                    .any(|(_, held)| held.iter().any(|one| *one == "*" || Some(*one) == below));
            grants
                && grant.secrets.iter().any(|pattern| match secret {
                    None => pattern == "*",
                    Some(secret) => matches(pattern, secret),
                })
        })
    }
}

/// `*` is any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("openai-api-key", "openai-api-key", true)]
    #[case("openai-api-key", "openai-api-key-2", false)]
    #[case("*", "", true)]
    #[case("prod-*", "prod-db", true)]
    #[case("prod-*", "dev-prod-db", false)]
    #[case("*-key", "api-key-key", true)]
    #[case("a*b*c", "a1b2b3c", true)]
    #[case("a*b*c", "acb", false)]
    #[case("ab*ba", "aba", false)]
    fn a_star_stands_for_any_run(#[case] pattern: &str, #[case] text: &str, #[case] is: bool) {
        assert_eq!(matches(pattern, text), is);
    }

    fn holder(role: &str, secrets: &[&str]) -> Principal {
        Principal {
            member: "serviceAccount:a@p.iam.gserviceaccount.com".into(),
            grants: vec![Grant {
                role: role.into(),
                secrets: secrets.iter().map(|s| (*s).to_owned()).collect(),
            }]
            .into(),
        }
    }

    #[rstest]
    #[case("roles/secretmanager.secretAccessor", "versions.access", true)]
    #[case("roles/secretmanager.secretAccessor", "secrets.get", false)]
    #[case("roles/secretmanager.viewer", "versions.access", false)]
    #[case("roles/secretmanager.viewer", "versions.list", true)]
    #[case("roles/editor", "versions.access", false)]
    #[case("roles/owner", "versions.access", true)]
    #[case("secretmanager.versions.access", "versions.access", true)]
    #[case("roles/storage.admin", "versions.access", false)]
    fn a_role_has_its_permissions_and_no_others(
        #[case] role: &str,
        #[case] permission: &str,
        #[case] held: bool,
    ) {
        let permission = format!("secretmanager.{permission}");
        assert_eq!(holder(role, &["x"]).may(&permission, Some("x")), held);
        assert!(!holder(role, &["x"]).may(&permission, Some("y")));
        assert!(!holder(role, &["x"]).may(&permission, None));
    }
}
