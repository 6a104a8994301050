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

    /// The vault that claims `host` (without a port).
    pub(crate) fn find(&self, host: &str) -> Option<Attached> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, attached) = table.hosts.iter().find(|(held, _)| held.matches(host))?;
        Some(attached.clone())
    }
}

/// Whether some host matches both patterns.
fn overlap(one: &HostPattern, other: &HostPattern) -> bool {
    let (one, other) = (one.to_string(), other.to_string());
    let mut pairs = (one.split('.'), other.split('.'));
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
}
