//! Lists: selection, chunks, lists of the past.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::endpoints::Request;
use super::negotiate::Form;
use super::pieces::Pieces;
use super::table::Table;
use super::{ApiBody, answer};
use crate::schema::{FieldError, FieldErrorReason};
use crate::selector::Selector;
use crate::status::ApiError;
use crate::store::{Key, Snapshot};

/// What a `continue` token carries: the revision of the first chunk, and where the next one begins.
#[derive(Clone, Serialize, Deserialize)]
struct Continue {
    /// None for the present one, where the first chunk's is too old.
    revision: Option<u64>,
    namespace: String,
    name: String,
}

const EXPIRED_CONTINUE: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

impl Continue {
    fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json!(self).to_string())
    }

    fn decode(token: &str) -> Result<Self, ApiError> {
        BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| {
                ApiError::bad_request("invalid continue token: continue key is not valid")
            })
    }
}

pub(super) fn answer(request: &Request<'_>) -> Result<Response<ApiBody>, ApiError> {
    let (_, body) = selected(request)?;
    Ok(answer::body(body))
}

pub(super) fn selector(request: &Request<'_>) -> Result<Selector, ApiError> {
    let (labels, fields) = (
        request.query.text("labelSelector"),
        request.query.text("fieldSelector"),
    );
    Selector::parse(&request.target.resource, labels, fields)
}

/// The selected chunk, and its list object.
pub(super) fn selected(request: &Request<'_>) -> Result<(Snapshot, ApiBody), ApiError> {
    let form = request.form()?;
    let selector = selector(request)?;
    check_options(request)?;
    let token = match request.query.text("continue") {
        "" => None,
        token => Some(Continue::decode(token)?),
    };
    if token.is_some() && !matches!(request.query.text("resourceVersion"), "" | "0") {
        let why = "specifying resource version is not allowed when using continue";
        return Err(ApiError::bad_request(why));
    }
    let mut snapshot = snapshot(request, token.as_ref(), &selector)?;
    if let Some(token) = &token {
        let after = Key::new(&*token.namespace, &*token.name);
        snapshot.objects.retain(|(key, _)| *key > after);
    }
    let resource = &request.target.resource;
    if !selector.is_empty() {
        snapshot
            .objects
            .retain(|(_, object)| selector.matches(resource, &object.value));
    }
    let mut remaining = None;
    let mut next = String::new();
    let limit = request.query.number("limit")?.unwrap_or(0).max(0);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit > 0 && snapshot.objects.len() > limit {
        // Kubernetes does not count what a selector would have to look at.
        remaining = selector.is_empty().then(|| snapshot.objects.len() - limit);
        snapshot.objects.truncate(limit);
        if let Some((key, _)) = snapshot.objects.last() {
            let token = Continue {
                revision: Some(snapshot.revision),
                namespace: key.namespace.clone(),
                name: key.name.clone(),
            };
            next = token.encode();
        }
    }
    let body = write(request, form, &snapshot, &next, remaining);
    Ok((snapshot, body))
}

