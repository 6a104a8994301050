//! Which requests belong to one refresh: read from the journal's order, since no request says so.
//!
//! A refresh asks for credentials first, then for secrets, then perhaps gives the credentials back. One worker of the
//! operator refreshes one ExternalSecret at a time, so a request for a secret of another ExternalSecret, a login after a
//! secret, and a pause each begin another refresh. What is asked for again after a failure is a retry within it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rotaproof_events::{Refresh, SeenRequest};
use rotaproof_gateway::Entry;

use crate::ledger::Ledger;

/// A longer pause of the operator ends a refresh. ESO's shortest pause between two of one ExternalSecret that is not a
/// retry is its interval, and its first back-off is 1 s; within a refresh it pauses only to retry.
const PAUSE: Duration = Duration::from_millis(500);

/// Credentials may wait longer for their first use on a machine that is busy, but not until the next refresh.
const IDLE: Duration = Duration::from_millis(1500);

/// Operations by which a refresh gives its credentials back (HashiCorp Vault).
const CLOSING: [&str; 2] = ["lookup-self", REVOKED];
/// The last of them.
const REVOKED: &str = "revoke-self";

/// The read that Azure's new SDK makes first, without a token, to be told whom to ask for one.
const CHALLENGED: &str = "SecretGet";

/// The read that AWS's provider makes once for a secret, however many keys want it: it caches within a reconcile.
const ONCE: &str = "GetSecretValue";

/// Groups the operator's requests by vault and refresh. `readers` are the ExternalSecrets that name a secret.
pub(super) fn group<'a>(
    entries: impl Iterator<Item = &'a Arc<Entry>>,
    ledger: &Ledger,
    readers: impl Fn(&str) -> Vec<String>,
) -> BTreeMap<String, Vec<Refresh>> {
    let mut vaults: BTreeMap<String, Grouping> = BTreeMap::new();
    for entry in entries {
        let vault = entry.vault.as_deref().unwrap_or_default();
        let of = entry.secret.as_deref().map(&readers).unwrap_or_default();
        let request = seen(entry, vault, ledger);
        let ended = entry.elapsed + entry.duration.unwrap_or_default();
        let grouping = vaults.entry(vault.to_owned()).or_default();
        grouping.take(of, request, entry.elapsed, ended);
    }
    vaults
        .into_iter()
        .map(|(vault, grouping)| (vault, grouping.done()))
        .collect()
}

fn seen(entry: &Entry, vault: &str, ledger: &Ledger) -> SeenRequest {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    let versions = entry.versions.iter().map(|served| {
        let history = ledger.history(&format!("{vault}/{}", served.secret));
        let known = history.and_then(|history| history.by_vault_version(&served.version));
        known.map_or("unknown version".to_owned(), |version| version.name.clone())
    });
    SeenRequest {
        operation: match entry.operation.is_empty() {
            true => format!("{} {}", entry.method, entry.path)
                .trim_end()
                .to_owned(),
            false => entry.operation.to_string(),
        },
        secret: text(&entry.secret),
        versions: versions.collect(),
        identity: text(&entry.identity),
        status: entry.status,
        refusal: text(&entry.refusal),
        fault: text(&entry.fault),
    }
}

/// The refreshes of one vault, as its requests come.
///
/// A store is validated by another worker than the one that refreshes, so two sessions may be under way at once: the
/// newest that has not read anything yet is the one that reads next, and credentials are given back by the oldest first.
#[derive(Default)]
struct Grouping {
    done: Vec<Refresh>,
    /// Credentials that were asked for, and no secret yet: one list per session, oldest first.
    openings: Vec<Vec<SeenRequest>>,
    current: Option<Refresh>,
    /// When the last request had its answer.
    ended: Duration,
}

impl Grouping {
    fn take(&mut self, of: Vec<String>, request: SeenRequest, began: Duration, ended: Duration) {
        let pause = began.saturating_sub(self.ended);
        self.ended = self.ended.max(ended);
        if pause > PAUSE && !self.is_retry(&request) {
            self.done.extend(self.current.take());
            if pause > IDLE {
                self.flush();
            }
        }
        if of.is_empty() || is_challenge(&request) {
            self.take_opening(request);
            return;
        }
        match &mut self.current {
            // Of several that share a secret each has its own login; of one, the other login is a validation's.
            Some(current)
                if current.of == of
                    && (of.len() == 1 || self.openings.is_empty())
                    && !is_another_reconciles(&request, current) =>
            {
                current.requests.push(request);
            }
            _ => {
                self.done.extend(self.current.take());
                let mut requests = self.openings.pop().unwrap_or_default();
                requests.push(request);
                self.current = Some(Refresh { of, requests });
            }
        }
    }

    fn take_opening(&mut self, request: SeenRequest) {
        if CLOSING.contains(&request.operation.as_str()) {
            self.take_closing(request);
            return;
        }
        self.done.extend(self.current.take());
        // The same login again: another session.
        let again = |known: &SeenRequest| {
            known.operation == request.operation
                && known.secret == request.secret
                && !known.failed()
        };
        match self.openings.last_mut() {
            Some(opening) if !opening.iter().any(again) => opening.push(request),
            _ => self.openings.push(vec![request]),
        }
    }

