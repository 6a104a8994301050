//! The lane `context` as a command line gives it.

use std::net::IpAddr;
use std::sync::Arc;

use rotaproof_cluster::{Context, ContextSettings, KindSettings, Lane};

use super::lane::tell;
use crate::error::Error;

/// The cluster of the lane context.
#[derive(clap::Args, Clone)]
pub(crate) struct OnContext {
    /// Lane context: which cluster, a context of $KUBECONFIG or ~/.kube/config. Unless given: the current one, or the cluster
    /// of the pod that this is in.
    #[arg(long, value_name = "NAME", env = "ROTAPROOF_CONTEXT")]
    context: Option<String>,
    /// Lane context: bring the operator that is there behind the gateway while the run lasts, and make what is missing. All is
    /// put back at the end; without this a run tells what it would change, and ends.
    #[arg(long, env = "ROTAPROOF_ALLOW_WRITES")]
    allow_writes: bool,
    /// Lane context: where pods of the cluster reach this process. Unless given: the pod's own address (POD_IP), or the
    /// gateway of a kind cluster's network.
    #[arg(long, value_name = "IP", env = "ROTAPROOF_GATEWAY_ADDRESS")]
    gateway_address: Option<IpAddr>,
}

impl OnContext {
    /// The lane on the cluster of this context, or of the one that is given beside.
    pub(super) fn lane(&self, named: Option<&str>) -> Result<Arc<dyn Lane>, Error> {
        let pod =
            match std::env::var("POD_IP") {
                Ok(text) => Some(text.parse().map_err(|_| {
                    Error::Usage(format!("POD_IP is `{text}`, which is no address"))
                })?),
                Err(_) => None,
            };
        let pinned = KindSettings::pinned().map_err(Error::Cluster)?;
        Ok(Arc::new(Context::new(ContextSettings {
            context: named.map(str::to_owned).or_else(|| self.context.clone()),
            allow_writes: self.allow_writes,
            gateway_address: self.gateway_address,
            pod,
            probe_image: pinned.probe_image,
            tell: tell(),
        })))
    }
}
