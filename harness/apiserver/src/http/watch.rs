//! Watches: a position in the resource's event log, and a stream of what follows it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::Response;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::endpoints::Request;
use super::negotiate::Form;
use super::query::Query;
use super::table::{Include, Table};
use super::{ApiBody, answer, list};
use crate::object;
use crate::schema::{FieldError, FieldErrorReason};
use crate::selector::Selector;
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Entry, EventType, Expired, Object, Stored};
use crate::write::Target;

/// How long a watch without `timeoutSeconds` lasts (`--min-request-timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);
/// Events that are written at once: bounds the memory of a slow reader.
const BATCH: usize = 128;

pub(super) fn answer(request: &Request<'_>) -> Result<Response<ApiBody>, ApiError> {
    let form = request.form()?;
    let selector = list::selector(request)?;
    let query = &request.query;
    let store = &request.api.store;
    let resource = &request.target.resource;
    let initial = query.flag("sendInitialEvents");
    check_match(query)?;
    // Here it is passed on as it is.
    let revision = query.revision().map_err(|error| {
        let why = error.to_string();
        ApiError::unknown(why.trim_start_matches("invalid resource version: "))
    })?;
    let newest = store.revision();
    if let Some(revision) = revision.filter(|revision| *revision > newest) {
        return Err(ApiError::too_large(revision, newest));
    }
    let bookmarks = query.flag("allowWatchBookmarks");
    // Subscribed before the first read, so that no event can fall between the two.
    let changed = store
        .subscribe(resource.id())
        .ok_or_else(ApiError::unknown_resource)?;
    let mut pending = Vec::new();
    let mut initial_end = false;
    let position = match revision {
        Some(revision) if !initial => revision,
        _ => {
            let snapshot = store
                .list(resource.id(), request.namespace.as_deref())
                .ok_or_else(ApiError::unknown_resource)?;
            let objects = snapshot.objects.into_iter().map(|(_, object)| object);
            pending = objects
                .filter(|object| selector.matches(resource, &object.value))
                .collect();
            pending.reverse();
            initial_end = initial && bookmarks;
            snapshot.revision
        }
    };
    let timeout = match query.number("timeoutSeconds")? {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs()),
        _ => DEFAULT_TIMEOUT,
    };
    let watcher = Watcher {
        api: request.api.clone(),
        target: request.target.clone(),
        api_version: request.target.api_version(),
        namespace: request.namespace.clone(),
        selector,
        form,
        headers: true,
        bookmarks,
        position,
        pending,
        initial_end,
        changed,
        deadline: Instant::now().checked_add(timeout),
        bookmark_at: None,
        closed: false,
        ended: false,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let chunk = watcher.next().await?;
        Some((chunk, watcher))
    });
    Ok(answer::stream("application/json", events))
}

/// `ValidateListOptions` (k8s.io/apimachinery `pkg/apis/meta/internalversion/validation`), for a watch.
fn check_match(query: &Query) -> Result<(), ApiError> {
    let wrong = |reason, detail: String| {
        let field = "resourceVersionMatch".to_owned();
        FieldError {
            field,
            reason,
            detail,
        }
    };
    let forbidden = |why: &str| wrong(FieldErrorReason::Forbidden, format!("Forbidden: {why}"));
    let errors = match (
        query.names("sendInitialEvents"),
        query.text("resourceVersionMatch"),
    ) {
        (false, "") | (true, "NotOlderThan") => return Ok(()),
        (false, _) => vec![forbidden(
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )],
        (true, other) => {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            let mut errors = vec![forbidden(why)];
            if !other.is_empty() {
                let detail =
                    format!("Unsupported value: {other:?}: supported values: \"NotOlderThan\"");
                errors.push(wrong(FieldErrorReason::NotSupported, detail));
            }
            errors
        }
    };
    Err(ApiError::invalid_kind(
        "meta.k8s.io",
        "ListOptions",
        "",
        &errors,
    ))
}

struct Watcher {
    api: Arc<Inner>,
    target: Target,
    api_version: String,
    namespace: Option<String>,
    selector: Selector,
    form: Form,
    /// Whether the next table still has to define its columns.
    headers: bool,
    bookmarks: bool,
    /// The revision up to which everything was sent.
    position: u64,
    /// Initial objects that are still to be sent, the next one last.
    pending: Vec<Object>,
    initial_end: bool,
    changed: watch::Receiver<u64>,
    deadline: Option<Instant>,
    /// When the next periodic bookmark is due.
    bookmark_at: Option<Instant>,
    /// The resource is not served any more.
    closed: bool,
    ended: bool,
}