/// `ValidateListOptions` (k8s.io/apimachinery `pkg/apis/meta/internalversion/validation`), for a list.
fn check_options(request: &Request<'_>) -> Result<(), ApiError> {
    let query = &request.query;
    let wrong = |field: &str, reason, detail: String| {
        let field = field.to_owned();
        Err(ApiError::invalid_options(
            "ListOptions",
            FieldError {
                field,
                reason,
                detail,
            },
        ))
    };
    let forbidden = |field, why: &str| {
        wrong(
            field,
            FieldErrorReason::Forbidden,
            format!("Forbidden: {why}"),
        )
    };
    const MATCH: &str = "resourceVersionMatch";
    if query.names("sendInitialEvents") {
        let why = "sendInitialEvents is forbidden for list";
        return forbidden("sendInitialEvents", why);
    }
    match (query.text(MATCH), query.text("resourceVersion")) {
        ("", _) => Ok(()),
        (_, "") => forbidden(
            MATCH,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        ("Exact", "0") => forbidden(
            MATCH,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        ("Exact" | "NotOlderThan", _) => Ok(()),
        (other, _) => {
            let detail = format!(
                "Unsupported value: \"{other}\": supported values: \"Exact\", \"NotOlderThan\", \"\""
            );
            wrong(MATCH, FieldErrorReason::NotSupported, detail)
        }
    }
}

/// The objects to select from; those with a label that the selector wants are enough.
fn snapshot(
    request: &Request<'_>,
    token: Option<&Continue>,
    selector: &Selector,
) -> Result<Snapshot, ApiError> {
    let store = &request.api.store;
    let resource = &request.target.resource;
    let namespace = request.namespace.as_deref();
    let current = || {
        match selector.label() {
            Some(label) => store.labelled(resource.id(), namespace, label),
            None => store.list(resource.id(), namespace),
        }
        .ok_or_else(ApiError::unknown_resource)
    };
    let at = |revision: u64, expired: &dyn Fn(u64) -> ApiError| {
        let newest = store.revision();
        if revision > newest {
            return Err(ApiError::too_large(revision, newest));
        }
        store
            .list_at(resource.id(), namespace, revision)
            .ok_or_else(ApiError::unknown_resource)?
            .map_err(|too_old| expired(too_old.oldest))
    };
    if let Some(token) = token {
        return match token.revision {
            // What an expired token is answered with: the rest of the list as it is now.
            None => current(),
            Some(revision) => at(revision, &|_| {
                let rest = Continue {
                    revision: None,
                    ..token.clone()
                };
                ApiError::expired(EXPIRED_CONTINUE).continued_by(rest.encode())
            }),
        };
    }
    match (
        request.query.revision()?,
        request.query.text("resourceVersionMatch"),
    ) {
        (Some(revision), "Exact") => at(revision, &|oldest| {
            ApiError::expired(format!("too old resource version: {revision} ({oldest})"))
        }),
        (Some(revision), _) => {
            let newest = store.revision();
            match revision > newest {
                true => Err(ApiError::too_large(revision, newest)),
                false => current(),
            }
        }
        (None, _) => current(),
    }
}

/// Concatenates the cached serialisations of the objects as they are read: nothing is cloned or serialised twice.
fn write(
    request: &Request<'_>,
    form: Form,
    snapshot: &Snapshot,
    next: &str,
    remaining: Option<usize>,
) -> ApiBody {
    let mut meta = json!({"resourceVersion": snapshot.revision.to_string()});
    // A list of custom resources says so even where there is no more.
    if !next.is_empty() || (request.target.resource.is_custom() && matches!(form, Form::Object)) {
        meta["continue"] = next.into();
        if let Some(remaining) = remaining {
            meta["remainingItemCount"] = remaining.into();
        }
    }
    let api_version = request.target.api_version();
    let (kind, version) = match form {
        Form::Object => (request.target.resource.list_kind(), api_version.as_str()),
        Form::Metadata => ("PartialObjectMetadataList", "meta.k8s.io/v1"),
        Form::Table(include) => {
            let table = Table {
                target: &request.target,
                include,
                headers: true,
                now: request.api.clock.now(),
            };
            let table = table.write(&meta, snapshot.objects.iter().map(|(_, object)| object));
            return Full::new(table).boxed_unsync();
        }
    };
    let head = json!({"kind": kind, "apiVersion": version, "metadata": meta}).to_string();
    // The head closes two levels: its metadata again, then the object itself after the items.
    let head = head.trim_end_matches('}');
    // As Go writes a slice that nothing was appended to.
    if snapshot.objects.is_empty() && matches!(form, Form::Metadata) {
        return Full::new(Bytes::from(format!("{head}}},\"items\":null}}"))).boxed_unsync();
    }
    let head = format!("{head}}},\"items\":[");
    // Go's types of built-in kinds do not repeat their name in every item.
    let unnamed = match request.target.resource.typed {
        true => format!(
            "{{\"apiVersion\":\"{api_version}\",\"kind\":\"{}\",",
            request.target.resource.kind()
        ),
        false => String::new(),
    };
    let mut pieces = Vec::with_capacity(snapshot.objects.len() * 2 + 2);
    pieces.push(Bytes::from(head));
    for (at, (_, object)) in snapshot.objects.iter().enumerate() {
        if at > 0 {
            pieces.push(Bytes::from_static(b","));
        }
        let piece = match form {
            Form::Metadata => object.partial(),
            Form::Object | Form::Table(_) => {
                let json = object.json(&api_version);
                match !unnamed.is_empty() && json.starts_with(unnamed.as_bytes()) {
                    true => {
                        pieces.push(Bytes::from_static(b"{"));
                        json.slice(unnamed.len()..)
                    }
                    false => json,
                }
            }
        };
        pieces.push(piece);
    }
    pieces.push(Bytes::from_static(b"]}"));
    Pieces::new(pieces).boxed_unsync()
}
