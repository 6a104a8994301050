//! What can go wrong with a container and with the server in it, and what to do about each.

use std::time::Duration;

/// Why there is no server, or no answer of one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing answers at Docker's socket.
    #[error(
        "Docker is not reachable: {cause}; start Docker, or set DOCKER_HOST to where it listens"
    )]
    NoDocker {
        /// The connection's error.
        cause: String,
    },
    /// Docker's socket is there and closed to this user.
    #[error(
        "no permission to use Docker: {cause}; add this user to the group `docker`, or run Docker rootless"
    )]
    NoPermission {
        /// The connection's error.
        cause: String,
    },
    /// The image is not on this machine and could not be pulled.
    #[error(
        "the image {image} is not on this machine and cannot be pulled: {cause}; load it with `docker load -i ARCHIVE`, or pull it where a registry is reachable"
    )]
    NoImage {
        /// The image.
        image: String,
        /// Docker's error.
        cause: String,
    },
    /// There is no such network.
    #[error(
        "there is no Docker network {network:?}; create the cluster first, or leave the network out"
    )]
    NoNetwork {
        /// Its name.
        network: String,
    },
    /// Another container has the name.
    #[error(
        "a container named {container} exists already; remove what an earlier run left with `rotaproof gc`"
    )]
    NameTaken {
        /// The name.
        container: String,
    },
    /// The container ended before its server was healthy, or is gone.
    #[error("the container {container} ({image}) ended{}{}", exit(*.code), tail(.log))]
    Ended {
        /// The container's name.
        container: String,
        /// Its image.
        image: String,
        /// Its exit code, where Docker still knows it.
        code: Option<i64>,
        /// Its last lines.
        log: String,
    },
    /// The server did not become healthy in time.
    #[error(
        "the server in container {container} ({image}) is not healthy after {:.0} s: {last}{}",
        .waited.as_secs_f64(),
        tail(.log)
    )]
    NotHealthy {
        /// The container's name.
        container: String,
        /// Its image.
        image: String,
        /// How long it was waited for.
        waited: Duration,
        /// What the last try met.
        last: String,
        /// The container's last lines.
        log: String,
    },
    /// Docker refused something else.
    #[error("Docker could not {what}: {cause}")]
    Docker {
        /// What it was asked: `start the container rotaproof-k3f9x2ab-aws`.
        what: String,
        /// Its error.
        cause: String,
    },
    /// The server gave no answer.
    #[error("the server in container {container} does not answer: {cause}")]
    NoAnswer {
        /// The container's name.
        container: String,
        /// The connection's error, or how long was waited.
        cause: String,
    },
    /// The server refused part of what a scenario declares.
    #[error("the server in container {container} refused to {what}: {cause}")]
    Refused {
        /// The container's name.
        container: String,
        /// What was asked: `mount team/kv`.
        what: String,
        /// Its words.
        cause: String,
    },
    /// A vault is declared as this server, which was not asked for when the containers were started.
    #[error("{server} is not among the servers that this run was started with")]
    NotStarted {
        /// The server.
        server: &'static str,
    },
    /// Another scenario uses the account's region.
    #[error(
        "another scenario still uses account {account} in {region} on LocalStack; scenarios of one account and region run one after another"
    )]
    Busy {
        /// The account.
        account: String,
        /// The region.
        region: String,
    },
    /// A kubernetes auth method is declared, and there is no cluster to review its tokens.
    #[error("Vault's auth method {mount} needs a cluster: {missing}")]
    NoCluster {
        /// Where the method is mounted.
        mount: String,
        /// What is missing.
        missing: &'static str,
    },
    /// A key of the cluster's token issuer cannot be given to Vault.
    #[error("the cluster's token issuer: {0}")]
    Keys(String),
    /// A client of the server could not be made.
    #[error("a client of container {container}: {cause}")]
    Client {
        /// The container's name.
        container: String,
        /// Why.
        cause: String,
    },
    /// Containers of this run could not be removed.
    #[error(
        "could not remove {}; remove what is left with `rotaproof gc`", .containers.join(", ")
    )]
    Left {
        /// Each with Docker's error.
        containers: Vec<String>,
    },
}

fn exit(code: Option<i64>) -> String {
    code.map_or_else(String::new, |code| format!(" with exit code {code}"))
}

fn tail(log: &str) -> String {
    match log.trim_end() {
        "" => "; it logged nothing".to_owned(),
        log => format!("; its last lines:\n{log}"),
    }
}
