//! The journal as lines of JSON, an entry a line; live where somebody follows.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use http_body::Frame;
use rotaproof_gateway::{Entry, Journal};
use tokio::sync::watch;

use super::messages::JournalQuery;

/// Most requests are done so soon after they are decided that their entry comes once, complete.
const SETTLE: Duration = Duration::from_millis(20);

struct Reading {
    journal: Journal,
    changed: watch::Receiver<u64>,
    seen: u64,
    follow: bool,
    /// Entries with a smaller number are not wanted.
    from: u64,
    begun: bool,
}

/// Nothing is read ahead: a reader that is slow gets what is there when it comes back.
pub(super) fn lines(
    journal: Journal,
    query: &JournalQuery,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + use<> {
    let reading = Reading {
        changed: journal.subscribe(),
        from: match query.tail {
            Some(tail) => journal.len().saturating_sub(tail) + 1,
            None => 0,
        },
        journal,
        seen: 0,
        follow: query.follow,
        begun: false,
    };
    stream::unfold(reading, |mut reading| async move {
        loop {
            if reading.begun {
                if !reading.follow || reading.changed.changed().await.is_err() {
                    return None;
                }
                tokio::time::sleep(SETTLE).await;
            }
            reading.begun = true;
            reading.changed.mark_unchanged();
            let changes = reading.journal.changes(reading.seen);
            reading.seen = changes.seen;
            let mut text = Vec::new();
            for entry in changes.entries.iter().filter(|e| e.seq >= reading.from) {
                line(&mut text, entry);
            }
            if !text.is_empty() {
                return Some((Ok(Frame::data(Bytes::from(text))), reading));
            }
        }
    })
}

fn line(text: &mut Vec<u8>, entry: &Entry) {
    // An entry has text for keys and no map of its own: it cannot fail.
    if serde_json::to_writer(&mut *text, entry).is_ok() {
        text.push(b'\n');
    }
}
