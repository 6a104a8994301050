//! An HTTP server that misbehaves on request. Each connection has one exchange.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use rotaproof_base::{BoxIo, TaskGroup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::image::{INDEX, Image, MANIFEST, sha256};

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// Another status, with this body.
    Status(u16, &'static str),
    /// 401 that no token helps against.
    Password,
    /// Ranges are ignored.
    Whole,
    /// A byte of the body is another one.
    Flipped,
    /// No answer, ever.
    Silence,
    /// Elsewhere.
    Redirect(String),
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// Part of a path, what goes wrong there, and how often.
    faults: Vec<(String, Fault, usize)>,
    requests: Vec<String>,
    token: bool,
}

/// The server; it ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    _tasks: TaskGroup,
}

/// A stream that will be there.
pub(crate) type Pending = Pin<Box<dyn Future<Output = std::io::Result<BoxIo>> + Send>>;
/// Turns a connection into a stream: TLS, or nothing.
pub(crate) type Wrap = Arc<dyn Fn(BoxIo) -> Pending + Send + Sync>;

impl Server {
    pub(crate) async fn start() -> Self {
        Self::wrapped(Arc::new(|stream| Box::pin(async { Ok(stream) }))).await
    }

    pub(crate) async fn wrapped(wrap: Wrap) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let tasks = TaskGroup::new();
        let (connections, shared) = (tasks.handle(), state.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, wrap) = (shared.clone(), wrap.clone());
                connections.spawn(async move {
                    if let Ok(stream) = wrap(Box::new(stream)).await {
                        // A client that went away needs no answer.
                        let _ = answer(stream, address, &state).await;
                    }
                });
            }
        });
        Self {
            address,
            state,
            _tasks: tasks,
        }
    }

    pub(crate) fn file(&self, path: &str, kind: &'static str, bytes: impl Into<Vec<u8>>) {
        let mut state = self.state.lock().unwrap();
        state.files.insert(path.to_owned(), (kind, bytes.into()));
    }

    /// Puts an image in, as ESO's at a tag.
    pub(crate) fn image(&self, tag: &str, image: &Image) {
        let base = "/v2/external-secrets/external-secrets";
        self.file(
            &format!("{base}/manifests/{tag}"),
            INDEX,
            image.index.clone(),
        );
        let manifest = sha256(&image.manifest);
        self.file(
            &format!("{base}/manifests/{manifest}"),
            MANIFEST,
            image.manifest.clone(),
        );
        for (digest, bytes) in &image.blobs {
            self.file(
                &format!("{base}/blobs/{digest}"),
                "application/octet-stream",
                bytes.clone(),
            );
        }
    }

    pub(crate) fn fault(&self, path: &str, fault: Fault, times: usize) {
        let mut state = self.state.lock().unwrap();
        state.faults.push((path.to_owned(), fault, times));
    }

    /// From now on a token is asked for, which is given to anybody.
    pub(crate) fn ask_for_tokens(&self) {
        self.state.lock().unwrap().token = true;
    }

    /// The requests whose path has this in it, with their range and authorization.
    pub(crate) fn requests(&self, path: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut requests = state.requests.clone();
        requests.retain(|request| request.contains(path));
        requests
    }

    /// Waits until so many requests for such a path have come.
    pub(crate) async fn wait_for(&self, path: &str, count: usize) {
        let come = async {
            while self.requests(path).len() < count {
                tokio::task::yield_now().await;
            }
        };
        let bound = std::time::Duration::from_secs(20);
        let came = tokio::time::timeout(bound, come).await;
        assert!(came.is_ok(), "{:?}", self.requests(""));
    }
}

async fn answer(
    mut stream: BoxIo,
    address: SocketAddr,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (range, authorization) = (header("range"), header("authorization"));
    let (file, fault, token) = {
        let mut state = state.lock().unwrap();
        let noted = [Some(path.clone()), range.clone(), authorization.clone()];
        let noted: Vec<_> = noted.into_iter().flatten().collect();
        state.requests.push(noted.join(" "));
        let fault = state
            .faults
            .iter_mut()
            .find(|(part, _, times)| path.contains(part.as_str()) && *times > 0)
            .map(|(_, fault, times)| {
                *times -= 1;
                fault.clone()
            });
        (state.files.get(&path).cloned(), fault, state.token)
    };
    let mut extra = String::new();
    let (mut status, mut kind, mut body) = match file {
        Some((kind, body)) => (200, kind, body),
        None => (
            404,
            "application/json",
            br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.to_vec(),
        ),
    };
    if path.starts_with("/token?") {
        (status, body) = (200, br#"{"token":"for-anybody"}"#.to_vec());
    } else if token
        && path.starts_with("/v2/")
        && authorization.as_deref() != Some("Bearer for-anybody")
    {
        (status, body) = (
            401,
            br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#.to_vec(),
        );
        extra = format!(
            "WWW-Authenticate: Bearer realm=\"http://{address}/token\",service=\"test\",scope=\"repository:external-secrets/external-secrets:pull\"\r\n"
        );
    }
    let start = range
        .filter(|_| status == 200 && !matches!(fault, Some(Fault::Whole)))
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<usize>()
                .ok()
        });
    if let Some(start) = start {
        status = 206;
        extra = format!(
            "Content-Range: bytes {start}-{}/{}\r\n",
            body.len() - 1,
            body.len()
        );
        body.drain(..start.min(body.len()));
    }
    let mut sent = usize::MAX;
    match fault {
        Some(Fault::Cut(bytes)) => sent = bytes,
        Some(Fault::Status(code, text)) => (status, body) = (code, text.into()),
        Some(Fault::Password) => {
            (status, body) = (401, b"who are you".to_vec());
            extra = "WWW-Authenticate: Basic realm=\"mirror\"\r\n".into();
        }
        Some(Fault::Flipped) => {
            let middle = body.len() / 2;
            body[middle] ^= 1;
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Redirect(to)) => {
            (status, kind, body) = (307, "text/plain", Vec::new());
            extra = format!("Location: {to}\r\n");
        }
        Some(Fault::Whole) | None => {}
    }
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{extra}Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..sent.min(body.len())]).await?;
    stream.shutdown().await
}
