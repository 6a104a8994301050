//! One container: started, waited for, asked how it is, removed when dropped.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use rotaproof_base::{BoxIo, Clock, Dial, RunId, TcpDialer};
use rotaproof_egress::Client;
use testcontainers::bollard::models::{
    ContainerInspectResponse, EndpointSettings, NetworkConnectRequest, PortBinding,
};
use testcontainers::bollard::query_parameters::InspectContainerOptions;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerRequest, ImageExt};
use tokio::time::Instant;

use crate::image::Server;
use crate::removal::{Name, Removals};
use crate::settings::{ImageName, Settings};
use crate::{Error, docker};

/// The label that everything of a run carries in Docker; its value is the run's id.
pub const RUN_LABEL: &str = "dev.rotaproof.run";

/// Between two looks at a server that is not healthy yet.
const LOOK_AGAIN: Duration = Duration::from_millis(40);
/// How long one look may take: an address that nothing routes would swallow it.
const LOOK: Duration = Duration::from_secs(2);

/// A container whose server is healthy. Removed when dropped.
pub(crate) struct Container {
    name: Name,
    server: Told,
    door: Arc<Door>,
}

/// What is known of a server beforehand.
struct Told {
    image: ImageName,
    port: u16,
    health: &'static str,
    is_healthy: fn(&serde_json::Value) -> bool,
}

/// Where a server is reached. Docker publishes it at another port when its container joins a network.
struct Door(Mutex<SocketAddr>);

#[async_trait]
impl Dial for Door {
    async fn dial(&self) -> io::Result<BoxIo> {
        let address = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        TcpDialer(address).dial().await
    }
}

/// Where and for whom containers are started.
pub(crate) struct Place<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) settings: &'a Settings,
    pub(crate) network: Option<&'a str>,
    pub(crate) removals: &'a Arc<Removals>,
}

impl Container {
    /// Starts a server as `rotaproof-<run id>-<name>` and waits until it is healthy.
    pub(crate) async fn start(
        server: Server,
        name: &str,
        place: &Place<'_>,
    ) -> Result<Self, Error> {
        let docker = docker::reach().await?;
        if let Some(network) = place.network {
            docker::network(&docker, network).await?;
        }
        let run = place.run.to_string();
        let mut name = Name::take(format!("rotaproof-{run}-{name}"), &docker, place.removals);
        let port = server.port;
        let told = Told {
            image: server.image.clone(),
            port,
            health: server.health,
            is_healthy: server.is_healthy,
        };
        let mut request = ContainerRequest::from(server)
            .with_container_name(name.as_str())
            .with_label(RUN_LABEL, run)
            .with_startup_timeout(place.settings.patience)
            // On this machine only: a vault with a known root token is nobody else's business.
            .with_host_config_modifier(move |host| {
                let loopback = PortBinding {
                    host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
                    host_port: None,
                };
                host.publish_all_ports = Some(false);
                host.port_bindings = Some(HashMap::from([(
                    format!("{port}/tcp"),
                    Some(vec![loopback]),
                )]));
            });
        if let Some(network) = place.network {
            request = request.with_network(network);
        }
        let began = Instant::now();
        let started = request.start().await;
        name.settle();
        match started {
            Ok(container) => name.hold(Box::new(container)),
            Err(error) => {
                let error = docker::starting(&error, name.as_str(), &told.image);
                if matches!(error, Error::NameTaken { .. }) {
                    // It is not ours to remove.
                    name.release();
                }
                return Err(error);
            }
        }
        let waiting = Waiting {
            container: name.as_str(),
            server: &told,
            began,
            patience: place.settings.patience,
        };
        let address = waiting.until_healthy().await?;
        Ok(Self {
            name,
            server: told,
            door: Arc::new(Door(Mutex::new(address))),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// A client of its server.
    pub(crate) fn client(&self, clock: &Clock) -> Result<Client, Error> {
        client(self.name(), self.door.clone(), clock)
    }

    /// Attaches it to one more network, and finds its server again.
    pub(crate) async fn join(&self, network: &str, patience: Duration) -> Result<(), Error> {
        let docker = docker::connect().await?;
        docker::network(&docker, network).await?;
        let endpoint = NetworkConnectRequest {
            container: self.name().to_owned(),
            endpoint_config: Some(EndpointSettings::default()),
        };
        docker
            .connect_network(network, endpoint)
            .await
            .map_err(|error| Error::Docker {
                what: format!("attach the container {} to {network}", self.name()),
                cause: docker::words(&error),
            })?;
        let waiting = Waiting {
            container: self.name(),
            server: &self.server,
            began: Instant::now(),
            patience,
        };
        let address = waiting.until_healthy().await?;
        *self.door.0.lock().unwrap_or_else(PoisonError::into_inner) = address;
        Ok(())
    }

    /// Nothing where its container runs; else why not, with its last lines.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        running(self.name(), &self.server.image).await.map(drop)
    }
}

fn client(container: &str, door: Arc<dyn Dial>, clock: &Clock) -> Result<Client, Error> {
    Client::builder(clock.clone())
        .direct(door)
        .build()
        .map_err(|error| Error::Client {
            container: container.to_owned(),
            cause: error.to_string(),
        })
}

/// The container as Docker sees it, if it runs.
async fn running(container: &str, image: &ImageName) -> Result<ContainerInspectResponse, Error> {
    let docker = docker::connect().await?;
    let ended = |code, log| Error::Ended {
        container: container.to_owned(),
        image: image.to_string(),
        code,
        log,
    };
    let seen = docker
        .inspect_container(container, None::<InspectContainerOptions>)
        .await;
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) if docker::status(&error) == Some(404) => {
            return Err(ended(None, String::new()));
        }
        Err(error) => {
            return Err(Error::Docker {
                what: format!("look at the container {container}"),
                cause: docker::words(&error),
            });
        }
    };
    let state = seen.state.clone().unwrap_or_default();
    if state.running == Some(true) {
        return Ok(seen);
    }
    let log = docker::tail(&docker, container).await;
    Err(ended(state.exit_code, log))
}

