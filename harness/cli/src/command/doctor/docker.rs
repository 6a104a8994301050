//! Whether Docker is there, and answers.

use serde_json::Value;

use super::finding::{Finding, Lane};
use super::tool::{Answer, Silence};
use super::version::{self, Version};

/// What is asked of the daemon.
pub(super) const VERSION: [&str; 3] = ["version", "--format", "{{json .}}"];
/// What else.
pub(super) const INFO: [&str; 3] = ["info", "--format", "{{json .}}"];
/// The oldest daemon, and why.
const OLDEST: ([u64; 3], &str) = (
    [20, 10, 0],
    "20.10, the first that knows cgroup v2 and the oldest that the lane was run on",
);
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// A node takes 0.7 GB, LocalStack 0.5, Vault 0.2, and the rest is the machine's own.
const MEMORY_GIB: f64 = 3.0;

/// Whether the daemon answers, and what follows where it does not.
pub(super) fn reached(
    answer: &Result<Answer, Silence>,
    host: Option<&str>,
) -> (Option<Version>, Finding) {
    let missing =
        |found: String, fix: &str| (None, Finding::missing(Lane::Kind, "docker", found, fix));
    let answer = match answer {
        Ok(answer) => answer,
        Err(Silence::NotFound) => {
            return missing(
                "`docker` is not on PATH".into(),
                "install Docker Engine, or put its program on PATH",
            );
        }
        Err(silence @ Silence::NotStarted(_)) => {
            return missing(
                format!("`docker` {silence}"),
                "reinstall the docker program",
            );
        }
        Err(silence @ Silence::Late(_)) => {
            return missing(
                format!("`docker version` {silence}{}", from(host)),
                "restart the daemon (systemctl restart docker), or correct DOCKER_HOST",
            );
        }
    };
    let told = version::of_docker(&answer.out);
    if let Some(version::Docker {
        client,
        server: Some(server),
    }) = told
    {
        let found = format!("server {server}, client {client}{}", from(host));
        let finding = match server.is_at_least(OLDEST.0) {
            true => Finding::ok(Lane::Kind, "docker", found),
            false => Finding::missing(
                Lane::Kind,
                "docker",
                found,
                format!("upgrade Docker to at least {}", OLDEST.1),
            ),
        };
        return (Some(server), finding);
    }
    let complaint = last_line(&answer.err);
    let found = format!("{complaint}{}", from(host));
    missing(found, fix_of(complaint, host))
}

/// What helps against what docker complains of.
fn fix_of(complaint: &str, host: Option<&str>) -> &'static str {
    let complains = |of: &str| complaint.to_lowercase().contains(of);
    if complains("permission denied") {
        return "join the group of the socket (usermod -aG docker $USER) and log in again, or use rootless Docker";
    }
    if complains("is the docker daemon running") || complains("connection refused") {
        return match host {
            Some(_) => "start the daemon that DOCKER_HOST names, or unset DOCKER_HOST",
            None => "start the daemon (systemctl start docker, or Docker Desktop)",
        };
    }
    match host {
        Some(_) => "correct DOCKER_HOST, or unset it; then see what `docker version` says",
        None => "see what `docker version` and `docker context ls` say",
    }
}

fn from(host: Option<&str>) -> String {
    host.map_or(String::new(), |host| format!(" (DOCKER_HOST={host})"))
}

/// The first line that is not a warning; docker's longest complaints are one.
fn last_line(err: &str) -> &str {
    let lines = err.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut told = lines.filter(|line| !line.to_lowercase().starts_with("warning"));
    told.next()
        .unwrap_or("docker told neither a version nor why")
}

/// The daemon as it describes itself.
pub(super) struct Daemon {
    told: Value,
    /// Whether it may run the containers that this machine's kernel would refuse.
    pub(super) default_runtime: String,
    /// Where it keeps images and volumes.
    pub(super) root: String,
}

impl Daemon {
    /// Reads what `docker info` tells.
    pub(super) fn parse(out: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(out).ok()?;
        let text = |field: &str| Some(told.get(field)?.as_str()?.to_owned());
        // A daemon that was not reached has these fields empty.
        let root = text("DockerRootDir").filter(|root| !root.is_empty())?;
        Some(Self {
            default_runtime: text("DefaultRuntime").unwrap_or_default(),
            root,
            told,
        })
    }

    /// cgroups, storage and memory.
    pub(super) fn findings(&self) -> Vec<Finding> {
        vec![self.cgroup(), self.storage(), self.memory()]
    }

    fn text(&self, field: &str) -> &str {
        self.told
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or("unknown")
    }

    fn cgroup(&self) -> Finding {
        let version = self.text("CgroupVersion");
        let found = format!("cgroup v{version}, driver {}", self.text("CgroupDriver"));
        match version {
            "2" => Finding::ok(Lane::Kind, "cgroup", found),
            "1" => Finding::warning(
                Lane::Kind,
                "cgroup",
                format!("{found}: kubelets from 1.35 on refuse it unless told otherwise"),
                "nothing to do for nodes of Kubernetes 1.34; for later ones boot with systemd.unified_cgroup_hierarchy=1",
            ),
            _ => Finding::warning(
                Lane::Kind,
                "cgroup",
                found,
                "see what `docker info` says of cgroups; a node needs v1 or v2",
            ),
        }
    }

