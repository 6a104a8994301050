//! The metadata server of the node (`cloud.google.com/go/compute/metadata`).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use rotaproof_egress::Client;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::super::transport;

/// ESO's own limit of one request.
const TIMEOUT: Duration = Duration::from_secs(5);
const BASE: &str = "http://169.254.169.254/computeMetadata/v1/";

/// What was read of the metadata server; the project's id is read once in the life of a process.
#[derive(Default)]
pub(super) struct Metadata {
    project: Mutex<Option<String>>,
}

impl Metadata {
    /// The project's id.
    pub(super) async fn project(&self, egress: &Client) -> Result<String, String> {
        let mut known = self.project.lock().await;
        if let Some(project) = known.as_ref() {
            return Ok(project.clone());
        }
        let project = read(egress, "project/project-id").await?;
        *known = Some(project.clone());
        Ok(project)
    }

    /// An attribute of the node's instance, such as `cluster-name`.
    pub(super) async fn attribute(&self, egress: &Client, name: &str) -> Result<String, String> {
        read(egress, &format!("instance/attributes/{name}")).await
    }
}

async fn read(egress: &Client, key: &str) -> Result<String, String> {
    let url = format!("{BASE}{key}");
    let request = Request::get(&url)
        .header("metadata-flavor", "Google")
        .header("user-agent", "gcloud-golang/0.1")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let answer = match timeout(TIMEOUT, egress.send(request)).await {
        Err(_) => {
            return Err(format!(
                "Get {url:?}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ));
        }
        Ok(Err(error)) => return Err(format!("Get {url:?}: {}", transport::cause(&error))),
        Ok(Ok(answer)) => answer,
    };
    let body = String::from_utf8_lossy(answer.body()).trim().to_owned();
    match answer.status() {
        StatusCode::OK => Ok(body),
        StatusCode::NOT_FOUND => Err(format!("metadata: GCE metadata {key:?} not defined")),
        status => Err(format!("compute: Received {} `{body}`", status.as_u16())),
    }
}
