//! What every backend does alike: send a request on, keep the journal's order, never leave the journal silent.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Request, Response, Uri};
use rotaproof_base::Clock;
use rotaproof_egress::Client;
use rotaproof_vaults::{Body, Served, ServedVersion, Witness, buffered};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::Error;
use crate::container::Container;

/// Headers that concern one connection only, and the length, which is written anew.
const HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The server in a container.
pub(crate) struct Upstream {
    client: Client,
    container: String,
    base: String,
    answer_within: Duration,
}

impl Upstream {
    pub(crate) fn new(
        container: &Container,
        clock: &Clock,
        answer_within: Duration,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: container.client(clock)?,
            container: container.name().to_owned(),
            base: format!("http://{}", container.name()),
            answer_within,
        })
    }

    /// The URL of a path (with its query) at the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a client's request on, host and all, but for what concerns its connection. No compression: the answer
    /// is read here.
    pub(crate) async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        without_hops(&mut parts.headers);
        parts.headers.remove(header::ACCEPT_ENCODING);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = Uri::try_from(self.url(path)).map_err(|error| self.no_answer(error))?;
        self.send(Request::from_parts(parts, body)).await
    }

    /// Sends a request of our own. An answer that does not come in time is an error, not a wait.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        match tokio::time::timeout(self.answer_within, self.client.send(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.no_answer(error)),
            Err(_) => {
                let seconds = self.answer_within.as_secs_f64();
                Err(self.no_answer(format_args!("no answer in {seconds} s")))
            }
        }
    }

    fn no_answer(&self, cause: impl std::fmt::Display) -> Error {
        Error::NoAnswer {
            container: self.container.clone(),
            cause: cause.to_string(),
        }
    }

    pub(crate) fn refused(&self, what: impl Into<String>, cause: impl Into<String>) -> Error {
        Error::Refused {
            container: self.container.clone(),
            what: what.into(),
            cause: cause.into(),
        }
    }
}

fn without_hops(headers: &mut HeaderMap) {
    for name in HOP {
        headers.remove(name);
    }
}

/// The server's answer as the gateway takes it.
pub(crate) fn answer(response: Response<Bytes>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    without_hops(&mut parts.headers);
    Response::from_parts(parts, buffered(body))
}

/// Keeps the journal in the order of the server's decisions: reads run side by side, a write alone.
#[derive(Default)]
pub(crate) struct Order(RwLock<()>);

/// A turn at the server; over when dropped.
#[expect(dead_code, reason = "the guards are held, never read")]
pub(crate) enum Turn<'a> {
    Shared(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

impl Order {
    pub(crate) async fn turn(&self, reads: bool) -> Turn<'_> {
        match reads {
            true => Turn::Shared(self.0.read().await),
            false => Turn::Alone(self.0.write().await),
        }
    }
}

/// What the journal will be told of one request, whatever becomes of it.
pub(crate) struct Testimony<'a> {
    witness: &'a dyn Witness,
    pub(crate) served: Served,
}

impl<'a> Testimony<'a> {
    pub(crate) fn begin(
        witness: &'a dyn Witness,
        operation: String,
        secret: Option<String>,
        identity: Option<String>,
    ) -> Self {
        Self {
            witness,
            served: Served {
                operation,
                identity,
                secret,
                versions: Vec::new(),
                refusal: Some("the client left before the server answered".to_owned()),
            },
        }
    }

    /// Tells it now.
    pub(crate) fn give(mut self, versions: Vec<ServedVersion>, refusal: Option<String>) {
        self.served.versions = versions;
        self.served.refusal = refusal;
    }
}

impl Drop for Testimony<'_> {
    fn drop(&mut self) {
        self.witness.record(std::mem::take(&mut self.served));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Journal(Mutex<Vec<Served>>);

    impl Witness for Journal {
        fn record(&self, served: Served) {
            if let Ok(mut all) = self.0.lock() {
                all.push(served);
            }
        }
    }

    #[test]
    fn a_request_whose_client_left_is_in_the_journal_once() {
        let journal = Journal::default();
        let begin = || {
            let (operation, secret) = ("kv-v2 read".to_owned(), Some("secret/a".to_owned()));
            Testimony::begin(&journal, operation, secret, None)
        };
        drop(begin());
        begin().give(Vec::new(), None);
        let told = journal.0.lock().unwrap();
        let refusals: Vec<_> = told
            .iter()
            .map(|served| served.refusal.as_deref())
            .collect();
        let left = "the client left before the server answered";
        assert_eq!(refusals, [Some(left), None]);
        assert_eq!(told[0].operation, "kv-v2 read");
    }

    #[tokio::test]
    async fn a_write_waits_for_reads_and_reads_for_nobody() {
        let order = Order::default();
        let read = order.turn(true).await;
        let another = order.turn(true).await;
        let write = order.turn(false);
        tokio::pin!(write);
        assert!(futures::poll!(&mut write).is_pending());
        drop((read, another));
        assert!(futures::poll!(&mut write).is_ready());
    }
}
