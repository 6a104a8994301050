//! Conflicts in the words of kube-apiserver (k8s.io/apimachinery `managedfields/internal/conflict.go`).

use std::collections::BTreeMap;

use super::managed::Contested;

/// Another manager owns a field with another value; the API answers 409 with reason `Conflict`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Conflict {
    /// The whole text, as Kubernetes words it.
    pub message: String,
    /// One cause of type `FieldManagerConflict` per field: its path (`.data.x`) and `conflict with "manager" using v1`.
    pub causes: Vec<(String, String)>,
}

impl Conflict {
    pub(super) fn new(contested: &[Contested]) -> Self {
        let mut by_manager: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for one in contested {
            by_manager
                .entry(&one.manager)
                .or_default()
                .extend(one.fields.paths());
        }
        let causes: Vec<(String, String)> = by_manager
            .iter()
            .flat_map(|(manager, paths)| {
                paths
                    .iter()
                    .map(move |path| (path.clone(), format!("conflict with {manager}")))
            })
            .collect();
        let message = match causes.as_slice() {
            [(path, cause)] => format!("Apply failed with 1 conflict: {cause}: {path}"),
            _ => {
                let lists: Vec<String> = by_manager
                    .iter()
                    .map(|(manager, paths)| {
                        let lines: Vec<String> =
                            paths.iter().map(|path| format!("- {path}")).collect();
                        format!("conflicts with {manager}:\n{}", lines.join("\n"))
                    })
                    .collect();
                format!(
                    "Apply failed with {} conflicts: {}",
                    causes.len(),
                    lists.join("\n")
                )
            }
        };
        Self { message, causes }
    }
}
