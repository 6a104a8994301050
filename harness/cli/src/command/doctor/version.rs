//! The versions that programs tell of themselves.

use std::fmt;

use serde_json::Value;

/// A version of a program, as far as it says: `v0.33.0`, `v3.19`, `20.10.24+dfsg1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    text: String,
    numbers: [u64; 3],
}

impl Version {
    /// Reads what begins with at least two numbers.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let mut parts = text.get(..end.unwrap_or(text.len()))?.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch = match parts.next() {
            Some(patch) => patch.parse().ok()?,
            None => 0,
        };
        let whole = text.split_whitespace().next()?;
        Some(Self {
            text: whole.to_owned(),
            numbers: [major, minor, patch],
        })
    }

    /// Whether it is this one or a later one.
    pub(crate) fn is_at_least(&self, numbers: [u64; 3]) -> bool {
        self.numbers >= numbers
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `kind version`: `kind v0.33.0 go1.26.8 linux/amd64`.
pub(crate) fn of_kind(out: &str) -> Option<Version> {
    Version::parse(out.strip_prefix("kind ")?)
}

/// `helm version --template {{.Version}}`: `v3.19.5`.
pub(crate) fn of_helm(out: &str) -> Option<Version> {
    Version::parse(out)
}

/// `kubectl version --client -o json`.
pub(crate) fn of_kubectl(out: &str) -> Option<Version> {
    let told: Value = serde_json::from_str(out).ok()?;
    Version::parse(told.pointer("/clientVersion/gitVersion")?.as_str()?)
}

/// What `docker version --format '{{json .}}'` tells: the client's, and the server's if it was reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Docker {
    /// The program's.
    pub(crate) client: Version,
    /// The daemon's.
    pub(crate) server: Option<Version>,
}

/// Reads it.
pub(crate) fn of_docker(out: &str) -> Option<Docker> {
    let told: Value = serde_json::from_str(out).ok()?;
    let of = |pointer: &str| Version::parse(told.pointer(pointer)?.as_str()?);
    Some(Docker {
        client: of("/Client/Version")?,
        server: of("/Server/Version"),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn told(version: Option<Version>) -> String {
        version.map_or("none".into(), |it| format!("{it} {:?}", it.numbers))
    }

    #[rstest]
    #[case("v0.33.0", "0.33.0 [0, 33, 0]")]
    #[case("20.10.24+dfsg1", "20.10.24+dfsg1 [20, 10, 24]")]
    #[case("v1.32.4-dispatcher\n", "1.32.4-dispatcher [1, 32, 4]")]
    #[case::no_patch("v3.19", "3.19 [3, 19, 0]")]
    #[case("29.1.0-rc.1", "29.1.0-rc.1 [29, 1, 0]")]
    #[case("", "none")]
    #[case("v3", "none")]
    #[case("three.two", "none")]
    #[case("1.", "none")]
    #[case::larger_than_any_number("99999999999999999999.1", "none")]
    fn a_version_is_read_as_far_as_it_says(#[case] text: &str, #[case] version: &str) {
        assert_eq!(told(Version::parse(text)), version);
    }

    #[rstest]
    #[case("kind v0.33.0 go1.26.8 linux/amd64", "0.33.0 [0, 33, 0]")]
    #[case(
        "kind v0.28.0-alpha+5a1f go1.24 darwin/arm64",
        "0.28.0-alpha+5a1f [0, 28, 0]"
    )]
    #[case("v0.33.0", "none")]
    #[case("kind is not what this is", "none")]
    #[case("", "none")]
    fn kind_tells_its_version_in_a_sentence(#[case] out: &str, #[case] version: &str) {
        assert_eq!(told(of_kind(out)), version);
    }

    #[rstest]
    #[case("v3.19.5", "3.19.5 [3, 19, 5]")]
    #[case::built_without_a_stamp("v3.19", "3.19 [3, 19, 0]")]
    #[case("version.BuildInfo{", "none")]
    fn helm_tells_it_by_a_template(#[case] out: &str, #[case] version: &str) {
        assert_eq!(told(of_helm(out)), version);
    }

    #[rstest]
    #[case(
        r#"{"clientVersion": {"gitVersion": "v1.34.4"}, "kustomizeVersion": "v5"}"#,
        "1.34.4 [1, 34, 4]"
    )]
    #[case(r#"{"clientVersion": {"major": "1"}}"#, "none")]
    #[case(r#"{"clientVersion": {"gitVersion": 1}}"#, "none")]
    #[case("Client Version: v1.34.4", "none")]
    #[case("{", "none")]
    fn kubectl_tells_it_as_json(#[case] out: &str, #[case] version: &str) {
        assert_eq!(told(of_kubectl(out)), version);
    }

    #[rstest]
    #[case(
        r#"{"Client": {"Version": "28.2.2"}, "Server": {"Version": "20.10.24+dfsg1"}}"#,
        "28.2.2 20.10.24+dfsg1"
    )]
    #[case::no_daemon(r#"{"Client": {"Version": "28.2.2"}, "Server": null}"#, "28.2.2 none")]
    #[case::no_client(r#"{"Server": {"Version": "28.2.2"}}"#, "none")]
    #[case(r#"["Client"]"#, "none")]
    #[case("Client: Docker Engine", "none")]
    #[case("", "none")]
    fn docker_tells_both_if_the_daemon_was_reached(#[case] out: &str, #[case] versions: &str) {
        let told = of_docker(out).map_or("none".into(), |docker| match docker.server {
            Some(server) => format!("{} {server}", docker.client),
            None => format!("{} none", docker.client),
        });
        assert_eq!(told, versions);
    }

    #[rstest]
    #[case("0.27.0", true)]
    #[case("0.26.9", false)]
    #[case("1.0", true)]
    fn versions_are_compared_by_their_numbers(#[case] version: &str, #[case] enough: bool) {
        assert_eq!(
            Version::parse(version).unwrap().is_at_least([0, 27, 0]),
            enough
        );
    }
}
