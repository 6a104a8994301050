//! Kinds that a cluster answers for and that nothing here acts upon: they are stored, listed and watched, so that
//! tools which ask for them (`kubectl describe namespace`, an operator's own manifests) find an API.
//!
//! No quota is enforced, no Deployment makes a Pod, no Service has an address, no Role grants or denies anything.

use crate::printers;
use crate::resource::{Resource, Version};

pub(super) fn resources() -> Vec<Resource> {
    let v1 = || Version::new("v1");
    let of = |group: &str, kind: &str, plural: &str| Resource::new(group, kind, plural).typed();
    let apps = |kind: &str, plural: &str, short: &str| {
        of("apps", kind, plural)
            .short_name(short)
            .category("all")
            .with_generation()
    };
    let rbac = |kind: &str, plural: &str| of("rbac.authorization.k8s.io", kind, plural);
    vec![
        of("", "ResourceQuota", "resourcequotas")
            .short_name("quota")
            .version(v1().with_status().printed_by(printers::resource_quota())),
        of("", "LimitRange", "limitranges")
            .short_name("limits")
            .version(v1()),
        of("", "Service", "services")
            .short_name("svc")
            .category("all")
            .version(v1().with_status().printed_by(printers::service())),
        apps("Deployment", "deployments", "deploy")
            .version(v1().with_status().printed_by(printers::deployment())),
        apps("ReplicaSet", "replicasets", "rs")
            .version(v1().with_status().printed_by(printers::replica_set())),
        of("coordination.k8s.io", "Lease", "leases").version(v1().printed_by(printers::lease())),
        rbac("Role", "roles").version(v1()),
        rbac("ClusterRole", "clusterroles")
            .cluster_scoped()
            .version(v1()),
        rbac("RoleBinding", "rolebindings").version(v1().printed_by(printers::role_binding())),
        rbac("ClusterRoleBinding", "clusterrolebindings")
            .cluster_scoped()
            .version(v1().printed_by(printers::role_binding())),
    ]
}
