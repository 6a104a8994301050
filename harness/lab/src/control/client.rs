//! The other commands' end of the socket.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rotaproof_base::TaskGroup;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::SOCKET;
use super::messages::{
    Fault, Heal, Healed, Injected, JournalQuery, Refusal, Rotate, Rotated, Status,
};
use crate::{Error, Place};

/// A connection to a lab that is up.
pub struct Client {
    place: Place,
    sender: SendRequest<Full<Bytes>>,
    _tasks: TaskGroup,
}

impl Client {
    /// Connects to the lab at a place.
    ///
    /// # Errors
    /// [`Error::Usage`] where no lab is up there.
    pub async fn connect(place: Place) -> Result<Self, Error> {
        let path = place.file(SOCKET);
        let stream = match UnixStream::connect(&path).await {
            Ok(stream) => stream,
            Err(error) => return Err(unreachable(&place, error)),
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| broken(&place, &error))?;
        let tasks = TaskGroup::new();
        tasks.spawn(async move {
            // What goes wrong here, the request's future tells.
            let _ = connection.await;
        });
        Ok(Self {
            place,
            sender,
            _tasks: tasks,
        })
    }

    /// How the lab fares.
    pub async fn status(&mut self) -> Result<Status, Error> {
        self.ask(Method::GET, "/status", &()).await
    }

    /// Makes a new version of a secret current.
    pub async fn rotate(&mut self, request: &Rotate) -> Result<Rotated, Error> {
        self.ask(Method::POST, "/rotate", request).await
    }

    /// Makes a vault misbehave.
    pub async fn fault(&mut self, request: &Fault) -> Result<Injected, Error> {
        self.ask(Method::POST, "/fault", request).await
    }

    /// Ends faults.
    pub async fn heal(&mut self, request: &Heal) -> Result<Healed, Error> {
        self.ask(Method::POST, "/heal", request).await
    }

    /// The journal, an entry at a time.
    pub async fn journal(mut self, query: &JournalQuery) -> Result<Lines, Error> {
        let body = self
            .send(Method::POST, "/journal", query)
            .await?
            .into_body();
        Ok(Lines {
            client: self,
            body,
            read: BytesMut::new(),
        })
    }

    /// Ends the lab, and waits until its process has let go of its place.
    ///
    /// # Errors
    /// Where it does not within `patience`.
    pub async fn down(mut self, patience: Duration) -> Result<(), Error> {
        let asked: Result<serde_json::Value, Error> = self.ask(Method::POST, "/down", &()).await;
        let gone = tokio::time::timeout(patience, self.place.wait_until_free()).await;
        match gone {
            Ok(waited) => waited,
            Err(_) => {
                asked?;
                Err(Error::Environment(format!(
                    "the lab `{}` did not end within {} s; its process is in `rotaproof status --json`",
                    self.place.name(),
                    patience.as_secs()
                )))
            }
        }
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, Error> {
        let answer = self.send(method, path, question).await?;
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| broken(&self.place, &error))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| broken(&self.place, &error))
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        question: &impl Serialize,
    ) -> Result<Response<Incoming>, Error> {
        let body = serde_json::to_vec(question).map_err(|error| broken(&self.place, &error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "lab")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(&self.place, &error))?;
        let answer = self.sender.send_request(request).await;
        let answer = answer.map_err(|error| broken(&self.place, &error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| broken(&self.place, &error))?;
        let refusal: Refusal = serde_json::from_slice(&body.to_bytes())
            .map_err(|error| broken(&self.place, &error))?;
        Err(match refusal.usage {
            true => Error::Usage(refusal.error),
            false => Error::Environment(refusal.error),
        })
    }
}

/// The lines of a journal, as they come.
pub struct Lines {
    client: Client,
    body: Incoming,
    read: BytesMut,
}

impl Lines {
    /// The next entry as JSON, without its line end; `None` at the end.
    ///
    /// # Errors
    /// Where the lab ends midway.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end).freeze();
                self.read.advance(1);
                return Ok(Some(line));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => {
                    // A lab that ends takes its followers with it: no news.
                    return match self.client.place.is_up() {
                        true => Err(broken(&self.client.place, &error)),
                        false => Ok(None),
                    };
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}

fn unreachable(place: &Place, error: std::io::Error) -> Error {
    let name = place.name();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused if place.is_up() => Error::Environment(
            format!("the lab `{name}` is starting or ending: try again in a moment"),
        ),
        ErrorKind::NotFound => Error::Usage(format!(
            "no lab named `{name}` is up: `rotaproof up --name {name}` starts one"
        )),
        ErrorKind::ConnectionRefused => Error::Usage(format!(
            "the lab `{name}` was killed: `rotaproof up --name {name}` starts it anew, `rotaproof gc` \
             removes what is left of it"
        )),
        _ => Error::Environment(format!("cannot reach the lab `{name}`: {error}")),
    }
}

fn broken(place: &Place, error: &dyn std::fmt::Display) -> Error {
    Error::Environment(format!(
        "the lab `{}` broke off: {error}; `rotaproof status` says whether it is up",
        place.name()
    ))
}
