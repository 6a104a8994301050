//! The variables that people's own tools read.

use std::net::SocketAddr;
use std::path::Path;

use rotaproof_base::SecretValue;
use rotaproof_cluster::{Access, Transport, Variable};

use crate::{Error, Name, Place, private};

/// Every tool's own name for the authorities that it trusts.
const AUTHORITY: [&str; 7] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "VAULT_CACERT",
    "NODE_EXTRA_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];
/// Upper and lower case: curl reads `http_proxy` only so.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The lab's own endpoints are dialled directly.
const LOOPBACK: &str = "localhost,127.0.0.1,::1";

/// What the env file says, in its order.
pub(crate) struct Variables(Vec<(String, SecretValue)>);

impl Variables {
    /// The cluster and the way through the proxy.
    pub(crate) fn of(
        place: &Place,
        kubeconfig: &Path,
        authority: &Path,
        proxy: SocketAddr,
    ) -> Self {
        let mut all = Self(Vec::new());
        // Our own commands in that shell mean this lab.
        if let Some(root) = place.folder().parent() {
            all.add(Place::STATE, path(root));
        }
        all.add(Name::VARIABLE, place.name().to_string());
        all.add("KUBECONFIG", path(kubeconfig));
        for name in PROXY {
            all.add(name, format!("http://{proxy}"));
        }
        for name in NO_PROXY {
            all.add(name, LOOPBACK);
        }
        for name in AUTHORITY {
            all.add(name, path(authority));
        }
        all
    }

    fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), SecretValue::new(value)));
    }

    /// Adds a vault's variables, unless an earlier vault of the kind has said the same names; makes its files.
    pub(crate) fn add_vault(
        &mut self,
        access: &Access,
        endpoint: &str,
        place: &Place,
    ) -> Result<(), Error> {
        let taken = |name: &str| self.0.iter().any(|(known, _)| known == name);
        if access.variables.iter().any(|(name, _)| taken(name)) {
            return Ok(());
        }
        for (name, variable) in &access.variables {
            match variable {
                Variable::Text(text) => self.add(name, text.as_bytes()),
                Variable::Secret(value) => self.0.push(((*name).to_owned(), value.clone())),
                Variable::Endpoint => self.add(name, endpoint),
                Variable::File {
                    name: file,
                    contents,
                } => {
                    let file = place.file(file);
                    let contents = contents().map_err(Error::Environment)?;
                    private::write(&file, contents.expose())?;
                    self.add(name, path(&file));
                }
            }
        }
        Ok(())
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[(String, SecretValue)] {
        &self.0
    }
}

/// The URL of a direct endpoint.
pub(crate) fn url(access: &Access, address: SocketAddr) -> String {
    let scheme = match access.transport {
        Transport::Tls => "https",
        Transport::Plain => "http",
    };
    format!("{scheme}://{address}")
}

fn path(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}
