//! Which cluster: as kubectl and every client of Kubernetes choose one.

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::PART;
use crate::Error;

/// An existing cluster, and how it is reached.
pub(super) struct Access {
    pub(super) config: Config,
    /// The kubeconfig's context; none inside a pod of the cluster.
    pub(super) context: Option<String>,
}

impl Access {
    /// The context of this name in `$KUBECONFIG` or `~/.kube/config`, its current one where none is named; inside a pod that
    /// has no such file, the cluster of its service account.
    pub(super) async fn find(named: Option<&str>) -> Result<Self, Error> {
        let failed = |error: String| {
            Error {
            action: "be reached",
            next: Some(
                "give --context NAME, a context of $KUBECONFIG or ~/.kube/config (`kubectl config get-contexts`), or run in a \
                 pod with a service account"
                    .into(),
            ),
            ..Error::starting(PART)(error)
        }
        };
        let file = match (Kubeconfig::read(), named) {
            (Ok(file), _) => file,
            (Err(_), None) if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
                let config = Config::incluster().map_err(|error| failed(error.to_string()))?;
                return Ok(Self {
                    config,
                    context: None,
                });
            }
            (Err(error), _) => return Err(failed(error.to_string())),
        };
        let context = named.map(str::to_owned).or(file.current_context.clone());
        let options = KubeConfigOptions {
            context: context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(file, &options)
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { config, context })
    }
}
