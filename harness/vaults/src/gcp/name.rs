//! Resource names: `projects/*[/locations/*][/secrets/*[/versions/*]]`.

use super::error::ApiError;

/// A name in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) project: &'a str,
    /// A regional secret's location.
    pub(super) location: Option<&'a str>,
    pub(super) secret: Option<&'a str>,
    pub(super) version: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// A name with no part empty; `None` for any other form.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        Self::begin(name)
            .filter(|(_, rest)| rest.is_none())
            .map(|(parsed, _)| parsed)
    }

    /// The id of the secret that a name means, whatever stands behind it: for the journal, which tells of refused
    /// requests too.
    pub(super) fn meant(name: &'a str) -> Option<&'a str> {
        Self::begin(name)?.0.secret
    }

    /// The longest beginning that is a name, and the first part behind it.
    fn begin(name: &'a str) -> Option<(Self, Option<&'a str>)> {
        let mut parts = name.split('/');
        let mut pair = |collection: &str| match (parts.clone().next(), parts.clone().nth(1)) {
            (Some(kind), Some(id)) if kind == collection && !id.is_empty() => {
                parts.nth(1);
                Some(id)
            }
            _ => None,
        };
        let project = pair("projects")?;
        let location = pair("locations");
        let secret = pair("secrets");
        let version = secret.and_then(|_| pair("versions"));
        let parsed = Self {
            project,
            location,
            secret,
            version,
        };
        Some((parsed, parts.next()))
    }

    /// The name of a project or location.
    pub(super) fn parent(name: &'a str) -> Result<Self, ApiError> {
        Self::parse(name)
            .filter(|name| name.secret.is_none())
            .ok_or_else(malformed)
    }

    /// The name of a secret, and the secret's id.
    pub(super) fn secret(name: &'a str) -> Result<(Self, &'a str), ApiError> {
        match Self::parse(name) {
            Some(
                parsed @ Self {
                    secret: Some(id),
                    version: None,
                    ..
                },
            ) => Ok((parsed, id)),
            _ => Err(malformed()),
        }
    }

    /// The name of a version, with the ids of its secret and of itself.
    pub(super) fn version(name: &'a str) -> Result<(Self, &'a str, &'a str), ApiError> {
        match Self::parse(name) {
            Some(
                parsed @ Self {
                    secret: Some(id),
                    version: Some(version),
                    ..
                },
            ) => Ok((parsed, id, version)),
            _ => Err(malformed()),
        }
    }
}

fn malformed() -> ApiError {
    ApiError::invalid("Invalid resource field value in the request.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("projects/p", Some((None, None, None)))]
    #[case("projects/p/secrets/s", Some((None, Some("s"), None)))]
    #[case("projects/p/secrets/s/versions/latest", Some((None, Some("s"), Some("latest"))))]
    #[case("projects/p/locations/l", Some((Some("l"), None, None)))]
    #[case("projects/p/locations/l/secrets/s/versions/1", Some((Some("l"), Some("s"), Some("1"))))]
    #[case("", None)]
    #[case("projects/", None)]
    #[case("projects/p/", None)]
    #[case("projects/p/versions/1", None)]
    #[case("projects/p/secrets//versions/1", None)]
    #[case("projects/p/secrets/s/versions/1/x", None)]
    #[case("folders/p/secrets/s", None)]
    fn a_name_has_its_parts(
        #[case] name: &str,
        #[case] parts: Option<(Option<&str>, Option<&str>, Option<&str>)>,
    ) {
        let parsed = Name::parse(name).map(|name| (name.location, name.secret, name.version));
        assert_eq!(parsed, parts);
    }

    #[rstest]
    #[case(
        "projects/p/secrets/s/versions/projects/1/secrets/s/versions/2",
        Some("s")
    )]
    #[case("projects/p/secrets/s/nothing", Some("s"))]
    #[case("projects/p", None)]
    #[case("folders/p/secrets/s", None)]
    fn a_refused_name_still_means_a_secret(#[case] name: &str, #[case] secret: Option<&str>) {
        assert_eq!(Name::meant(name), secret);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(projects/)?[a-z/]{0,40}") {
            if let Some(name) = Name::parse(&text) {
                prop_assert!(!name.project.is_empty());
            }
        }
    }
}
