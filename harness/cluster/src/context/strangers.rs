//! Whether the operator serves anybody else.
//!
//! Behind the gateway it does not reach their vaults, and what it does reach there is a scenario's vault under the real
//! name: it would be shown their credentials, and might have a Secret deleted that it does not have. So nobody else may
//! have anything for it to do.

use kube::api::ListParams;
use kube::{Client, ResourceExt};

use super::PART;
use crate::Error;
use crate::parts::OWNER;
use crate::real::{Kind, list};

/// What the operator acts upon.
const KINDS: [Kind; 6] = [
    ("external-secrets.io", "v1", "ExternalSecret"),
    ("external-secrets.io", "v1", "ClusterExternalSecret"),
    ("external-secrets.io", "v1alpha1", "PushSecret"),
    ("external-secrets.io", "v1alpha1", "ClusterPushSecret"),
    ("external-secrets.io", "v1", "SecretStore"),
    ("external-secrets.io", "v1", "ClusterSecretStore"),
];
/// How many are told.
const TOLD: usize = 5;

/// Refuses a cluster whose operator serves anybody else.
pub(super) async fn refuse(client: &Client) -> Result<(), Error> {
    let mut theirs = Vec::new();
    // Without this label it is no run's.
    let params = ListParams::default().labels(&format!("!{OWNER}"));
    for kind in KINDS {
        for object in list(client, kind, None, &params).await? {
            let namespace = object.namespace().map(|namespace| namespace + "/");
            let namespace = namespace.unwrap_or_default();
            theirs.push(format!("{} {namespace}{}", kind.2, object.name_any()));
        }
    }
    match told(theirs) {
        None => Ok(()),
        Some((count, evidence)) => Err(Error {
            action: "be used",
            evidence,
            next: Some(
                "use a cluster whose operator serves nobody else meanwhile: behind the gateway it does not reach their vaults"
                    .into(),
            ),
            ..Error::starting(PART)(format!(
                "its External Secrets Operator serves others: {count} objects that are no scenario's"
            ))
        }),
    }
}

fn told(theirs: Vec<String>) -> Option<(usize, Vec<String>)> {
    let count = theirs.len();
    let mut told: Vec<String> = theirs.into_iter().take(TOLD).collect();
    if count > TOLD {
        told.push(format!("and {} more", count - TOLD));
    }
    (count > 0).then_some((count, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_told_and_how_many_more() {
        let names = |count: usize| {
            (0..count)
                .map(|n| format!("ExternalSecret a/{n}"))
                .collect()
        };
        assert_eq!(told(names(0)), None);
        assert_eq!(told(names(5)).unwrap().1.len(), 5);
        let (count, told) = told(names(7)).unwrap();
        assert_eq!((count, told.len()), (7, 6));
        assert_eq!(told.last().unwrap(), "and 2 more");
    }
}
