//! The programs that people have: kind, helm, kubectl.

use super::finding::{Finding, Lane};
use super::tool::{Answer, Silence};
use super::version::{self, Version};

/// A program that lane `kind` calls, or that helps to look at what it did.
pub(super) struct Program {
    /// Its name on PATH.
    pub(super) name: &'static str,
    /// What makes it tell its version.
    pub(super) arguments: &'static [&'static str],
    version: fn(&str) -> Option<Version>,
    oldest: [u64; 3],
    why: &'static str,
    /// Whether nothing goes without it.
    needed: bool,
    install: &'static str,
}

/// All of them.
pub(super) const PROGRAMS: [Program; 3] = [
    Program {
        name: "kind",
        arguments: &["version"],
        version: version::of_kind,
        oldest: [0, 27, 0],
        why: "0.27: earlier ones cannot load images into nodes that have containerd 2",
        needed: true,
        install: "install kind (kind.sigs.k8s.io)",
    },
    Program {
        name: "helm",
        arguments: &["version", "--template", "{{.Version}}"],
        version: version::of_helm,
        oldest: [3, 8, 0],
        why: "3.8: charts in OCI registries are stable from there on",
        needed: true,
        install: "install helm (helm.sh)",
    },
    Program {
        name: "kubectl",
        arguments: &["version", "--client", "-o", "json"],
        version: version::of_kubectl,
        oldest: [1, 33, 0],
        why: "1.33: kubectl may be one minor version behind the cluster, which is 1.34",
        needed: false,
        install: "install kubectl to look into a cluster yourself; the lane goes without",
    },
];

impl Program {
    /// Whether it is there and new enough.
    pub(super) fn judge(&self, answer: &Result<Answer, Silence>) -> Finding {
        let bad = |found: String, fix: String| match self.needed {
            true => Finding::missing(Lane::Kind, self.name, found, fix),
            false => Finding::warning(Lane::Kind, self.name, found, fix),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(silence) => return bad(silence.to_string(), self.install.into()),
        };
        match (self.version)(&answer.out) {
            Some(version) if version.is_at_least(self.oldest) => {
                Finding::ok(Lane::Kind, self.name, version.to_string())
            }
            Some(version) => bad(
                format!("{version} is too old"),
                format!("upgrade to at least {}", self.why),
            ),
            None => {
                let told = [answer.err.as_str(), answer.out.as_str()];
                let told = told.iter().find_map(|text| text.lines().next());
                let arguments = self.arguments.join(" ");
                let name = self.name;
                bad(
                    match told {
                        Some(told) => format!("`{name} {arguments}` tells no version: {told}"),
                        None => format!("`{name} {arguments}` tells nothing"),
                    },
                    format!("see that `{name}` on PATH is that program"),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    fn said(out: &str, err: &str) -> Result<Answer, Silence> {
        Ok(Answer {
            status: std::process::ExitStatus::from_raw(0),
            out: out.into(),
            err: err.into(),
        })
    }

    #[rstest]
    #[case::new_enough(0, said("kind v0.33.0 go1.26.8 linux/amd64", ""), "Ok 0.33.0 ()")]
    #[case::too_old(
        0,
        said("kind v0.26.0 go1.23 linux/amd64", ""),
        "Missing 0.26.0 is too old (upgrade to at least 0.27"
    )]
    #[case::none(0, Err(Silence::NotFound), "Missing not on PATH (install kind")]
    #[case::another_program(
        0,
        said("usage: kind FILE", ""),
        "Missing `kind version` tells no version: usage: kind FILE (see"
    )]
    #[case::silent(
        1,
        said("", ""),
        "Missing `helm version --template {{.Version}}` tells nothing (see"
    )]
    #[case::complains(
        1,
        said("", "no such option"),
        "Missing `helm version --template {{.Version}}` tells no version: no such option (see"
    )]
    #[case::hangs(
        1,
        Err(Silence::Late(Duration::from_secs(5))),
        "Missing gave no answer within 5s (install helm"
    )]
    #[case::not_needed(2, Err(Silence::NotFound), "Warning not on PATH (install kubectl")]
    #[case::old_but_not_needed(
        2,
        said(r#"{"clientVersion": {"gitVersion": "v1.32.4"}}"#, ""),
        "Warning 1.32.4 is too old (upgrade to at least 1.33"
    )]
    fn a_program_is_there_and_new_enough_or_why_not(
        #[case] program: usize,
        #[case] answer: Result<Answer, Silence>,
        #[case] told: &str,
    ) {
        let finding = PROGRAMS[program].judge(&answer);
        let fix = finding.fix.unwrap_or_default();
        let line = format!("{:?} {} ({fix})", finding.state, finding.found);
        assert!(line.starts_with(told), "{line}");
    }
}