    fn take_closing(&mut self, request: SeenRequest) {
        let last = request.operation == REVOKED;
        match (self.openings.first_mut(), &mut self.current) {
            (Some(opening), _) => {
                opening.push(request);
                if last {
                    let requests = self.openings.remove(0);
                    self.done.push(Refresh {
                        of: Vec::new(),
                        requests,
                    });
                }
            }
            (None, Some(current)) => {
                current.requests.push(request);
                if last {
                    self.done.extend(self.current.take());
                }
            }
            (None, None) => self.openings.push(vec![request]),
        }
    }

    /// Whether a request asks again for what has just failed.
    fn is_retry(&self, request: &SeenRequest) -> bool {
        let current = self.current.iter();
        let current = current.filter_map(|current| current.requests.last());
        let openings = self.openings.iter().filter_map(|opening| opening.last());
        current.chain(openings).any(|last| {
            last.failed() && last.operation == request.operation && last.secret == request.secret
        })
    }

    fn flush(&mut self) {
        self.done.extend(self.current.take());
        for requests in self.openings.drain(..) {
            self.done.push(Refresh {
                of: Vec::new(),
                requests,
            });
        }
    }

    fn done(mut self) -> Vec<Refresh> {
        self.flush();
        self.done
    }
}

/// Whether a request is one that the refresh has made already and does not make twice.
fn is_another_reconciles(request: &SeenRequest, current: &Refresh) -> bool {
    let same = |known: &SeenRequest| {
        known.operation == request.operation && known.secret == request.secret && !known.failed()
    };
    request.operation == ONCE && current.requests.iter().any(same)
}

fn is_challenge(request: &SeenRequest) -> bool {
    request.operation == CHALLENGED && request.status == Some(401) && request.identity.is_none()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// `login`, `a` (a secret, read by `A`), `a!` (that failed), `a?` (a challenge), `a.` (read once a reconcile); `|` is a
    /// pause, `||` a long one.
    fn grouped(story: &str) -> String {
        let mut grouping = Grouping::default();
        let mut now = Duration::from_secs(1);
        for word in story.split(' ') {
            if word == "|" {
                now += PAUSE * 2;
                continue;
            }
            if word == "||" {
                now += IDLE * 2;
                continue;
            }
            let name = word.trim_end_matches(['!', '?', '.']);
            let (read, status) = match word.chars().last() {
                Some('!') => ("read", 503),
                Some('?') => (CHALLENGED, 401),
                Some('.') => (ONCE, 200),
                _ => ("read", 200),
            };
            let secret = (name.len() == 1).then(|| name.to_owned());
            let of = secret.iter().map(|secret| secret.to_uppercase()).collect();
            let request = SeenRequest {
                operation: secret.as_ref().map_or(name, |_| read).to_owned(),
                secret,
                versions: Vec::new(),
                identity: None,
                status: Some(status),
                refusal: None,
                fault: None,
            };
            grouping.take(of, request, now, now);
        }
        let text = |refresh: &Refresh| {
            let requests = refresh.requests.iter();
            let words = requests.map(|r| r.secret.clone().unwrap_or(r.operation.clone()));
            format!(
                "{}[{}]",
                refresh.of.concat(),
                words.collect::<Vec<_>>().join(" ")
            )
        };
        let groups: Vec<String> = grouping.done().iter().map(text).collect();
        groups.join(" ")
    }

    #[rstest]
    #[case::one("login a", "A[login a]")]
    #[case::two_keys("login a a", "A[login a a]")]
    #[case::back_to_back("login a login a", "A[login a] A[login a]")]
    #[case::two_external_secrets("login a login b", "A[login a] B[login b]")]
    #[case::without_logins("a a b", "A[a a] B[b]")]
    #[case::a_pause("a | a", "A[a] A[a]")]
    #[case::retries("login a! | a! | a", "A[login a a a]")]
    #[case::a_failed_refresh_and_the_next("login a! | login a", "A[login a] A[login a]")]
    #[case::a_validation_first("login login a", "A[login a] [login]")]
    #[case::given_back(
        "login a lookup-self revoke-self login a",
        "A[login a lookup-self revoke-self] A[login a]"
    )]
    #[case::a_validation_that_is_given_back(
        "login lookup-self lookup-self revoke-self login a revoke-self",
        "[login lookup-self lookup-self revoke-self] A[login a revoke-self]"
    )]
    #[case::a_validation_meanwhile(
        "login lookup-self login lookup-self revoke-self a lookup-self revoke-self",
        "[login lookup-self lookup-self revoke-self] A[login a lookup-self revoke-self]"
    )]
    #[case::a_validation_within(
        "login login a lookup-self revoke-self a lookup-self revoke-self",
        "[login lookup-self revoke-self] A[login a a lookup-self revoke-self]"
    )]
    #[case::a_retry_after_validations("login login login a! | a", "A[login a a] [login] [login]")]
    #[case::a_login_on_a_busy_machine("login | a", "A[login a]")]
    #[case::a_login_for_something_else("login || a", "[login] A[a]")]
    #[case::a_second_read_of_what_is_cached("a. b. a.", "A[a] B[b] A[a]")]
    #[case::a_second_read_in_a_row("login a. a.", "A[login a] A[a]")]
    #[case::a_challenge_first("a? login a b", "A[a login a] B[b]")]
    #[case::challenges_back_to_back("a? login a a? login a", "A[a login a] A[a login a]")]
    #[case::a_login_that_fails("login! | login! | login a", "A[login login login a]")]
    fn requests_fall_into_refreshes(#[case] story: &str, #[case] groups: &str) {
        assert_eq!(grouped(story), groups);
    }
}
