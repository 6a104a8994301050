//! What a path names.

use percent_encoding::percent_decode_str;

/// A path of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/healthz`, `/livez`, `/readyz` and what is below them.
    Health,
    Version,
    /// `/`
    Root,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/{group}`
    Group(String),
    /// `/api/v1` and `/apis/{group}/{version}`
    Resources {
        group: String,
        version: String,
    },
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiIndex,
    /// `/openapi/v3/api/v1` and `/openapi/v3/apis/{group}/{version}`
    OpenApiV3 {
        group: String,
        version: String,
    },
    /// `/.well-known/openid-configuration`
    OpenId,
    /// `/openid/v1/jwks`
    Jwks,
    /// A collection (without a name), an object or a subresource of one.
    Object(ObjectRoute),
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectRoute {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) plural: String,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl Route {
    pub(super) fn parse(path: &str) -> Self {
        let mut segments = Vec::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            match percent_decode_str(segment).decode_utf8() {
                Ok(text) => segments.push(text.into_owned()),
                Err(_) => return Self::Unknown,
            }
        }
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            [] => Self::Root,
            ["version"] => Self::Version,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group((*group).to_owned()),
            [".well-known", "openid-configuration"] => Self::OpenId,
            ["openapi", "v2"] => Self::OpenApiV2,
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", "api", version] => Self::OpenApiV3 {
                group: String::new(),
                version: (*version).to_owned(),
            },
            ["openapi", "v3", "apis", group, version] => Self::OpenApiV3 {
                group: (*group).to_owned(),
                version: (*version).to_owned(),
            },
            ["openid", "v1", "jwks"] => Self::Jwks,
            ["api", version, rest @ ..] => Self::versioned("", version, rest),
            ["apis", group, version, rest @ ..] => Self::versioned(group, version, rest),
            _ => Self::Unknown,
        }
    }

    fn versioned(group: &str, version: &str, rest: &[&str]) -> Self {
        let (namespace, rest) = match rest {
            [] => {
                return Self::Resources {
                    group: group.to_owned(),
                    version: version.to_owned(),
                };
            }
            // Subresources of a namespace, not resources in one.
            ["namespaces", _, "status" | "finalize"] if group.is_empty() => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, None, None),
            [plural, name] => (plural, Some(name), None),
            [plural, name, subresource] => (plural, Some(name), Some(subresource)),
            _ => return Self::Unknown,
        };
        Self::Object(ObjectRoute {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.map(str::to_owned),
            plural: (*plural).to_owned(),
            name: name.map(|name| (*name).to_owned()),
            subresource: subresource.map(|name| (*name).to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/api/v1/secrets", "", None, "secrets", None, None)]
    #[case(
        "/api/v1/namespaces/a/secrets/b",
        "",
        Some("a"),
        "secrets",
        Some("b"),
        None
    )]
    #[case("/api/v1/namespaces/a", "", None, "namespaces", Some("a"), None)]
    #[case(
        "/api/v1/namespaces/a/status",
        "",
        None,
        "namespaces",
        Some("a"),
        Some("status")
    )]
    #[case(
        "/apis/g.io/v1/namespaces/a/things/b/status",
        "g.io",
        Some("a"),
        "things",
        Some("b"),
        Some("status")
    )]
    #[case(
        "/apis/g.io/v1/things/b%2Ec",
        "g.io",
        None,
        "things",
        Some("b.c"),
        None
    )]
    fn a_path_names_an_object(
        #[case] path: &str,
        #[case] group: &str,
        #[case] namespace: Option<&str>,
        #[case] plural: &str,
        #[case] name: Option<&str>,
        #[case] subresource: Option<&str>,
    ) {
        let Route::Object(route) = Route::parse(path) else {
            panic!("{path} names no object");
        };
        assert_eq!(route.group, group);
        assert_eq!(route.namespace.as_deref(), namespace);
        assert_eq!(route.plural, plural);
        assert_eq!(route.name.as_deref(), name);
        assert_eq!(route.subresource.as_deref(), subresource);
    }
}
