//! Where things are kept and fetched from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::Error;
use crate::fetch::{is_loopback, may_be_asked};

/// The variable that leads to a mirror of the registry.
pub(crate) const REGISTRY: &str = "ROTAPROOF_ESO_REGISTRY";
/// The variable that leads to a mirror of the CRDs.
pub(crate) const BUNDLES: &str = "ROTAPROOF_ESO_BUNDLES";

/// Where releases are kept and fetched from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// rotaproof's folder in the user's cache; made when something is put there.
    pub cache: PathBuf,
    /// The registry of the images.
    pub registry: Registry,
    /// `<bundles>/v<version>/deploy/crds/bundle.yaml` are a release's CRDs.
    pub bundles: String,
    /// Proxies on the way.
    pub proxies: Proxies,
    /// Certificate authorities to trust (a PEM file) in place of the machine's own.
    pub authorities: Option<PathBuf>,
    /// How long a connection, or the next bytes of a body, may take.
    pub patience: Duration,
    /// How often a download is taken up in one run.
    pub attempts: u32,
    /// The pause before it is taken up again; doubled each time.
    pub pause: Duration,
}

impl Settings {
    /// Reads the settings from variables: `XDG_CACHE_HOME` (or `HOME`), `ROTAPROOF_ESO_REGISTRY`
    /// (`host:port[/prefix]`), `ROTAPROOF_ESO_BUNDLES` (a base URL), `HTTPS_PROXY`, `NO_PROXY`, `ALL_PROXY` (also in
    /// lower case), `SSL_CERT_FILE`. An empty variable counts as unset.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        // A relative XDG_CACHE_HOME is to be ignored (XDG Base Directory Specification 0.8).
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.filter(|path| path.is_absolute());
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = cache.or_else(home).ok_or_else(|| Error::Setting {
            name: "HOME",
            value: String::new(),
            reason: "there is no home folder to keep ESO in; set XDG_CACHE_HOME to a folder".into(),
        })?;
        let registry = match variable(REGISTRY) {
            Some(text) => Registry::parse(&text).map_err(|reason| Error::Setting {
                name: REGISTRY,
                value: text,
                reason,
            })?,
            None => Registry::default(),
        };
        let bundles = match variable(BUNDLES) {
            Some(text) => {
                let base = text.trim_end_matches('/').to_owned();
                let uri: Option<Uri> = base.parse().ok();
                if !uri.is_some_and(|uri| may_be_asked(&uri)) {
                    return Err(Error::Setting {
                        name: BUNDLES,
                        value: text,
                        reason: "write a base URL, https://host/path (http only for loopback)"
                            .into(),
                    });
                }
                base
            }
            None => "https://raw.githubusercontent.com/external-secrets/external-secrets".into(),
        };
        Ok(Self {
            cache: cache.join("rotaproof"),
            registry,
            bundles,
            proxies: Proxies::from_env(variable),
            authorities: variable("SSL_CERT_FILE").map(PathBuf::from),
            patience: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_secs(1),
        })
    }
}

/// A registry of images, and the place of ESO's in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    scheme: &'static str,
    authority: String,
    repository: String,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            scheme: "https",
            authority: "ghcr.io".into(),
            repository: "external-secrets/external-secrets".into(),
        }
    }
}

impl Registry {
    /// Reads `host[:port][/prefix]`: a mirror that has ghcr.io's repositories under a prefix. Loopback is asked in
    /// plain HTTP, any other host by HTTPS.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || "write host:port or host:port/prefix".to_owned();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let host: http::uri::Authority = authority.parse().map_err(|_| expected())?;
        if host.host().is_empty() || authority.contains('@') {
            return Err(expected());
        }
        let loopback = is_loopback(host.host());
        let scheme = match scheme {
            None if loopback => "http",
            None | Some("https") => "https",
            Some("http") if loopback => "http",
            Some("http") => return Err("plain HTTP is for loopback only; use HTTPS".into()),
            Some(_) => return Err(expected()),
        };
        let prefix = prefix.trim_matches('/');
        // The distribution specification's grammar of a name, each part of it.
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c))
                && part.bytes().any(|c| c.is_ascii_alphanumeric())
        };
        let repository = Self::default().repository;
        let repository = match prefix {
            "" => repository,
            prefix if prefix.split('/').all(plain) => format!("{prefix}/{repository}"),
            _ => return Err("a prefix is of lower-case words with slashes between".into()),
        };
        Ok(Self {
            scheme,
            authority: authority.to_owned(),
            repository,
        })
    }

    /// The base of the API for the repository.
    pub(crate) fn api(&self) -> String {
        format!(
            "{}://{}/v2/{}",
            self.scheme, self.authority, self.repository
        )
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.authority, self.repository)
    }
}