impl Watcher {
    /// The next events, or the end of the watch.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut out = BytesMut::new();
        while let Some(object) = self.pending.pop() {
            self.put(&mut out, "ADDED", &object);
            if out.len() >= 64 * 1024 {
                return Some(out.freeze());
            }
        }
        // The place of all initial objects is not kept for as long as the watch lasts.
        self.pending = Vec::new();
        if std::mem::take(&mut self.initial_end) {
            self.put_bookmark(&mut out, true);
        }
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            // Also one that is never idle ends in time.
            return self.finish(out);
        }
        loop {
            self.changed.mark_unchanged();
            match self
                .api
                .store
                .events_after(self.target.resource.id(), self.position, BATCH)
            {
                None => self.ended = true,
                Some(Err(Expired { oldest })) => {
                    let message = format!("too old resource version: {} ({oldest})", self.position);
                    let status = ApiError::expired(message).to_status();
                    put_event(&mut out, "ERROR", status.to_string().as_bytes());
                    self.ended = true;
                }
                Some(Ok(entries)) => {
                    for entry in &entries {
                        self.position = entry.revision;
                        self.put_entry(&mut out, entry);
                    }
                    if entries.len() == BATCH && out.is_empty() {
                        continue;
                    }
                }
            }
            if !out.is_empty() {
                return Some(out.freeze());
            }
            if self.ended || self.closed {
                return None;
            }
            if self.bookmark_at.is_none() {
                self.bookmark_at = self.next_bookmark();
            }
            tokio::select! {
                biased;
                // The last events are read before the end.
                changed = self.changed.changed() => self.closed = changed.is_err(),
                () = until(self.deadline) => return self.finish(out),
                () = until(self.bookmark_at) => {
                    self.bookmark_at = None;
                    self.catch_up(&mut out);
                    if !out.is_empty() {
                        return Some(out.freeze());
                    }
                }
            }
        }
    }

    /// Ends the watch with a bookmark, from which the client can resume however quiet its resource was.
    fn finish(&mut self, mut out: BytesMut) -> Option<Bytes> {
        self.ended = true;
        if self.bookmarks {
            self.catch_up(&mut out);
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    /// All events up to now, and a bookmark of now.
    fn catch_up(&mut self, out: &mut BytesMut) {
        let store = &self.api.store;
        // The revision first: what follows it stays for what is read next.
        let newest = store.revision();
        let id = self.target.resource.id();
        if let Some(Ok(entries)) = store.events_after(id, self.position, usize::MAX) {
            for entry in entries.iter().filter(|entry| entry.revision <= newest) {
                self.put_entry(out, entry);
            }
            self.position = self.position.max(newest);
            self.put_bookmark(out, false);
        }
    }

    fn next_bookmark(&self) -> Option<Instant> {
        let interval = self.api.bookmarks.get().filter(|_| self.bookmarks)?;
        Instant::now().checked_add(*interval)
    }

    /// An event as this selection sees it: what begins to match was added, what ceases to was deleted.
    fn put_entry(&mut self, out: &mut BytesMut, entry: &Entry) {
        if self
            .namespace
            .as_ref()
            .is_some_and(|namespace| *namespace != entry.key.namespace)
        {
            return;
        }
        let selects = |object: &Object| self.selector.matches(&self.target.resource, &object.value);
        let before = entry.previous.as_ref().is_some_and(selects);
        let after = selects(&entry.object);
        match entry.event {
            EventType::Deleted if before => self.put(out, "DELETED", &entry.object),
            EventType::Deleted => {}
            EventType::Added | EventType::Modified => match (before, after) {
                (false, true) => self.put(out, "ADDED", &entry.object),
                (true, true) => self.put(out, "MODIFIED", &entry.object),
                (true, false) => {
                    // As it was when it still matched, at the revision that took it away.
                    if let Some(previous) = &entry.previous {
                        let mut value = previous.value.clone();
                        let revision = entry.revision.to_string();
                        object::set_meta(&mut value, "resourceVersion", revision);
                        let left = Arc::new(Stored::new(value, entry.revision));
                        self.put(out, "DELETED", &left);
                    }
                }
                (false, false) => {}
            },
        }
    }

    fn put(&mut self, out: &mut BytesMut, event: &str, object: &Object) {
        let body = match self.form {
            Form::Object => object.json(&self.api_version),
            Form::Metadata => object.partial(),
            Form::Table(include) => self.table(include, object),
        };
        put_event(out, event, &body);
    }

    /// Only the first table of a watch defines its columns.
    fn table(&mut self, include: Include, object: &Object) -> Bytes {
        let headers = std::mem::take(&mut self.headers);
        let table = Table {
            target: &self.target,
            include,
            headers,
            now: self.api.clock.now(),
        };
        table.of(object)
    }

    fn put_bookmark(&mut self, out: &mut BytesMut, initial_end: bool) {
        let (kind, version) = match self.form {
            Form::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1"),
            Form::Object | Form::Table(_) => {
                (self.target.resource.kind(), self.api_version.as_str())
            }
        };
        let mut bookmark: Value = json!({
            "kind": kind, "apiVersion": version,
            "metadata": {"resourceVersion": self.position.to_string()},
        });
        if initial_end {
            bookmark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let body = match self.form {
            Form::Object | Form::Metadata => Bytes::from(bookmark.to_string()),
            Form::Table(include) => {
                // The end of the initial events has to be seen, whatever the rows carry.
                let include = match include {
                    Include::None if initial_end => Include::Metadata,
                    include => include,
                };
                self.table(include, &Arc::new(Stored::new(bookmark, self.position)))
            }
        };
        put_event(out, "BOOKMARK", &body);
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn put_event(out: &mut BytesMut, event: &str, object: &[u8]) {
    out.put_slice(b"{\"type\":\"");
    out.put_slice(event.as_bytes());
    out.put_slice(b"\",\"object\":");
    out.put_slice(object);
    out.put_slice(b"}\n");
}
