//! How long the CustomResourceDefinitions of a bundle take: created, listed and watched, on two servers one after the
//! other (the second finds the compiled schemas of the first).
//!
//! ```text
//! cargo run --release -p rotaproof-apiserver --example definitions -- bundle.yaml
//! ```

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use rotaproof_apiserver::{ApiServer, Config};
use rotaproof_base::jwt::Issuer;
use rotaproof_base::{Clock, Entropy};
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const FIRST_EVENTS: &str = "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=60";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: definitions BUNDLE")?;
    let text = std::fs::read_to_string(path)?;
    let start = Instant::now();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    println!(
        "{} definitions read in {:.1?}",
        documents.len(),
        start.elapsed()
    );
    for round in ["first", "second"] {
        let api = ApiServer::new(Config {
            clock: Clock::system(),
            entropy: Entropy::from_seed(7),
            issuer: Issuer::generate("https://kubernetes.default.svc")?,
        });
        let start = Instant::now();
        for document in &documents {
            let request = Request::post(DEFINITIONS)
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(document.to_string())))?;
            let answer = api.service().oneshot(request).await?;
            if !answer.status().is_success() {
                let body = answer.into_body().collect().await?.to_bytes();
                return Err(String::from_utf8_lossy(&body).into());
            }
        }
        println!("{round} server: created in {:.1?}", start.elapsed());
        let start = Instant::now();
        let request = Request::get(DEFINITIONS).body(Full::<Bytes>::default())?;
        let listed = api.service().oneshot(request).await?;
        let size = listed.into_body().collect().await?.to_bytes().len();
        println!(
            "{round} server: listed {size} bytes in {:.1?}",
            start.elapsed()
        );
        let start = Instant::now();
        let request =
            Request::get(format!("{DEFINITIONS}{FIRST_EVENTS}")).body(Full::<Bytes>::default())?;
        let mut watch = api.service().oneshot(request).await?.into_body();
        let mut seen = 0;
        while seen < documents.len() {
            let frame = watch.frame().await.ok_or("the watch ended")??;
            let data = frame.into_data().unwrap_or_default();
            seen += data.iter().filter(|byte| **byte == b'\n').count();
        }
        println!("{round} server: first events in {:.1?}", start.elapsed());
    }
    Ok(())
}