/// Where its server may be reached: on this machine's loopback, else (Docker on another machine) on its networks.
///
/// Loopback first: an address on a network is given to the next container as soon as this one is gone, and a root
/// token would be sent there. A published port goes with its container.
fn addresses(seen: &ContainerInspectResponse, port: u16) -> Vec<SocketAddr> {
    let Some(settings) = &seen.network_settings else {
        return Vec::new();
    };
    let networks = settings.networks.iter().flatten();
    let inside = networks.filter_map(|(_, endpoint)| {
        let address: IpAddr = endpoint.ip_address.as_deref()?.parse().ok()?;
        Some(SocketAddr::new(address, port))
    });
    let published = settings
        .ports
        .iter()
        .flatten()
        .filter(|(name, _)| **name == format!("{port}/tcp"))
        .flat_map(|(_, bindings)| bindings.iter().flatten())
        .filter_map(|binding| {
            let port: u16 = binding.host_port.as_deref()?.parse().ok()?;
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        });
    published.chain(inside).collect()
}

/// A container whose server is looked for.
struct Waiting<'a> {
    container: &'a str,
    server: &'a Told,
    began: Instant,
    patience: Duration,
}

impl Waiting<'_> {
    /// The first of its addresses at which the server says that it is healthy.
    async fn until_healthy(&self) -> Result<SocketAddr, Error> {
        let clock = Clock::system();
        loop {
            let seen = running(self.container, &self.server.image).await?;
            let mut last = "it has no address".to_owned();
            for address in addresses(&seen, self.server.port) {
                match self.look(address, &clock).await {
                    Ok(()) => {
                        tracing::debug!(
                            "{} is healthy at {address} after {:?}",
                            self.container,
                            self.began.elapsed()
                        );
                        return Ok(address);
                    }
                    Err(met) => last = met,
                }
            }
            let waited = self.began.elapsed();
            if waited >= self.patience {
                let docker = docker::connect().await?;
                return Err(Error::NotHealthy {
                    container: self.container.to_owned(),
                    image: self.server.image.to_string(),
                    waited,
                    last,
                    log: docker::tail(&docker, self.container).await,
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Judges the body: something else may answer at an address that nothing here routes.
    async fn look(&self, address: SocketAddr, clock: &Clock) -> Result<(), String> {
        let path = self.server.health;
        let client = client(self.container, Arc::new(TcpDialer(address)), clock)
            .map_err(|error| error.to_string())?;
        let request = Request::get(format!("http://{address}{path}"))
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(LOOK, client.send(request))
            .await
            .map_err(|_| format!("no answer from {address} in {} s", LOOK.as_secs()))?
            .map_err(|error| error.to_string())?;
        let healthy = serde_json::from_slice(answer.body())
            .is_ok_and(|answer: serde_json::Value| (self.server.is_healthy)(&answer));
        match healthy {
            true => Ok(()),
            false => Err(format!(
                "{path} at {address} answered {}, and not that it is healthy",
                answer.status()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use rotaproof_base::SecretValue;
    use rstest::rstest;
    use testcontainers::bollard::models::NetworkSettings;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::image::DevServer;

    #[rstest]
    #[case::healthy(200, r#"{"initialized":true,"sealed":false}"#, true)]
    #[case::sealed(503, r#"{"initialized":true,"sealed":true}"#, false)]
    #[case::something_else(200, "<html>Welcome</html>", false)]
    #[case::an_answer_of_another_server(200, r#"{"services":{"secretsmanager":"running"}}"#, false)]
    #[tokio::test]
    async fn only_a_server_that_says_so_is_healthy(
        #[case] status: u16,
        #[case] body: &str,
        #[case] healthy: bool,
    ) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let image = ImageName::new("hashicorp/vault", "1.21.1");
        let server = Server::dev(DevServer::Vault, image, &SecretValue::new("root"));
        let told = Told {
            image: server.image.clone(),
            port: server.port,
            health: server.health,
            is_healthy: server.is_healthy,
        };
        let waiting = Waiting {
            container: "rotaproof-x-vault-1",
            server: &told,
            began: Instant::now(),
            patience: Duration::ZERO,
        };
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all((head + body).as_bytes()).await.unwrap();
        };
        let clock = Clock::system();
        let (looked, ()) = tokio::join!(waiting.look(address, &clock), answer);
        assert_eq!(looked.is_ok(), healthy, "{looked:?}");
    }

    #[test]
    fn a_server_is_looked_for_on_the_loopback_before_its_network() {
        let endpoint = EndpointSettings {
            ip_address: Some("172.18.0.5".into()),
            ..Default::default()
        };
        let binding = PortBinding {
            host_ip: Some("127.0.0.1".into()),
            host_port: Some("32768".into()),
        };
        let ports = HashMap::from([
            ("8200/tcp".to_owned(), Some(vec![binding.clone()])),
            ("8201/tcp".to_owned(), Some(vec![binding])),
        ]);
        let seen = ContainerInspectResponse {
            network_settings: Some(NetworkSettings {
                networks: Some(HashMap::from([("kind".to_owned(), endpoint)])),
                ports: Some(ports),
                ..Default::default()
            }),
            ..Default::default()
        };
        let found = addresses(&seen, 8200);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1:32768", "172.18.0.5:8200"]);
    }
}
