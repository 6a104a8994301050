//! The metadata server of the cluster's nodes (<https://cloud.google.com/compute/docs/metadata/overview>): what it
//! says of project and cluster. It hands out no tokens: the operator's own pod has no identity here.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::config::GkeCluster;
use crate::{Body, Served, buffered};

/// The path under which all of it lies.
pub(super) const ROOT: &str = "/computeMetadata/";

pub(super) fn answer(
    request: &Request<Bytes>,
    project: &str,
    number: &str,
    cluster: &GkeCluster,
    served: &mut Served,
) -> Response<Body> {
    let flavored = request
        .headers()
        .get("metadata-flavor")
        .is_some_and(|value| value == "Google");
    let key = request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    let value = match key.strip_prefix("v1/") {
        Some("project/project-id") => Some(project),
        Some("project/numeric-project-id") => Some(number),
        Some("instance/attributes/cluster-name") => Some(cluster.name.as_str()),
        Some("instance/attributes/cluster-location") => Some(cluster.location.as_str()),
        _ => None,
    };
    let (status, text) = match value {
        _ if request.method() != Method::GET => (StatusCode::METHOD_NOT_ALLOWED, ""),
        _ if !flavored => (
            StatusCode::FORBIDDEN,
            "Missing Metadata-Flavor:Google header.",
        ),
        None => (StatusCode::NOT_FOUND, "404 page not found"),
        Some(value) => (StatusCode::OK, value),
    };
    if status != StatusCode::OK {
        served.refusal = Some(status.canonical_reason().unwrap_or_default().to_owned());
    }
    let mut response = Response::new(buffered(text.to_owned()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
    headers.insert(
        http::header::SERVER,
        HeaderValue::from_static("Metadata Server for VM"),
    );
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/text"),
    );
    response
}
