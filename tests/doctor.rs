//! `rotaproof doctor` against programs that answer as the real ones do when something is wrong.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// Asks the doctor where only these programs are on PATH.
fn doctor(programs: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in programs {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .env("PATH", folder.path())
        .env("HOME", folder.path())
        .output()
        .unwrap()
}

fn finding(output: &Output, about: &str) -> Value {
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = told["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["about"] == about);
    found.unwrap_or_else(|| panic!("{told:#}")).clone()
}

const CLIENT: &str = r#"{"Client": {"Version": "28.2.2"}, "Server": null}"#;

#[test]
fn without_docker_embedded_is_ready_and_kind_is_not() {
    let output = doctor(&[], &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let docker = finding(&output, "docker");
    assert_eq!(docker["state"], "missing");
    assert_eq!(docker["found"], "`docker` is not on PATH");
    let told = doctor(&[], &[]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("\nembedded  ready"), "{told}");
    assert!(told.contains("\neso       not ready: operator"), "{told}");
    assert!(
        told.contains("\nkind      not ready: docker, kind, helm"),
        "{told}"
    );
}

#[test]
fn a_lane_that_is_asked_for_and_not_ready_ends_with_3() {
    for lanes in ["kind", "eso", "embedded,kind"] {
        assert_eq!(
            doctor(&[], &["--lane", lanes]).status.code(),
            Some(3),
            "{lanes}"
        );
    }
    assert_eq!(doctor(&[], &["--lane", "embedded"]).status.code(), Some(0));
    assert_eq!(doctor(&[], &["--lane", "moon"]).status.code(), Some(2));
}

#[test]
fn a_socket_that_may_not_be_opened_and_a_daemon_that_is_down_have_fixes_of_their_own() {
    for (complaint, fix) in [
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "usermod -aG docker",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "systemctl start docker",
        ),
    ] {
        let script = format!("echo '{CLIENT}'; echo '{complaint}' >&2; exit 1");
        let docker = finding(&doctor(&[("docker", &script)], &["--json"]), "docker");
        assert_eq!(docker["state"], "missing");
        assert_eq!(docker["found"], complaint);
        assert!(docker["fix"].as_str().unwrap().contains(fix), "{docker}");
    }
}

#[test]
fn programs_that_hang_are_told_within_the_limit() {
    let started = Instant::now();
    // A child that holds the pipes, as a plugin of docker would.
    let hangs = "/bin/sleep 3600 & wait";
    let output = doctor(
        &[("docker", hangs), ("kind", hangs), ("helm", hangs)],
        &["--json"],
    );
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    for program in ["docker", "kind", "helm"] {
        let told = finding(&output, program).to_string();
        assert!(told.contains("gave no answer within 5s"), "{told}");
    }
}

/// A machine with all of it, as far as the programs say.
#[test]
fn where_all_programs_answer_kind_is_ready() {
    let docker = r#"case "$1" in
        version) echo '{"Client": {"Version": "28.2.2"}, "Server": {"Version": "28.2.2"}}' ;;
        info) echo '{"DockerRootDir": "/var/lib/docker", "CgroupVersion": "2", "CgroupDriver": "systemd",
            "Driver": "overlay2", "DefaultRuntime": "runc", "MemTotal": 8589934592}' ;;
        image) echo busybox:1.37 ;;
        ps) echo rotaproof-x-vault ;;
        esac"#;
    let programs = [
        ("docker", docker),
        (
            "kind",
            r#"[ "$1" = get ] && echo rotaproof-x || echo 'kind v0.33.0 go1.26.8 linux/amd64'"#,
        ),
        ("helm", "echo v3.19.5"),
        (
            "kubectl",
            r#"echo '{"clientVersion": {"gitVersion": "v1.34.4"}}'"#,
        ),
    ];
    let output = doctor(&programs, &["--lane", "kind", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (about, found) in [
        ("docker", "server 28.2.2, client 28.2.2"),
        ("kind", "0.33.0"),
        ("image probe", "busybox:1.37"),
        ("containers", "1: rotaproof-x-vault"),
        ("kind clusters", "1: rotaproof-x"),
    ] {
        assert_eq!(finding(&output, about)["found"], found);
    }
}
