//! Where a lab listens: loopback, on ports that the user or the system chooses.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::Error;

/// The proxy's name among the ports.
pub(crate) const PROXY: &str = "proxy";
/// The Kubernetes API's name among the ports.
pub(crate) const KUBERNETES: &str = "kubernetes";

/// The ports that the user chose, by the part that listens: `proxy`, `kubernetes`, or a vault.
#[derive(Clone, Debug, Default)]
pub struct Ports(BTreeMap<String, u16>);

impl FromIterator<(String, u16)> for Ports {
    fn from_iter<T: IntoIterator<Item = (String, u16)>>(ports: T) -> Self {
        Self(ports.into_iter().collect())
    }
}

impl Ports {
    /// Refuses a port for a part that the lab does not have.
    pub(crate) fn check<'a>(&self, vaults: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        let parts: Vec<&str> = [PROXY, KUBERNETES].into_iter().chain(vaults).collect();
        match self.0.keys().find(|part| !parts.contains(&part.as_str())) {
            None => Ok(()),
            Some(unknown) => Err(Error::Usage(format!(
                "--port {unknown}: this lab has no such part; it has {}",
                parts.join(", ")
            ))),
        }
    }

    /// Listens for a part on 127.0.0.1.
    pub(crate) async fn bind(&self, part: &str) -> Result<(TcpListener, SocketAddr), Error> {
        let port = self.0.get(part).copied().unwrap_or(0);
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::AddrInUse => Error::Environment(format!(
                "port {port} of 127.0.0.1 is taken: choose another one with --port {part}=PORT, or leave it to the system"
            )),
            ErrorKind::PermissionDenied => Error::Environment(format!(
                "port {port} of 127.0.0.1 is not for this user: choose one from 1024 on with --port {part}=PORT"
            )),
            _ => Error::Environment(format!(
                "cannot listen on 127.0.0.1:{port} for {part}: {error}"
            )),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok((listener, address))
    }
}
