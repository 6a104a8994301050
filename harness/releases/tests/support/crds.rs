//! CRDs, as small as they can be.

/// `externalsecrets.external-secrets.io`, served at these versions, and another of ESO's.
pub(crate) fn bundle(served: &[&str]) -> String {
    let versions: String = ["v1beta1", "v1"]
        .iter()
        .map(|name| {
            format!(
                "\n    - {{ name: {name}, served: {} }}",
                served.contains(name)
            )
        })
        .collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: externalsecrets.external-secrets.io }}
spec:
  versions:{versions}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: secretstores.external-secrets.io }}
"
    )
}
