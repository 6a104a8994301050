//! The cluster itself: made, found, deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use super::hold::Hold;
use super::program::Call;
use crate::Error;

const PART: &str = "the kind cluster";
/// A node image of a gigabyte may have to be pulled first.
const CREATION: Duration = Duration::from_secs(900);
/// `kind` names the network of its nodes so.
pub(super) const NETWORK: &str = "kind";

/// Whether there is a cluster of this name.
pub(super) async fn exists(name: &str) -> Result<bool, Error> {
    let names = Call::new("kind", PART)
        .args(["get", "clusters"])
        .run()
        .await?;
    Ok(names.lines().any(|line| line.trim() == name))
}

/// One cluster at a time: where several nodes boot on few cores, one of them takes longer than the 30 s that kind gives it.
static CREATING: Mutex<()> = Mutex::const_new(());

/// Makes the cluster, without waiting for its node to be ready; answers the path of its kubeconfig.
pub(super) async fn create(name: &str, image: &str, folder: &Path) -> Result<PathBuf, Error> {
    let _alone = CREATING.lock().await;
    let configuration = folder.join("cluster.yaml");
    let text = include_str!("../../../../kind-config/cluster.yaml");
    // The run's name on its node: who looks at the cluster sees whose it is.
    let labelled = text.replacen(
        "  - role: control-plane\n",
        &format!("  - role: control-plane\n    labels:\n      dev.rotaproof/run: {name}\n"),
        1,
    );
    std::fs::write(&configuration, labelled).map_err(Error::starting(PART))?;
    let kubeconfig = folder.join("kubeconfig");
    Call::new("kind", PART)
        .args(["create", "cluster"])
        .option("--name", name)
        .option("--image", image)
        .option("--config", &configuration)
        .option("--kubeconfig", &kubeconfig)
        .option("--wait", "0s")
        .within(CREATION)
        .run()
        .await?;
    Ok(kubeconfig)
}

/// Writes the kubeconfig of a cluster that exists.
pub(super) async fn kubeconfig(name: &str, folder: &Path) -> Result<PathBuf, Error> {
    let kubeconfig = folder.join("kubeconfig");
    Call::new("kind", PART)
        .args(["export", "kubeconfig"])
        .option("--name", name)
        .option("--kubeconfig", &kubeconfig)
        .run()
        .await?;
    Ok(kubeconfig)
}

/// Deletes a cluster of ours, in whatever state it is; one that does not exist is deleted.
pub(super) async fn delete(hold: Hold) -> Result<(), Error> {
    // Of no kubeconfig but the run's own, which goes with its folder.
    Call::new("kind", PART)
        .args(["delete", "cluster"])
        .option("--name", hold.name())
        .option("--kubeconfig", "/dev/null")
        .run()
        .await
        .map_err(|error| Error {
            action: "be deleted",
            ..error
        })?;
    hold.forget();
    Ok(())
}

/// The address of this machine on the network of the nodes: what their pods reach.
pub(crate) async fn gateway_address() -> Result<std::net::Ipv4Addr, Error> {
    let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
    let printed = Call::new("docker", PART)
        .args(["network", "inspect", NETWORK])
        .option("--format", format)
        .run()
        .await?;
    let mut addresses = printed
        .split_whitespace()
        .filter_map(|word| word.parse().ok());
    addresses.next().ok_or_else(|| {
        Error::starting(PART)(format!(
            "docker network `{NETWORK}` has no IPv4 gateway: {}",
            printed.trim()
        ))
    })
}

/// The address of the API on the nodes' network: what containers reach.
pub(super) async fn api_address(cluster: &str) -> Result<String, Error> {
    let node = format!("{cluster}-control-plane");
    let format = format!("{{{{(index .NetworkSettings.Networks \"{NETWORK}\").IPAddress}}}}");
    let printed = Call::new("docker", PART)
        .args(["inspect", &node])
        .option("--format", &format)
        .run()
        .await?;
    Ok(format!("https://{}:6443", printed.trim()))
}
