//! What the user asks for: a file, or a version.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A version of ESO: `2.9.0`, or `v2.9.0` as its tags have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(semver::Version);

impl Version {
    /// As the release's tag and its image's tag have it: `v2.9.0`.
    pub fn tag(&self) -> String {
        format!("v{}", self.0)
    }

    /// Whether it is a release, and neither a candidate nor a variant of its image (`v0.20.4-ubi`).
    pub(crate) fn is_plain(&self) -> bool {
        self.0.pre.is_empty() && self.0.build.is_empty()
    }

    /// Whether this release's controller reads `external-secrets.io/v1`; those before 0.16 read v1beta1.
    pub(crate) fn reads_v1(&self) -> bool {
        (self.0.major, self.0.minor) >= (0, 16)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = semver::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('v').unwrap_or(text).parse().map(Self)
    }
}

/// The value of `--eso` and of `ROTAPROOF_ESO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This file.
    Path(PathBuf),
    /// This release.
    Version(Version),
}

/// The text names neither a file nor a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a version of ESO nor a file that exists; write a version as 2.9.0 (three numbers), or a path with a `/`"
)]
pub struct NotWanted(pub String);

impl Wanted {
    /// Reads the value: a path where it has a `/` or is an existing file, else a version.
    pub fn parse(text: &str) -> Result<Self, NotWanted> {
        let text = text.trim();
        if text.contains('/') || (!text.is_empty() && Path::new(text).exists()) {
            return Ok(Self::Path(text.into()));
        }
        let version = text.parse().map_err(|_| NotWanted(text.to_owned()))?;
        Ok(Self::Version(version))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Version(version) => version.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2.9.0", "2.9.0")]
    #[case("v0.20.4", "0.20.4")]
    #[case(" v2.0.0-rc1 ", "2.0.0-rc1")]
    fn a_version_is_wanted_with_and_without_its_v(#[case] text: &str, #[case] version: &str) {
        let wanted = Wanted::parse(text).unwrap();
        assert_eq!(wanted, Wanted::Version(version.parse().unwrap()));
    }

    #[rstest]
    #[case("./external-secrets")]
    #[case("/opt/eso/2.9.0")]
    #[case("bin/2.9.0")]
    #[case("Cargo.toml")]
    fn a_path_has_a_slash_or_is_there(#[case] text: &str) {
        assert_eq!(Wanted::parse(text).unwrap(), Wanted::Path(text.into()));
    }

    #[rstest]
    #[case("2.9")]
    #[case("")]
    #[case("latest")]
    #[case("external-secrets-that-is-not-here")]
    fn anything_else_is_refused_by_name(#[case] text: &str) {
        let refused = Wanted::parse(text).unwrap_err();
        assert!(refused.to_string().contains(&format!("`{text}`")));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Wanted::parse(&text);
        }
    }
}
