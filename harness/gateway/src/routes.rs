//! Which vault answers for which host.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rotaproof_vaults::{HostPattern, Vault};

use crate::Error;

/// A vault under the name that a scenario gives it.
#[derive(Clone)]
pub(crate) struct Attached {
    pub(crate) name: Arc<str>,
    pub(crate) vault: Arc<dyn Vault>,
}

#[derive(Default)]
struct Table {
    vaults: BTreeMap<Arc<str>, Attached>,
    hosts: Vec<(HostPattern, Attached)>,
}

/// The routing table.
#[derive(Default)]
pub(crate) struct Routes(RwLock<Table>);

impl Routes {
    pub(crate) fn attach(&self, name: &str, vault: Arc<dyn Vault>) -> Result<(), Error> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.vaults.contains_key(name) {
            return Err(Error::NameTaken(name.to_owned()));
        }
        let hosts = vault.hosts();
        for host in &hosts {
            if let Some((held, holder)) = table.hosts.iter().find(|(held, _)| overlap(held, host)) {
                return Err(Error::HostTaken {
                    name: name.to_owned(),
                    host: host.to_string(),
                    holder: holder.name.to_string(),
                    held: held.to_string(),
                });
            }
        }
        let attached = Attached {
            name: name.into(),
            vault,
        };
        let routed = hosts.into_iter().map(|host| (host, attached.clone()));
        table.hosts.extend(routed);
        table.vaults.insert(attached.name.clone(), attached);
        Ok(())
    }

    pub(crate) fn named(&self, name: &str) -> Option<Attached> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.vaults.get(name).cloned()
    }

    /// The vault that claims `host` (without a port) and `path`: the one whose claim is the longest.
    /// A path of nothing, that of a tunnel, finds only who claims the whole host.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<Attached> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let claims = table.hosts.iter();
        let (_, attached) = claims
            .filter(|(held, _)| path.starts_with(held.path()) && held.matches(host))
            .max_by_key(|(held, _)| held.path().len())?;
        Some(attached.clone())
    }
}

/// Whether some host matches both patterns, and neither has paths of its own there.
fn overlap(one: &HostPattern, other: &HostPattern) -> bool {
    if one.path() != other.path() {
        return false;
    }
    let mut pairs = (one.host().split('.'), other.host().split('.'));
    loop {
        match (pairs.0.next(), pairs.1.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a.example", "a.example", true)]
    #[case("a.example", "b.example", false)]
    #[case("*.example", "b.example", true)]
    #[case("a.*", "*.example", true)]
    #[case("*.example", "a.b.example", false)]
    fn patterns_overlap_where_one_host_would_match_both(
        #[case] one: &str,
        #[case] other: &str,
        #[case] overlaps: bool,
    ) {
        assert_eq!(
            overlap(&HostPattern::new(one), &HostPattern::new(other)),
            overlaps
        );
    }

    #[test]
    fn claims_of_one_host_overlap_only_at_one_path() {
        let host = HostPattern::new("169.254.169.254");
        let below = |path: &str| host.clone().below(path);
        assert!(overlap(&below("/metadata/"), &below("/metadata/")));
        assert!(!overlap(&below("/metadata/"), &below("/computeMetadata/")));
        assert!(!overlap(&below("/metadata/"), &host));
    }
}
