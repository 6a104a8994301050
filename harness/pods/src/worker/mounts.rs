//! The volumes of a pod: set up before its containers, brought up to date at its syncs.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use k8s_openapi::api::core::v1::Volume;
use tokio::time::Instant;

use crate::atomic_writer;
use crate::context::EventKind;
use crate::sources::{self, Sources};
use crate::volumes::{self, Kind};

use super::{Worker, jittered};

/// The back-off of `nestedpendingoperations`: 0.5 s, doubled up to 2m2s.
pub(super) fn backoff(failures: u32) -> Duration {
    let doubled =
        Duration::from_millis(500) * 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    doubled.min(Duration::from_secs(122))
}

/// Why a volume cannot be brought up to date.
struct Failure {
    message: String,
    /// The API did not answer: no change will be told, so try again by the clock.
    transient: bool,
}

impl Worker {
    fn volume_specs(&self) -> Vec<Volume> {
        self.pod
            .spec
            .iter()
            .flat_map(|spec| spec.volumes.iter().flatten())
            .cloned()
            .collect()
    }

    /// Sets the volumes up where that is due.
    pub(super) async fn set_up_volumes(&mut self) {
        let now = Instant::now();
        if self.volumes.ready || self.volumes.due.is_none_or(|due| due > now) {
            return;
        }
        if let Err(error) = fs::create_dir_all(self.folder.join("volumes")) {
            self.volume_failed(Failure {
                message: error.to_string(),
                transient: true,
            })
            .await;
            return;
        }
        for volume in self.volume_specs() {
            if let Err(failure) = self.write_volume(&volume).await {
                self.volume_failed(failure).await;
                return;
            }
        }
        self.volumes.ready = true;
        self.volumes.due = None;
        // The grid of the periodic syncs begins here.
        let first = jittered(&self.jitter, self.context.sync_period);
        self.next_sync = now.checked_add(first).unwrap_or(now);
    }

    async fn volume_failed(&mut self, failure: Failure) {
        self.record(EventKind::Warning, "FailedMount", &failure.message)
            .await;
        self.volumes.failures += 1;
        let retry = Instant::now() + backoff(self.volumes.failures);
        self.volumes.retry = Some(retry);
        self.volumes.due = failure.transient.then_some(retry);
    }

    /// Brings the volumes up to date where a sync is due, and has the containers report what changed.
    pub(super) async fn sync_if_due(&mut self) {
        if self.sync_due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.sync_due = None;
        if !self.volumes.ready {
            return;
        }
        let mut changed = BTreeSet::new();
        for volume in self.volume_specs() {
            match self.write_volume(&volume).await {
                Ok(true) => {
                    changed.insert(volume.name);
                }
                Ok(false) => {}
                Err(failure) => {
                    self.record(EventKind::Warning, "FailedMount", &failure.message)
                        .await;
                    if failure.transient {
                        self.sync_due = Some(Instant::now() + backoff(1));
                    }
                }
            }
        }
        for index in 0..self.main.len() {
            let mounts = self.main[index].spec.volume_mounts.iter().flatten();
            if mounts
                .into_iter()
                .any(|mount| changed.contains(&mount.name))
            {
                self.report(index).await;
            }
        }
    }

    /// Brings one volume to what its objects hold now; says whether it changed.
    async fn write_volume(&mut self, volume: &Volume) -> Result<bool, Failure> {
        let failed = |transient| {
            move |message: String| Failure {
                message: format!(
                    "MountVolume.SetUp failed for volume {:?} : {message}",
                    volume.name
                ),
                transient,
            }
        };
        let client = &self.context.client;
        let references = sources::of_volume(volume);
        let sources = Sources::read(client, &self.namespace, &references).await;
        let sources = sources.map_err(|error| failed(true)(error.to_string()))?;
        if !self.volumes.tokens.contains_key(&volume.name) {
            let tokens = sources::tokens(client, &self.namespace, &self.pod, volume).await;
            self.volumes
                .tokens
                .insert(volume.name.clone(), tokens.map_err(failed(true))?);
        }
        let tokens = &self.volumes.tokens[&volume.name];
        let content = volumes::content(volume, &sources, tokens).map_err(failed(false))?;
        let folder = volumes::folder(&self.folder, &volume.name);
        match content {
            Kind::Files(payload) => {
                let now = self.context.clock.now().strftime("%Y_%m_%d_%H_%M_%S");
                let stamp = format!("{now}.{:010}", self.jitter.below(10_000_000_000));
                let written = atomic_writer::write(&folder, &payload, &stamp);
                written.map_err(|error| failed(true)(error.to_string()))
            }
            Kind::Empty => {
                if !self.volumes.writable.contains(&volume.name) {
                    self.volumes.writable.push(volume.name.clone());
                }
                let made = fs::create_dir_all(folder).map(|()| false);
                made.map_err(|error| failed(true)(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(1, 500)]
    #[case(2, 1_000)]
    #[case(8, 64_000)]
    #[case(9, 122_000)]
    #[case(u32::MAX, 122_000)]
    fn the_back_off_doubles_up_to_two_minutes(#[case] failures: u32, #[case] millis: u64) {
        assert_eq!(backoff(failures), Duration::from_millis(millis));
    }
}
