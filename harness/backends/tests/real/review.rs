//! A cluster's TokenReview as far as Vault asks for it, on an address that a container reaches.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rotaproof_base::TaskGroup;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves reviews on the gateway of Docker's default network; the token `good` is that of service account
/// `external-secrets/eso`, and only the bearer `reviewer` is answered.
pub(crate) async fn serve(tasks: &TaskGroup) -> String {
    let bridge = crate::docker::docker(&[
        "network",
        "inspect",
        "bridge",
        "--format",
        "{{(index .IPAM.Config 0).Gateway}}",
    ]);
    let listener = TcpListener::bind((bridge.unwrap(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let handle = tasks.handle();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            handle.spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                let service = service_fn(review);
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("http://{address}")
}

async fn review(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let bearer = parts.headers.get("authorization");
    let reviewer = bearer.is_some_and(|bearer| bearer == "Bearer reviewer");
    let path = parts.uri.path() == "/apis/authentication.k8s.io/v1/tokenreviews";
    if !reviewer || !path {
        let refused = Response::builder().status(403).body(Full::default());
        return Ok(refused.unwrap());
    }
    let status = match asked["spec"]["token"].as_str() {
        Some(token) if token.ends_with(".good") => json!({
            "authenticated": true,
            "user": {
                "username": "system:serviceaccount:external-secrets:eso",
                "uid": "6c0a7d1e-0000-4000-8000-000000000001",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:external-secrets", "system:authenticated"],
            },
            "audiences": asked["spec"]["audiences"],
        }),
        _ => json!({"authenticated": false, "error": "invalid bearer token"}),
    };
    let answer = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {},
        "spec": asked["spec"], "status": status,
    });
    let answer = Response::builder()
        .status(201)
        .header("content-type", "application/json")
        .body(Full::from(answer.to_string()));
    Ok(answer.unwrap())
}
