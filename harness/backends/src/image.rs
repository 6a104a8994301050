//! The images: what each server is told at its start, and how its health is read.

use std::borrow::Cow;

use rotaproof_base::SecretValue;
use serde_json::Value;
use testcontainers::Image;
use testcontainers::core::{ContainerPort, IntoContainerPort, WaitFor};

use crate::settings::ImageName;

/// A server in a container.
pub(crate) struct Server {
    pub(crate) image: ImageName,
    pub(crate) port: u16,
    ports: [ContainerPort; 1],
    environment: Vec<(&'static str, String)>,
    /// The path that answers when it is healthy.
    pub(crate) health: &'static str,
    /// Whether an answer of that path says so.
    pub(crate) is_healthy: fn(&Value) -> bool,
}

/// Which of the two dev servers; they differ in the names of their variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DevServer {
    Vault,
    OpenBao,
}

impl Server {
    fn new(
        image: ImageName,
        port: u16,
        environment: Vec<(&'static str, String)>,
        health: &'static str,
        is_healthy: fn(&Value) -> bool,
    ) -> Self {
        Self {
            image,
            port,
            ports: [port.tcp()],
            environment,
            health,
            is_healthy,
        }
    }

    /// LocalStack with the two services of a vault, loaded before it calls itself healthy; nothing of it waits for
    /// the outside.
    pub(crate) fn localstack(image: ImageName) -> Self {
        let text = |name, value: &str| (name, value.to_owned());
        let environment = vec![
            text("SERVICES", "secretsmanager,sts"),
            text("EAGER_SERVICE_LOADING", "1"),
            text("DISABLE_EVENTS", "1"),
            text("SKIP_SSL_CERT_DOWNLOAD", "1"),
            text("DNS_ADDRESS", "0"),
        ];
        Self::new(image, 4566, environment, "/_localstack/health", |answer| {
            let state = answer.pointer("/services/secretsmanager");
            matches!(state.and_then(Value::as_str), Some("running" | "available"))
        })
    }

    /// A dev server, in memory, unsealed, with this root token.
    pub(crate) fn dev(kind: DevServer, image: ImageName, root: &SecretValue) -> Self {
        let (token, listen) = match kind {
            DevServer::Vault => ("VAULT_DEV_ROOT_TOKEN_ID", "VAULT_DEV_LISTEN_ADDRESS"),
            DevServer::OpenBao => ("BAO_DEV_ROOT_TOKEN_ID", "BAO_DEV_LISTEN_ADDRESS"),
        };
        let environment = vec![
            (token, root.expose_str().unwrap_or_default().to_owned()),
            (listen, "0.0.0.0:8200".to_owned()),
            // Its memory is a test's; to lock it would take a capability.
            ("SKIP_SETCAP", "true".to_owned()),
        ];
        Self::new(image, 8200, environment, "/v1/sys/health", |answer| {
            answer["initialized"] == true && answer["sealed"] == false
        })
    }
}

impl Image for Server {
    fn name(&self) -> &str {
        &self.image.name
    }

    fn tag(&self) -> &str {
        &self.image.tag
    }

    /// Nothing: health is asked over HTTP, where a body can be judged and an exit is noticed.
    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::Nothing]
    }

    fn env_vars(
        &self,
    ) -> impl IntoIterator<Item = (impl Into<Cow<'_, str>>, impl Into<Cow<'_, str>>)> {
        self.environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &self.ports
    }
}
