//! One GET: redirects, bounded waits, the server's words where it refuses.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rotaproof_base::TaskGroup;
use tokio::time::timeout;

use super::connect::{NoStream, Tls, connect};
use super::may_be_asked;
use crate::{Error, Settings};

/// As many as Go's and curl's clients follow by default, or less.
const MAX_REDIRECTS: usize = 10;
/// What is kept of a server's words.
const MAX_WORDS: usize = 300;

/// The client. Its connections close with it.
pub(crate) struct Http<'a> {
    pub(crate) settings: &'a Settings,
    tls: Tls,
    tasks: TaskGroup,
}

/// The answer to a GET, its body still to be read.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    patience: std::time::Duration,
    /// The setting that leads to another server, for errors.
    setting: &'static str,
}

impl<'a> Http<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            tls: Tls::default(),
            tasks: TaskGroup::new(),
        }
    }

    /// Asks, and follows redirects; `Authorization` is for the first server alone.
    pub(crate) async fn get(
        &self,
        url: &str,
        headers: &HeaderMap,
        setting: &'static str,
    ) -> Result<Answer, Error> {
        let mut headers = headers.clone();
        let mut uri = parse(url, setting)?;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.exchange(&uri, &headers, setting).await?;
            if !answer.status().is_redirection() {
                return Ok(self.answer(&uri, answer, setting));
            }
            let Some(next) = location(&uri, answer.headers()) else {
                return Ok(self.answer(&uri, answer, setting));
            };
            let next = parse(&next, setting)?;
            if next.scheme() != uri.scheme() || next.authority() != uri.authority() {
                headers.remove(header::AUTHORIZATION);
            }
            if uri.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(refused_redirect(&uri, &next, setting));
            }
            uri = next;
        }
        Err(Error::Answered {
            url: url.to_owned(),
            status: 302,
            said: format!("more than {MAX_REDIRECTS} redirects"),
            setting,
        })
    }

    fn answer(&self, uri: &Uri, answer: Response<Incoming>, setting: &'static str) -> Answer {
        let (parts, body) = answer.into_parts();
        Answer {
            // A redirect's query may be a credential (a signed URL).
            url: plain(uri),
            status: parts.status,
            headers: parts.headers,
            body,
            patience: self.settings.patience,
            setting,
        }
    }

    async fn exchange(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        setting: &'static str,
    ) -> Result<Response<Incoming>, Error> {
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let unreachable = |host: String, reason: String| Error::Unreachable {
            host,
            reason,
            setting,
        };
        let patience = self.settings.patience;
        let late = || format!("no answer within {} s", patience.as_secs_f32());
        let stream = timeout(
            patience,
            connect(uri, self.settings, &self.tls, &self.tasks),
        )
        .await
        .map_err(|_| unreachable(authority.clone(), late()))?
        .map_err(|NoStream { host, reason }| unreachable(host, reason))?;
        let failed = |error: hyper::Error| unreachable(authority.clone(), words(&error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        self.tasks.spawn(async move {
            // Its error reaches the sender.
            let _ = connection.await;
        });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::get(path)
            .header(header::HOST, authority.as_str())
            .header(
                header::USER_AGENT,
                concat!("rotaproof/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::<Bytes>::new())
            .map_err(|error| unreachable(authority.clone(), error.to_string()))?;
        request.headers_mut().extend(headers.clone());
        timeout(patience, sender.send_request(request))
            .await
            .map_err(|_| unreachable(authority.clone(), late()))?
            .map_err(failed)
    }
}

impl Answer {
    /// The next piece of the body; `None` at its end; why it broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            let frame = timeout(self.patience, self.body.frame())
                .await
                .map_err(|_| format!("nothing came for {} s", self.patience.as_secs_f32()))?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(words(&error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, of at most so many bytes.
    pub(crate) async fn whole(self, limit: usize) -> Result<Vec<u8>, Error> {
        self.whole_telling(limit, &mut |_, _| {}).await
    }

    /// As [`Answer::whole`]; tells after each piece how many bytes are here, and how many there will be.
    pub(crate) async fn whole_telling(
        mut self,
        limit: usize,
        tell: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Vec<u8>, Error> {
        let total = self.headers.get(header::CONTENT_LENGTH);
        let total = total.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        loop {
            match self.next().await {
                Ok(None) => return Ok(body),
                Ok(Some(piece)) if body.len() + piece.len() <= limit => {
                    body.extend_from_slice(&piece);
                    tell(body.len() as u64, total);
                }
                Ok(Some(_)) => return Err(self.unhelpful(format!("more than {limit} bytes"))),
                Err(reason) => return Err(self.unhelpful(reason)),
            }
        }
    }

    fn unhelpful(&self, said: String) -> Error {
        Error::Answered {
            url: self.url.clone(),
            status: self.status.as_u16(),
            said,
            setting: self.setting,
        }
    }

    /// The error that this answer is, with the server's words.
    pub(crate) async fn into_error(mut self) -> Error {
        let mut body = Vec::new();
        while body.len() < 4 * MAX_WORDS
            && let Ok(Some(piece)) = self.next().await
        {
            body.extend_from_slice(&piece);
        }
        let said = message(&body);
        let (url, status, setting) = (self.url, self.status.as_u16(), self.setting);
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Refused {
                url,
                status,
                said,
                setting,
            },
            _ => Error::Answered {
                url,
                status,
                said,
                setting,
            },
        }
    }
}

/// What a registry says (`errors[].message`), or the text itself, on one line.
fn message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = json
        .as_ref()
        .and_then(|json| {
            let error = json.pointer("/errors/0")?;
            let field = |name: &str| error.get(name)?.as_str();
            Some(format!("{}: {}", field("code")?, field("message")?))
        })
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(MAX_WORDS) {
        line.truncate(end);
        line.push('…');
    }
    line.retain(|c| !c.is_control());
    line
}

/// An error and what caused it.
fn words(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn plain(uri: &Uri) -> String {
    let text = uri.to_string();
    text.split('?').next().unwrap_or_default().to_owned()
}

fn parse(url: &str, setting: &'static str) -> Result<Uri, Error> {
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(may_be_asked).ok_or_else(|| Error::Answered {
        url: url.split('?').next().unwrap_or_default().to_owned(),
        status: 0,
        said: "it is not asked: plain HTTP is for loopback only".into(),
        setting,
    })
}

fn refused_redirect(from: &Uri, to: &Uri, setting: &'static str) -> Error {
    Error::Answered {
        url: plain(from),
        status: 302,
        said: format!("it leads from HTTPS to {}", plain(to)),
        setting,
    }
}

/// Where a redirect leads: absolute, or relative to the server.
fn location(from: &Uri, headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::LOCATION)?.to_str().ok()?;
    if text.contains("://") {
        return Some(text.to_owned());
    }
    let path = text.starts_with('/').then_some(text)?;
    Some(format!(
        "{}://{}{path}",
        from.scheme_str()?,
        from.authority()?
    ))
}