    fn storage(&self) -> Finding {
        let driver = self.text("Driver");
        let status = self.told.get("DriverStatus").map(Value::to_string);
        if status.is_some_and(|status| status.contains("io.containerd.snapshotter")) {
            return Finding::warning(
                Lane::Kind,
                "storage",
                format!(
                    "{driver}, in containerd's image store: images of several platforms may not load into a node"
                ),
                "where `kind load` fails, set \"features\": {\"containerd-snapshotter\": false} in daemon.json and pull again",
            );
        }
        match driver {
            "vfs" => Finding::warning(
                Lane::Kind,
                "storage",
                "vfs: each container copies its whole image",
                "set \"storage-driver\": \"overlay2\" in Docker's daemon.json",
            ),
            _ => Finding::ok(Lane::Kind, "storage", driver),
        }
    }

    fn memory(&self) -> Finding {
        let bytes = self.told.get("MemTotal").and_then(Value::as_f64);
        let Some(gib) = bytes.map(|bytes| bytes / GIB) else {
            return Finding::warning(
                Lane::Kind,
                "memory",
                "the daemon does not tell",
                format!("see that it has {MEMORY_GIB} GiB"),
            );
        };
        let found = format!("{gib:.1} GiB");
        match gib >= MEMORY_GIB {
            true => Finding::ok(Lane::Kind, "memory", found),
            false => Finding::warning(
                Lane::Kind,
                "memory",
                found,
                format!(
                    "give Docker {MEMORY_GIB} GiB: a node, LocalStack and Vault take half of it"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::command::doctor::finding::State;

    const UNREACHED: &str = r#"{"Client": {"Version": "28.2.2"}, "Server": null}"#;

    fn answer(out: &str, err: &str) -> Result<Answer, Silence> {
        Ok(Answer {
            status: std::process::ExitStatus::from_raw(0x100),
            out: out.into(),
            err: err.into(),
        })
    }

    #[rstest]
    #[case::no_program(Err(Silence::NotFound), None, "is not on PATH", "install Docker")]
    #[case::hangs(
        Err(Silence::Late(Duration::from_secs(5))),
        None,
        "gave no answer within 5s",
        "restart the daemon"
    )]
    #[case::no_permission(
        answer(
            UNREACHED,
            "permission denied while trying to connect to the Docker daemon socket at unix:///x"
        ),
        None,
        "permission denied",
        "usermod -aG docker"
    )]
    #[case::down(
        answer(
            UNREACHED,
            "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"
        ),
        None,
        "Cannot connect",
        "systemctl start docker"
    )]
    #[case::down_elsewhere(
        answer(
            UNREACHED,
            "Cannot connect to the Docker daemon at tcp://h:1. Is the docker daemon running?"
        ),
        Some("tcp://h:1"),
        "(DOCKER_HOST=tcp://h:1)",
        "unset DOCKER_HOST"
    )]
    #[case::after_a_warning(
        answer(
            UNREACHED,
            "WARNING: No swap limit\ndial tcp: lookup bogus: no such host"
        ),
        Some("bogus"),
        "no such host",
        "correct DOCKER_HOST"
    )]
    #[case::another_program(answer("v1.0", ""), None, "told neither", "see what `docker version`")]
    #[case::too_old(
        answer(
            r#"{"Client": {"Version": "19.3.1"}, "Server": {"Version": "19.3.1"}}"#,
            ""
        ),
        None,
        "server 19.3.1",
        "at least 20.10"
    )]
    fn what_keeps_docker_away_is_told_with_its_fix(
        #[case] answer: Result<Answer, Silence>,
        #[case] host: Option<&str>,
        #[case] found: &str,
        #[case] fix: &str,
    ) {
        let (_, finding) = reached(&answer, host);
        assert_eq!(finding.state, State::Missing);
        assert!(finding.found.contains(found), "{}", finding.found);
        let told = finding.fix.unwrap();
        assert!(told.contains(fix), "{told}");
    }

    #[rstest]
    #[case::as_it_should_be(
        r#"{"DockerRootDir": "/d", "CgroupVersion": "2", "CgroupDriver": "systemd", "Driver": "overlay2",
            "DriverStatus": [["Backing Filesystem", "extfs"]], "MemTotal": 8589934592}"#,
        &["ok cgroup v2, driver systemd", "ok overlay2", "ok 8.0 GiB"]
    )]
    #[case::all_that_may_be_wrong(
        r#"{"DockerRootDir": "/d", "CgroupVersion": "1", "CgroupDriver": "cgroupfs", "Driver": "vfs", "MemTotal": 1073741824}"#,
        &["warning cgroup v1, driver cgroupfs", "warning vfs", "warning 1.0 GiB"]
    )]
    #[case::containerds_store(
        r#"{"DockerRootDir": "/d", "Driver": "overlayfs",
            "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}"#,
        &["warning cgroup vunknown", "warning overlayfs, in containerd's", "warning the daemon does not tell"]
    )]
    fn a_daemon_is_judged_by_what_it_tells(#[case] out: &str, #[case] told: &[&str]) {
        let findings = Daemon::parse(out).unwrap().findings();
        for (finding, told) in findings.iter().zip(told) {
            let state = serde_json::to_value(finding.state).unwrap();
            let line = format!("{} {}", state.as_str().unwrap(), finding.found);
            assert!(line.starts_with(told), "{line}");
        }
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case(r#"{"DockerRootDir": ""}"#)]
    #[case("Server: errors")]
    fn what_is_no_daemon_is_not_judged(#[case] out: &str) {
        assert!(Daemon::parse(out).is_none());
    }
}