/// Forward proxies, by the target's host.
#[derive(Clone)]
pub struct Proxies(Arc<Matcher>);

impl Proxies {
    /// From `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or their lower-case forms, read as curl reads them.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let value = variable(name).or_else(|| variable(&name.to_lowercase()));
            value.unwrap_or_default()
        };
        let matcher = Matcher::builder()
            .all(either("ALL_PROXY"))
            .https(either("HTTPS_PROXY"))
            .no(either("NO_PROXY"))
            .build();
        Self(Arc::new(matcher))
    }

    /// The proxy for a target. Loopback has none, nor has plain HTTP, which is for loopback only.
    pub(crate) fn of(&self, target: &Uri) -> Option<Intercept> {
        match target.host().is_some_and(is_loopback) {
            true => None,
            false => self.0.intercept(target),
        }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may have a password in it.
        f.write_str("Proxies")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::from_env(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_variables_it_is_ghcr_and_the_home_folders_cache() {
        let settings = settings(&[("HOME", "/home/ann"), (REGISTRY, "")]).unwrap();
        assert_eq!(settings.cache, PathBuf::from("/home/ann/.cache/rotaproof"));
        assert_eq!(
            settings.registry.api(),
            "https://ghcr.io/v2/external-secrets/external-secrets"
        );
    }

    #[rstest]
    #[case("/var/cache", "/var/cache/rotaproof")]
    #[case("relative", "/home/ann/.cache/rotaproof")]
    fn the_cache_follows_xdg(#[case] xdg: &str, #[case] cache: &str) {
        let settings = settings(&[("HOME", "/home/ann"), ("XDG_CACHE_HOME", xdg)]).unwrap();
        assert_eq!(settings.cache, PathBuf::from(cache));
    }

    #[rstest]
    #[case(
        "mirror.example:5000",
        "https://mirror.example:5000/v2/external-secrets/external-secrets"
    )]
    #[case(
        "mirror.example/ghcr/",
        "https://mirror.example/v2/ghcr/external-secrets/external-secrets"
    )]
    #[case(
        "localhost:5000",
        "http://localhost:5000/v2/external-secrets/external-secrets"
    )]
    #[case(
        "127.0.0.1:5000/a/b",
        "http://127.0.0.1:5000/v2/a/b/external-secrets/external-secrets"
    )]
    #[case("[::1]:5000", "http://[::1]:5000/v2/external-secrets/external-secrets")]
    #[case(
        "https://localhost:5000",
        "https://localhost:5000/v2/external-secrets/external-secrets"
    )]
    fn a_mirror_has_a_host_and_may_have_a_prefix(#[case] text: &str, #[case] api: &str) {
        assert_eq!(Registry::parse(text).unwrap().api(), api);
    }

    #[rstest]
    #[case("http://mirror.example", "loopback only")]
    #[case("http://127.evil.example", "loopback only")]
    #[case("ftp://mirror.example", "host:port")]
    #[case("ann:secret@mirror.example", "host:port")]
    #[case("mirror.example/../x", "lower-case")]
    #[case("/x", "host:port")]
    fn another_mirror_is_refused(#[case] text: &str, #[case] reason: &str) {
        let error = settings(&[("HOME", "/home/ann"), (REGISTRY, text)]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with(&format!("{REGISTRY}={text}: ")),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
    }

    #[rstest]
    #[case("https://ghcr.io/v2/", true)]
    #[case("https://inside.example/v2/", false)]
    #[case("https://127.0.0.1:5000/v2/", false)]
    fn proxies_are_for_hosts_that_no_proxy_does_not_name(#[case] uri: &str, #[case] proxied: bool) {
        let variables = [
            ("HOME", "/home/ann"),
            ("https_proxy", "http://proxy.example:3128"),
            ("NO_PROXY", ".inside.example,inside.example"),
        ];
        let proxies = settings(&variables).unwrap().proxies;
        assert_eq!(proxies.of(&uri.parse().unwrap()).is_some(), proxied);
    }
}
