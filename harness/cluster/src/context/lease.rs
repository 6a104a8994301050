//! Whose turn the cluster's operator is: a Lease beside it, which is renewed while its holder lives.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as Object;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config, ResourceExt};
use rotaproof_base::Clock;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::PART;
use crate::{Error, real};

const NAME: &str = "rotaproof";
/// A holder that has not renewed it for so long is dead.
const LASTS: Duration = Duration::from_secs(20);
const RENEWED_EVERY: Duration = Duration::from_secs(5);

/// The operator is this run's while this is.
pub(super) struct Lease {
    ended: CancellationToken,
    renewal: Option<std::thread::JoinHandle<()>>,
}

impl Lease {
    /// Takes it; from a holder that was killed, once it has not been renewed for its time.
    ///
    /// # Errors
    /// Where another run has it.
    pub(super) async fn take(config: &Config, namespace: &str, run: &str) -> Result<Self, Error> {
        let client = Client::try_from(config.clone()).map_err(Error::starting(PART))?;
        let leases: Api<Object> = Api::namespaced(client, namespace);
        loop {
            let created = create(&leases, run).await;
            match created {
                Ok(_) => break,
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(Error::starting(PART)(error)),
            }
            if let Some(dead) = abandoned(&leases).await? {
                let params = DeleteParams::default().preconditions(kube::api::Preconditions {
                    resource_version: dead.resource_version(),
                    uid: dead.uid(),
                });
                match leases.delete(NAME, &params).await {
                    Ok(_) => {}
                    // Another run was first.
                    Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                    Err(error) => return Err(Error::starting(PART)(error)),
                }
            }
        }
        let ended = CancellationToken::new();
        let renewal = renew(config.clone(), namespace.to_owned(), ended.clone());
        Ok(Self {
            ended,
            renewal: Some(renewal),
        })
    }

    /// Gives it back.
    pub(super) async fn give_back(mut self, client: &Client, namespace: &str) {
        self.end_renewal();
        let leases: Api<Object> = Api::namespaced(client.clone(), namespace);
        // One that stays is dead soon.
        let _ = leases.delete(NAME, &DeleteParams::default()).await;
    }

    fn end_renewal(&mut self) {
        self.ended.cancel();
        if let Some(renewal) = self.renewal.take() {
            // It only renews; it cannot have panicked.
            let _ = renewal.join();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end_renewal();
    }
}

async fn create(leases: &Api<Object>, run: &str) -> Result<Object, kube::Error> {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME},
        "spec": {
            "holderIdentity": run, "leaseDurationSeconds": LASTS.as_secs(),
            "acquireTime": now(), "renewTime": now(),
        },
    });
    let lease = serde_json::from_value(lease).map_err(kube::Error::SerdeError)?;
    leases.create(&PostParams::default(), &lease).await
}

fn now() -> Value {
    json!(format!("{:.6}", Clock::system().now()))
}

/// The lease that is there, where nobody renews it; none where it is gone.
async fn abandoned(leases: &Api<Object>) -> Result<Option<Object>, Error> {
    let Some(seen) = leases.get_opt(NAME).await.map_err(Error::starting(PART))? else {
        return Ok(None);
    };
    let moved = await_condition(leases.clone(), NAME, |lease: Option<&Object>| {
        lease.and_then(ResourceExt::resource_version) != seen.resource_version()
    });
    match tokio::time::timeout(LASTS, moved).await {
        Err(_) => Ok(Some(seen)),
        Ok(Err(error)) => Err(Error::starting(PART)(error)),
        Ok(Ok(None)) => Ok(None),
        Ok(Ok(Some(_))) => {
            let holder = seen.spec.and_then(|spec| spec.holder_identity);
            Err(Error {
                action: "be used",
                next: Some("wait for it to end: an operator serves one run at a time".into()),
                ..Error::starting(PART)(format!(
                    "the run {} uses its External Secrets Operator",
                    holder.unwrap_or_default()
                ))
            })
        }
    }
}

/// Renews it until that is ended. A thread of its own: scenarios have a runtime each.
fn renew(
    config: Config,
    namespace: String,
    ended: CancellationToken,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let Ok(runtime) = real::blocking() else {
            return;
        };
        runtime.block_on(async {
            let Ok(client) = Client::try_from(config) else {
                return;
            };
            let leases: Api<Object> = Api::namespaced(client, &namespace);
            let params = PatchParams::default();
            let mut due = tokio::time::interval(RENEWED_EVERY);
            loop {
                tokio::select! {
                    () = ended.cancelled() => return,
                    _ = due.tick() => {}
                }
                let patch = Patch::Merge(json!({"spec": {"renewTime": now()}}));
                let renewed = leases.patch(NAME, &params, &patch);
                tokio::select! {
                    () = ended.cancelled() => return,
                    renewed = renewed => if let Err(error) = renewed {
                        tracing::warn!(%error, "the lease was not renewed");
                    },
                }
            }
        });
    })
}
