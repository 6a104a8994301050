//! `GET .../pods/{name}/log`.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::query::Query;
use super::{ApiBody, answer};
use crate::logs::Line;
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::Key;

const TEXT: &str = "text/plain";
/// Lines that are written at once to one who follows.
const BATCH: usize = 512;

pub(super) fn answer(
    api: &Arc<Inner>,
    parts: &Parts,
    query: &Query,
    key: &Key,
) -> Result<Response<ApiBody>, ApiError> {
    if parts.method != Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    let pods = api
        .registry
        .get("", "pods")
        .ok_or_else(ApiError::unknown_resource)?;
    let pod = api
        .store
        .get(pods.id(), key)
        .ok_or_else(|| ApiError::not_found(&pods, &key.name))?;
    let container = container(&pod.value, key, query.text("container"))?;
    if query.flag("previous") {
        return Err(ApiError::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{}\" not found",
            key.name
        )));
    }
    let since = since(api, query)?;
    let log = Log {
        api: api.clone(),
        pod: key.clone(),
        container,
        since,
        timestamps: query.flag("timestamps"),
        from: 0,
    };
    let written = api
        .logs
        .read(&key.namespace, &key.name, &log.container, 0, usize::MAX);
    let phase = pod.value.pointer("/status/phase").and_then(Value::as_str);
    if written.is_none() && phase.is_none_or(|phase| phase == "Pending") {
        return Err(ApiError::bad_request(format!(
            "container \"{}\" in pod \"{}\" is waiting to start: ContainerCreating",
            log.container, key.name
        )));
    }
    // Before the log is read, so that no line falls between the two.
    let changed = api.logs.follow(&key.namespace, &key.name, &log.container);
    let chunk = api
        .logs
        .read(&key.namespace, &key.name, &log.container, 0, usize::MAX);
    let (lines, next) = chunk.map_or((Vec::new(), 0), |chunk| (chunk.lines, chunk.next));
    let mut lines: Vec<Line> = lines.into_iter().filter(|line| log.shows(line)).collect();
    if let Some(tail) = query.number("tailLines")? {
        let tail = usize::try_from(tail.max(0)).unwrap_or(usize::MAX);
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = log.text(&lines);
    if let Some(limit) = query.number("limitBytes")? {
        text.truncate(usize::try_from(limit.max(0)).unwrap_or(usize::MAX));
    }
    if !query.flag("follow") {
        return Ok(answer::bytes(StatusCode::OK, TEXT, text));
    }
    let ends = api
        .store
        .subscribe(pods.id())
        .ok_or_else(ApiError::unknown_resource)?;
    let follower = Follower {
        log: Log { from: next, ..log },
        first: Some(text).filter(|text| !text.is_empty()),
        changed,
        pods: ends,
    };
    let chunks = stream::unfold(follower, |mut follower| async move {
        let chunk = follower.next().await?;
        Some((chunk, follower))
    });
    Ok(answer::stream(TEXT, chunks))
}

/// The container of a request: the only one, or the named one.
fn container(pod: &Value, key: &Key, asked: &str) -> Result<String, ApiError> {
    let names = |list: &str| -> Vec<&str> {
        let containers = pod.pointer(list).and_then(Value::as_array);
        let names = containers.into_iter().flatten();
        names
            .filter_map(|container| container.get("name")?.as_str())
            .collect()
    };
    let (main, init) = (names("/spec/containers"), names("/spec/initContainers"));
    if !asked.is_empty() {
        return match main.contains(&asked) || init.contains(&asked) {
            true => Ok(asked.to_owned()),
            false => Err(ApiError::bad_request(format!(
                "container {asked} is not valid for pod {}",
                key.name
            ))),
        };
    }
    match main.as_slice() {
        [one] => Ok((*one).to_owned()),
        several => Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            key.name,
            several.join(" ")
        ))),
    }
}

fn since(api: &Inner, query: &Query) -> Result<Option<Timestamp>, ApiError> {
    if let Some(seconds) = query.number("sinceSeconds")? {
        let ago = jiff::SignedDuration::from_secs(seconds.max(0));
        return Ok(api.clock.now().checked_sub(ago).ok());
    }
    match query.text("sinceTime") {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| ApiError::bad_request(format!("sinceTime: Invalid value: \"{text}\""))),
    }
}

struct Log {
    api: Arc<Inner>,
    pod: Key,
    container: String,
    since: Option<Timestamp>,
    timestamps: bool,
    from: u64,
}

impl Log {
    fn shows(&self, line: &Line) -> bool {
        self.since.is_none_or(|since| line.at >= since)
    }

    fn text(&self, lines: &[Line]) -> Bytes {
        let mut text = BytesMut::new();
        for line in lines {
            if self.timestamps {
                text.put_slice(
                    line.at
                        .strftime("%Y-%m-%dT%H:%M:%S.%9fZ ")
                        .to_string()
                        .as_bytes(),
                );
            }
            text.put_slice(line.text.as_bytes());
            text.put_u8(b'\n');
        }
        text.freeze()
    }

    /// Whether the pod can print no more.
    fn pod_ended(&self) -> bool {
        self.api.store.get("pods", &self.pod).is_none_or(|pod| {
            let phase = pod.value.pointer("/status/phase").and_then(Value::as_str);
            matches!(phase, Some("Succeeded" | "Failed"))
        })
    }
}

struct Follower {
    log: Log,
    first: Option<Bytes>,
    changed: watch::Receiver<()>,
    pods: watch::Receiver<u64>,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            self.changed.mark_unchanged();
            self.pods.mark_unchanged();
            // Asked first: what was printed before the pod ended is still read below.
            let ended = self.log.pod_ended();
            let (pod, container) = (&self.log.pod, &self.log.container);
            let chunk = self.log.api.logs.read(
                &pod.namespace,
                &pod.name,
                container,
                self.log.from,
                BATCH,
            )?;
            self.log.from = chunk.next;
            if !chunk.lines.is_empty() {
                let lines: Vec<Line> = chunk
                    .lines
                    .into_iter()
                    .filter(|line| self.log.shows(line))
                    .collect();
                if !lines.is_empty() {
                    return Some(self.log.text(&lines));
                }
                continue;
            }
            if ended || chunk.closed {
                return None;
            }
            tokio::select! {
                biased;
                changed = self.changed.changed() => changed.ok()?,
                changed = self.pods.changed() => changed.ok()?,
            }
        }
    }
}
