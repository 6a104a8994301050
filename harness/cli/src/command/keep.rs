//! `run --keep`: the cluster of a scenario stays as it was when the scenario ended, with a list of what to look at.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use rotaproof_cluster::{Kept, Lane, Standing};
use rotaproof_runner::{Left, Stay};
use rotaproof_scenario::Case;

use crate::error::Error;

/// When a cluster stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// Never.
    #[default]
    Never,
    /// When a scenario does not pass.
    Failed,
    /// However the scenario ends.
    Always,
}

impl When {
    /// Refuses what the lane cannot do.
    pub(super) fn check(self, lane: &dyn Lane, cases: &[Case]) -> Result<(), Error> {
        let refusal = match self {
            Self::Never => return Ok(()),
            _ if !lane.can_keep() => format!(
                "--keep needs a cluster that is the run's own and outlives it: --lane kind, and not {}. --artifacts DIR keeps what \
                 explains a failure on every lane",
                lane.name()
            ),
            Self::Always if cases.len() > 1 => format!(
                "--keep always leaves the cluster to one scenario, and these are {}: choose one, or --keep failed",
                cases.len()
            ),
            _ => return Ok(()),
        };
        Err(Error::Usage(refusal))
    }
}

/// What was left in this run.
#[derive(Default)]
pub(super) struct Leftovers(Arc<Mutex<Vec<Left>>>);

impl Leftovers {
    /// What hears of it.
    pub(super) fn stay(&self, when: When) -> Option<Stay> {
        let own = self.0.clone();
        let tell = Arc::new(move |left| {
            own.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(left);
        });
        (when != When::Never).then(|| Stay {
            passed: when == When::Always,
            tell,
        })
    }

    /// Says what there is to look at; answers whether any cluster stays.
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<bool> {
        let mut stays = false;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for left in all.iter() {
            match &left.kept {
                Ok(kept) => {
                    stays = true;
                    list(out, &left.title, kept, &left.objects)?;
                }
                Err(error) => writeln!(out, "\nnothing stays of `{}`: {error}", left.title)?,
            }
        }
        Ok(stays)
    }
}

/// What to look at, as commands to paste.
fn list(out: &mut impl Write, title: &str, kept: &Kept, objects: &[Standing]) -> io::Result<()> {
    writeln!(
        out,
        "\nThe cluster stays as `{title}` left it. What to look at:"
    )?;
    writeln!(out, "  export KUBECONFIG={}", quoted(&kept.kubeconfig))?;
    let namespaces: BTreeSet<_> = objects
        .iter()
        .filter_map(|one| one.namespace.as_deref())
        .collect();
    for namespace in namespaces {
        writeln!(
            out,
            "  kubectl -n {namespace} get externalsecrets,secretstores,secrets,jobs,pods"
        )?;
    }
    for one in objects {
        let Standing { kind, name, .. } = one;
        writeln!(out, "  kubectl{} describe {kind} {name}", within(one))?;
    }
    let operator = &kept.operator;
    writeln!(
        out,
        "  kubectl{} logs {}/{}",
        within(operator),
        operator.kind,
        operator.name
    )?;
    writeln!(
        out,
        "  rotaproof gc --cluster {}    # deletes the cluster",
        kept.name
    )?;
    writeln!(
        out,
        "The vaults and their gateway ended with this run: since then every request of the operator to a vault is refused, and \
         conditions and log lines that say so are no cause of this failure. Secrets stay as they were."
    )
}

fn within(one: &Standing) -> String {
    let namespace = one.namespace.as_ref();
    namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"))
}

/// As a shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_as_commands() {
        let standing = |namespace: Option<&str>, kind, name: &str| Standing {
            namespace: namespace.map(str::to_owned),
            kind,
            name: name.to_owned(),
        };
        let kept = Kept {
            name: "reused".into(),
            kubeconfig: "/tmp/it's/kubeconfig".into(),
            operator: standing(
                Some("external-secrets-system"),
                "deployment",
                "external-secrets",
            ),
        };
        let objects = [
            standing(None, "clustersecretstore", "aws"),
            standing(Some("team"), "externalsecret", "creds"),
        ];
        let mut out = Vec::new();
        list(&mut out, "a", &kept, &objects).unwrap();
        let told = String::from_utf8(out).unwrap();
        let commands: Vec<&str> = told
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .collect();
        assert_eq!(
            commands,
            [
                r"export KUBECONFIG='/tmp/it'\''s/kubeconfig'",
                "kubectl -n team get externalsecrets,secretstores,secrets,jobs,pods",
                "kubectl describe clustersecretstore aws",
                "kubectl -n team describe externalsecret creds",
                "kubectl -n external-secrets-system logs deployment/external-secrets",
                "rotaproof gc --cluster reused    # deletes the cluster",
            ]
        );
    }
}
