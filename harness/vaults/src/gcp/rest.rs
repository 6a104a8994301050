//! The REST form of the API: which method a request asks for, and its parts as the method's message
//! (the `google.api.http` options of `service.proto`).

use bytes::Bytes;
use http::{Method, Request as HttpRequest, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::answer;
use super::error::ApiError;
use super::json::{self, Fields};
use super::operation::{Answer, Request};
use super::proto;
use crate::Body;

/// The query of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &HttpRequest<Bytes>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn get(&self, name: &str) -> String {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// `$alt=json;enum-encoding=int`, as the generated clients send it.
    pub(super) fn enums_as_numbers(&self) -> bool {
        ["$alt", "alt"].iter().any(|name| {
            self.get(name)
                .split(';')
                .any(|part| part == "enum-encoding=int")
        })
    }

    fn number(&self, name: &str) -> Result<i32, ApiError> {
        match self.get(name).as_str() {
            "" => Ok(0),
            text => text
                .parse()
                .map_err(|_| ApiError::invalid(format!("Invalid value at '{name}' (TYPE_INT32)."))),
        }
    }
}

/// A resource name and a custom verb (`:access`) out of a path; `None` outside of `/v1/`.
pub(super) fn split(path: &str) -> Option<(String, Option<String>)> {
    let rest = path.strip_prefix("/v1/")?;
    let rest = percent_decode_str(rest).decode_utf8().ok()?;
    Some(match rest.rsplit_once(':') {
        Some((name, verb)) if !verb.contains('/') => (name.to_owned(), Some(verb.to_owned())),
        _ => (rest.into_owned(), None),
    })
}

/// The method that a request asks for, and its message; `None` where no method has this route.
pub(super) fn read(request: &HttpRequest<Bytes>) -> Option<Result<Request, ApiError>> {
    let (name, verb) = split(request.uri().path())?;
    let parts: Vec<&str> = name.split('/').collect();
    // Without `projects/*` and `locations/*`: what is left tells the method.
    let rest = match parts.as_slice() {
        ["projects", _, "locations", _, rest @ ..] | ["projects", _, rest @ ..] => rest,
        _ => return None,
    };
    let query = Query::of(request);
    let body = || json::object(request.body());
    let named = |name: String| proto::Named {
        name,
        etag: query.get("etag"),
    };
    let etagged = |name: String| -> Result<proto::Named, ApiError> {
        let body = body()?;
        let mut fields = Fields::new(&body);
        let etag = fields.text("etag")?;
        fields.end()?;
        Ok(proto::Named { name, etag })
    };
    let below = |collection: &str| {
        name.strip_suffix(collection)
            .unwrap_or_default()
            .trim_end_matches('/')
            .to_owned()
    };
    Some(match (request.method(), rest, verb.as_deref()) {
        (&Method::GET, ["secrets"], None) => {
            list(&query, below("secrets")).map(Request::ListSecrets)
        }
        (&Method::POST, ["secrets"], None) => body().and_then(|body| {
            Ok(Request::CreateSecret(proto::CreateSecret {
                parent: below("secrets"),
                secret_id: query.get("secretId"),
                secret: Some(json::secret(&body)?),
            }))
        }),
        (&Method::GET, ["secrets", _], None) => Ok(Request::GetSecret(named(name.clone()))),
        (&Method::DELETE, ["secrets", _], None) => Ok(Request::DeleteSecret(named(name.clone()))),
        (&Method::PATCH, ["secrets", _], None) => {
            body().and_then(|body| update(&query, name.clone(), &body))
        }
        (&Method::POST, ["secrets", _], Some("addVersion")) => body().and_then(|body| {
            let mut fields = Fields::new(&body);
            let payload = fields.object("payload")?.map(json::payload).transpose()?;
            fields.end()?;
            Ok(Request::AddSecretVersion(proto::AddSecretVersion {
                parent: name.clone(),
                payload,
            }))
        }),
        (&Method::GET, ["secrets", _, "versions"], None) => {
            list(&query, below("versions")).map(Request::ListSecretVersions)
        }
        (&Method::GET, ["secrets", _, "versions", _], None) => {
            Ok(Request::GetSecretVersion(named(name.clone())))
        }
        (&Method::GET, ["secrets", _, "versions", _], Some("access")) => {
            Ok(Request::AccessSecretVersion(named(name.clone())))
        }
        (&Method::POST, ["secrets", _, "versions", _], Some("disable")) => {
            etagged(name.clone()).map(Request::DisableSecretVersion)
        }
        (&Method::POST, ["secrets", _, "versions", _], Some("enable")) => {
            etagged(name.clone()).map(Request::EnableSecretVersion)
        }
        (&Method::POST, ["secrets", _, "versions", _], Some("destroy")) => {
            etagged(name.clone()).map(Request::DestroySecretVersion)
        }
        _ => return None,
    })
}

fn list(query: &Query, parent: String) -> Result<proto::List, ApiError> {
    Ok(proto::List {
        parent,
        page_size: query.number("pageSize")?,
        page_token: query.get("pageToken"),
        filter: query.get("filter"),
    })
}

fn update(query: &Query, name: String, body: &Map<String, Value>) -> Result<Request, ApiError> {
    let mask = query.get("updateMask");
    let paths = mask
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty());
    let secret = proto::Secret {
        name,
        ..json::secret(body)?
    };
    Ok(Request::UpdateSecret(proto::UpdateSecret {
        secret: Some(secret),
        update_mask: Some(proto::FieldMask {
            paths: paths.map(str::to_owned).collect(),
        }),
    }))
}

/// The message of `POST /v1/projects/-/serviceAccounts/*:generateAccessToken`; `None` for another route.
pub(super) fn generate_access_token(
    request: &HttpRequest<Bytes>,
) -> Option<Result<proto::GenerateAccessToken, ApiError>> {
    let (name, verb) = split(request.uri().path())?;
    if request.method() != Method::POST || verb.as_deref() != Some("generateAccessToken") {
        return None;
    }
    let read = |body: Map<String, Value>| {
        let mut fields = Fields::new(&body);
        let message = proto::GenerateAccessToken {
            name,
            delegates: fields.texts("delegates")?,
            scope: fields.texts("scope")?,
            lifetime: fields.duration("lifetime")?,
        };
        fields.end()?;
        Ok(message)
    };
    Some(json::object(request.body()).and_then(read))
}

/// An answer, or an error, as JSON.
pub(super) fn respond(result: Result<Answer, ApiError>, enums_as_numbers: bool) -> Response<Body> {
    match result {
        Ok(answer) => answer::json(StatusCode::OK, &json::answer(&answer, enums_as_numbers)),
        Err(error) => refuse(&error),
    }
}

pub(super) fn refuse(error: &ApiError) -> Response<Body> {
    let mut response = answer::json(error.code.http(), &error.json());
    if error.code == super::error::Code::Unauthenticated {
        response.headers_mut().insert(
            http::header::WWW_AUTHENTICATE,
            http::HeaderValue::from_static("Bearer realm=\"https://accounts.google.com/\""),
        );
    }
    response
}
