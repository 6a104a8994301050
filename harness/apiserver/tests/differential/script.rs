//! The files of `calls/`: requests with variables that each side fills with what it answered.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;

use crate::protobuf;
use crate::side::Call;

/// A group of requests, and a row of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) group: String,
    pub(crate) calls: Vec<Step>,
}

/// One request. In its texts `${ns}` is a namespace of the group's own, other names are what was kept.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Step {
    pub(crate) title: String,
    /// `GET /api/v1/namespaces`
    pub(crate) call: String,
    pub(crate) accept: Option<String>,
    pub(crate) agent: Option<String>,
    /// The body's media type; that of its notation where there is none.
    #[serde(rename = "type")]
    pub(crate) media: Option<String>,
    pub(crate) json: Option<Value>,
    pub(crate) text: Option<String>,
    pub(crate) protobuf: Option<Value>,
    /// Variables by pointers into the answer.
    pub(crate) keep: BTreeMap<String, String>,
    /// How many events of a watch are read.
    pub(crate) events: Option<usize>,
    /// Starts a watch under this name, which `watched` reads later.
    pub(crate) watch: Option<String>,
    pub(crate) watched: Option<String>,
    /// Sends the documents of a file (of a bundle of CRDs) one by one.
    pub(crate) bundle: bool,
    /// Sent until both sides answer with this code, then compared: what becomes true a little later.
    pub(crate) until: Option<u16>,
    /// And until both answers have this text.
    pub(crate) contains: String,
}

pub(crate) type Variables = BTreeMap<String, String>;

impl Step {
    pub(crate) fn get(path: &str) -> Self {
        Self {
            call: format!("GET {path}"),
            ..Self::default()
        }
    }

    pub(crate) fn post(path: &str, body: Value) -> Self {
        Self {
            call: format!("POST {path}"),
            json: Some(body),
            ..Self::default()
        }
    }

    /// The request with one side's variables.
    pub(crate) fn request(&self, variables: &Variables) -> Call {
        let (method, path) = self.call.split_once(' ').unwrap_or(("GET", &self.call));
        let mut request = Request::builder()
            .method(method)
            .uri(fill(path, variables))
            .header("user-agent", self.agent.as_deref().unwrap_or("client/1.0"));
        if let Some(accept) = &self.accept {
            request = request.header("accept", accept);
        }
        let (media, body) = if let Some(json) = &self.json {
            (
                "application/json",
                fill(&json.to_string(), variables).into_bytes(),
            )
        } else if let Some(text) = &self.text {
            ("application/json", fill(text, variables).into_bytes())
        } else if let Some(notation) = &self.protobuf {
            let notation = fill(&notation.to_string(), variables);
            let notation = serde_json::from_str(&notation).unwrap();
            (
                "application/vnd.kubernetes.protobuf",
                protobuf::body(&notation),
            )
        } else {
            ("", Vec::new())
        };
        let media = self.media.as_deref().unwrap_or(media);
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        request.body(Full::new(Bytes::from(body))).unwrap()
    }

    /// How the request is named in a list of differences.
    pub(crate) fn name(&self) -> String {
        match self.title.as_str() {
            "" => self.call.clone(),
            title => format!("{title} ({})", self.call),
        }
    }
}

fn fill(text: &str, variables: &Variables) -> String {
    let mut text = text.to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    text
}

/// All groups, in the order of their files' names.
pub(crate) fn groups() -> Result<Vec<Group>, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/calls");
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        // `y` is a text here.
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(&text, options)
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    paths.iter().map(read).collect()
}
