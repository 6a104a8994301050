//! What to do next, from what is known.

use std::sync::Arc;
use std::time::Duration;

use rotaproof_events::human;
use rotaproof_gateway::{ClientKind, Entry};

use super::chain::Chain;
use crate::world::{Kind, State};

pub(super) fn advise(
    state: &State,
    chain: &Chain,
    journal: &[Arc<Entry>],
    now: Duration,
) -> Vec<String> {
    let mut next = Vec::new();
    for (kind, name) in &chain.stores {
        store(state, *kind, name, &mut next);
    }
    let current =
        !chain.secrets.is_empty() && chain.secrets.iter().all(|secret| is_current(state, secret));
    for name in chain.external_secrets.iter().filter(|_| !current) {
        external_secret(state, name, journal, now, &mut next);
    }
    match &chain.pod {
        Some(pod) => consumer(state, chain, pod, &mut next),
        None if current => next.push(
            "the Secret holds what the vault serves as current: expect `current`, or roll the vault back".into(),
        ),
        None => {}
    }
    if chain.vault.is_some() {
        next.push("the operator asks when a refresh is due, when the ExternalSecret's spec, labels or annotations change (force-sync), when its Secret is touched, and again after an error: look for one of these before each request above".into());
    }
    if let Some(host) = journal.iter().find(|e| e.vault.is_none()).map(|e| &e.host) {
        next.push(format!("no declared vault answers for {host}: compare the store's server or region with `vaults:`"));
    }
    if next.is_empty() {
        next.push("compare the expectation with what is shown above; `--report json=FILE` has every event of the run".into());
    }
    next
}

/// Whether every value of a Secret that a vault wrote is that vault's current one, and there is one.
fn is_current(state: &State, secret: &str) -> bool {
    let Some(seen) = state.object(Kind::Secret, secret) else {
        return false;
    };
    let mut found = seen
        .fingerprints()
        .filter_map(|(_, f)| state.ledger.find(f))
        .peekable();
    found.peek().is_some()
        && found.all(|found| {
            let current = state
                .ledger
                .history(found.secret)
                .and_then(|history| history.current());
            current.is_some_and(|current| found.versions.iter().any(|v| v.name == current.name))
        })
}

fn store(state: &State, kind: Kind, name: &str, next: &mut Vec<String>) {
    let Some(seen) = state.object(kind, name) else {
        next.push(format!("apply the {} {name}, or correct secretStoreRef: a SecretStore serves its own namespace only", kind.name()));
        return;
    };
    match seen.condition("Ready") {
        Some(ready) if ready.status != "True" => next.push(format!(
            "repair the {} {name} first ({}): its Event has the cause; nothing syncs through it until it is Ready",
            kind.name(), ready.reason
        )),
        None => next.push(format!("wait for {} {name} to be Ready before what uses it is applied", kind.name())),
        _ => {}
    }
}

fn external_secret(
    state: &State,
    name: &str,
    journal: &[Arc<Entry>],
    now: Duration,
    next: &mut Vec<String>,
) {
    let Some(seen) = state.object(Kind::ExternalSecret, name) else {
        next.push(format!("apply the ExternalSecret {name}"));
        return;
    };
    if seen
        .condition("Ready")
        .is_some_and(|ready| ready.status != "True")
    {
        next.push(format!("read the UpdateFailed Event of {name} above: the condition never has the provider's own words"));
        return;
    }
    let interval = seen.text("/spec/refreshInterval").unwrap_or("1h0m0s");
    if matches!(interval, "0" | "0s" | "0h") {
        next.push(format!(
            "{name} has refreshInterval 0: it syncs once and never again; give it an interval"
        ));
        return;
    }
    let last = journal
        .iter()
        .rev()
        .find(|e| e.client == ClientKind::Operator && !e.versions.is_empty());
    if let Some(last) = last {
        let ago = human(now.saturating_sub(last.elapsed));
        next.push(format!(
            "the operator last read a value {ago} ago and asks every {interval}: allow `within: 1 refresh + 10s`, force-sync, or shorten refreshInterval"
        ));
    }
}

fn consumer(state: &State, chain: &Chain, pod: &str, next: &mut Vec<String>) {
    let Some(report) = state.report(pod) else {
        let missing: Vec<_> = chain
            .secrets
            .iter()
            .filter(|secret| state.object(Kind::Secret, secret).is_none())
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            next.push(format!(
                "the pod waits for {}: see which ExternalSecret should make it",
                missing.join(", ")
            ));
        }
        return;
    };
    let stale = report
        .env
        .values()
        .chain(report.files.values())
        .any(|fingerprint| {
            let found = state.ledger.find(fingerprint);
            found.is_some_and(|found| {
                let current = state
                    .ledger
                    .history(found.secret)
                    .and_then(|history| history.current());
                current
                    .is_some_and(|current| !found.versions.iter().any(|v| v.name == current.name))
            })
        });
    if stale {
        next.insert(0, "a container reads `env` and `subPath` files once, when it starts: start a new pod after the Secret has changed, or mount the Secret as a folder".into());
    }
}
