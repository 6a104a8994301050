//! Docker itself: reached through testcontainers' client, its errors sorted by what to do about them.

use std::error::Error as StdError;
use std::io;

use futures::StreamExt;
use testcontainers::TestcontainersError;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::query_parameters::{InspectNetworkOptions, LogsOptionsBuilder};
use testcontainers::core::client::{ClientError, docker_client_instance};

use crate::Error;
use crate::settings::ImageName;

/// Lines of a container's log that an error shows.
const TAIL: &str = "15";

/// The client that testcontainers uses too: DOCKER_HOST, else the machine's or the user's own socket.
pub(crate) async fn connect() -> Result<Docker, Error> {
    docker_client_instance()
        .await
        .map_err(|error| unreachable(&error).unwrap_or_else(|| no_docker(&error)))
}

/// Asks Docker for a sign of life, so that its absence is told as such.
pub(crate) async fn reach() -> Result<Docker, Error> {
    let docker = connect().await?;
    match docker.ping().await {
        Ok(_) => Ok(docker),
        Err(error) => Err(unreachable(&error).unwrap_or_else(|| no_docker(&error))),
    }
}

fn no_docker(error: &(dyn StdError + 'static)) -> Error {
    Error::NoDocker {
        cause: chain(error),
    }
}

/// Sorts an error of the connection to Docker; `None` for any other.
fn unreachable(error: &(dyn StdError + 'static)) -> Option<Error> {
    let cause = chain(error);
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<DockerError>() {
            Some(DockerError::SocketNotFoundError(_)) => return Some(Error::NoDocker { cause }),
            Some(DockerError::IOError { err }) => return of_socket(err, cause),
            _ => {}
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_socket(error, cause);
        }
        next = error.source();
    }
    None
}

fn of_socket(error: &io::Error, cause: String) -> Option<Error> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Some(Error::NoPermission { cause }),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Some(Error::NoDocker { cause })
        }
        _ => None,
    }
}

/// Docker's error in one of testcontainers', which does not call it its source.
fn within(error: &TestcontainersError) -> Option<&DockerError> {
    match error {
        TestcontainersError::Client(
            ClientError::Init(error)
            | ClientError::CreateContainer(error)
            | ClientError::StartContainer(error)
            | ClientError::InspectContainer(error)
            | ClientError::ListNetworks(error)
            | ClientError::PullImage { err: error, .. },
        ) => Some(error),
        _ => None,
    }
}

/// An error's text with its causes, each said once.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

/// The HTTP status of Docker's answer.
pub(crate) fn status(error: &DockerError) -> Option<u16> {
    match error {
        DockerError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Docker's own words.
pub(crate) fn words(error: &DockerError) -> String {
    match error {
        DockerError::DockerResponseServerError { message, .. } => message.clone(),
        other => chain(other),
    }
}

/// Sorts what testcontainers met when it created and started a container.
pub(crate) fn starting(error: &TestcontainersError, container: &str, image: &ImageName) -> Error {
    let what = || format!("start the container {container} ({image})");
    let Some(inner) = within(error) else {
        return Error::Docker {
            what: what(),
            cause: chain(error),
        };
    };
    if let Some(error) = unreachable(inner) {
        return error;
    }
    match (error, status(inner)) {
        (TestcontainersError::Client(ClientError::PullImage { .. }), _)
        // Created again after a pull that was no error: nothing has the image.
        | (TestcontainersError::Client(ClientError::CreateContainer(_)), Some(404)) => {
            Error::NoImage {
                image: image.to_string(),
                cause: words(inner),
            }
        }
        (TestcontainersError::Client(ClientError::CreateContainer(_)), Some(409)) => {
            Error::NameTaken {
                container: container.to_owned(),
            }
        }
        _ => Error::Docker {
            what: what(),
            cause: words(inner),
        },
    }
}

/// Whether a network exists. testcontainers would make one that does not, with settings that kind does not want.
pub(crate) async fn network(docker: &Docker, network: &str) -> Result<(), Error> {
    match docker
        .inspect_network(network, None::<InspectNetworkOptions>)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if status(&error) == Some(404) => Err(Error::NoNetwork {
            network: network.to_owned(),
        }),
        Err(error) => Err(Error::Docker {
            what: format!("look for the network {network}"),
            cause: words(&error),
        }),
    }
}

/// A container's last lines, without those in which a dev server prints its keys; empty where there are none.
pub(crate) async fn tail(docker: &Docker, container: &str) -> String {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail(TAIL);
    let mut frames = docker.logs(container, Some(options.build()));
    let mut log = String::new();
    while let Some(Ok(frame)) = frames.next().await {
        log.push_str(&frame.to_string());
    }
    without_keys(&log)
}

fn without_keys(log: &str) -> String {
    let telling = |line: &&str| !line.contains("Root Token") && !line.contains("Unseal Key");
    let lines: Vec<&str> = log.lines().filter(telling).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::closed_to_us(io::ErrorKind::PermissionDenied, "no permission to use Docker")]
    #[case::no_socket(io::ErrorKind::NotFound, "Docker is not reachable")]
    #[case::nobody_listens(io::ErrorKind::ConnectionRefused, "Docker is not reachable")]
    fn a_socket_that_cannot_be_used_is_told_with_what_to_do(
        #[case] kind: io::ErrorKind,
        #[case] told: &str,
    ) {
        let error = ClientError::CreateContainer(DockerError::from(io::Error::from(kind)));
        let error = starting(
            &TestcontainersError::Client(error),
            "rotaproof-x-aws",
            &ImageName::new("image", "1"),
        );
        assert!(error.to_string().starts_with(told), "{error}");
    }

    #[test]
    fn the_keys_that_a_dev_server_prints_stay_out_of_an_error() {
        let log = "starting\nUnseal Key: abc\nRoot Token: def\nfailed\n";
        assert_eq!(without_keys(log), "starting\nfailed");
    }
}
