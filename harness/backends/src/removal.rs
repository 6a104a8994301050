//! Containers are removed whatever becomes of their owner: on a thread of its own, which the run's end waits for.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use tokio::time::Instant;

use crate::Error;
use crate::docker;

/// For how long a container is looked for whose start was given up while Docker was at it.
const STILL_TO_COME: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The removals under way. Its last owner waits for all of them.
#[derive(Default)]
pub(crate) struct Removals(Mutex<Vec<JoinHandle<Result<(), String>>>>);

impl Removals {
    /// Removes a container by its name, with whatever else has to go with it.
    ///
    /// A thread, because a container may be dropped outside of any runtime, or in one that is about to end.
    /// `until` is how long a container that is not there may still come to be.
    ///
    /// With a client that is there already: testcontainers makes one under a lock which a future may hold that this
    /// thread's owner keeps from going on.
    fn begin(&self, docker: Docker, container: String, until: Duration, also: impl Send + 'static) {
        let thread = std::thread::spawn(move || {
            let failed = |error: String| format!("{container} ({error})");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| failed(error.to_string()))?;
            let removed = runtime.block_on(remove(&docker, &container, until));
            // What testcontainers holds removes again when dropped, which needs a runtime and finds nothing to do.
            let entered = runtime.enter();
            drop(also);
            drop(entered);
            removed.map_err(failed)
        });
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(thread);
    }

    /// Waits for the removals begun so far.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let begun = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let failed = begun.into_iter().filter_map(|thread| match thread.join() {
            Ok(result) => result.err(),
            Err(_) => Some("a container (its removal panicked)".to_owned()),
        });
        let containers: Vec<String> = failed.collect();
        if containers.is_empty() {
            return Ok(());
        }
        Err(Error::Left { containers })
    }
}

impl Drop for Removals {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!("{error}");
        }
    }
}

async fn remove(docker: &Docker, container: &str, until: Duration) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let removed = docker
            .remove_container(container, Some(options.build()))
            .await;
        match removed {
            Ok(()) => return Ok(()),
            Err(error) if docker::status(&error) == Some(404) && began.elapsed() < until => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            // Gone already, or on its way.
            Err(error) if matches!(docker::status(&error), Some(404 | 409)) => return Ok(()),
            Err(error) => return Err(docker::words(&error)),
        }
    }
}

/// A container's name, taken: dropping it removes whatever container has it.
pub(crate) struct Name {
    name: String,
    docker: Docker,
    removals: Arc<Removals>,
    /// Whether Docker may still be about to create it.
    pending: bool,
    also: Option<Box<dyn Send + Sync>>,
}

impl Name {
    /// Takes a name before anything is created under it, so that a start that is given up leaves nothing.
    pub(crate) fn take(name: String, docker: &Docker, removals: &Arc<Removals>) -> Self {
        Self {
            name,
            docker: docker.clone(),
            removals: removals.clone(),
            pending: true,
            also: None,
        }
    }

    /// Docker has answered: what is not there now will not come.
    pub(crate) fn settle(&mut self) {
        self.pending = false;
    }

    /// Ties what testcontainers holds to the name.
    pub(crate) fn hold(&mut self, also: Box<dyn Send + Sync>) {
        self.also = Some(also);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// Lets go of a name that somebody else's container has.
    pub(crate) fn release(mut self) {
        self.name.clear();
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let name = std::mem::take(&mut self.name);
            let until = match self.pending {
                true => STILL_TO_COME,
                false => Duration::ZERO,
            };
            let docker = self.docker.clone();
            self.removals.begin(docker, name, until, self.also.take());
        }
    }
}
