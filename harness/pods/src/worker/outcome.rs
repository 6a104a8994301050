//! What a pod's worker tells the API: the status, and at the end that the object may go.

use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::json;

use crate::context::EventKind;
use crate::status::{self, Ended, State};

use super::{HOST_IP, Slot, Worker};

impl Worker {
    /// Writes the status, where it changed.
    pub(super) async fn publish(&mut self) {
        let shown = |slots: &[Slot]| {
            slots
                .iter()
                .map(|slot| slot.shown.clone())
                .collect::<Vec<_>>()
        };
        let (init, main) = (shown(&self.init), shown(&self.main));
        let phase = status::phase(self.restart_policy(), &init, &main);
        let now = self.context.now();
        let frame = status::Frame {
            phase,
            pod_ip: &self.ip,
            host_ip: HOST_IP,
            started: &self.started,
            now: &now,
        };
        let status = status::status(&frame, &init, &main, &mut self.transitions);
        if matches!(phase, "Succeeded" | "Failed") {
            self.finished = true;
            // Sidecars end with the pod.
            self.init.iter_mut().for_each(|slot| slot.probe = None);
        }
        if status == self.published {
            return;
        }
        let patch = Patch::Merge(json!({"metadata": {"uid": self.pod.uid()}, "status": status}));
        match self
            .api()
            .patch_status(&self.name, &PatchParams::default(), &patch)
            .await
        {
            Ok(_) => self.published = status,
            // It is gone, or will be told to us as gone.
            Err(error) => tracing::debug!(pod = self.name, %error, "cannot write the pod's status"),
        }
    }

    /// The pod was deleted: ends its containers and lets the object go.
    pub(super) async fn end(&mut self) {
        for index in 0..self.main.len() {
            if self.main[index].probe.take().is_none() {
                continue;
            }
            let message = format!("Stopping container {}", self.main[index].spec.name);
            self.record(EventKind::Normal, "Killing", &message).await;
            let finished = self.context.now();
            let slot = &mut self.main[index];
            if let State::Running { since } = &slot.shown.state {
                // 128 + SIGTERM: the probe does not catch it.
                let started = since.clone();
                slot.shown.state = State::Terminated(Ended {
                    code: 143,
                    started,
                    finished,
                });
            }
        }
        self.init.clear();
        self.publish().await;
        let uid = self.pod.uid();
        let only_this = Preconditions {
            uid,
            resource_version: None,
        };
        let now = DeleteParams::default()
            .grace_period(0)
            .preconditions(only_this);
        if let Err(error) = self.api().delete(&self.name, &now).await {
            tracing::debug!(pod = self.name, %error, "cannot remove the pod");
        }
    }
}
