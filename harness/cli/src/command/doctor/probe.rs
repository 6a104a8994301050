//! Asks everything, at once where nothing hangs on another, each within a limit.

use std::time::Duration;

use super::docker::{self, Daemon};
use super::finding::{Finding, Lane};
use super::leftovers::{self, LABEL, Left};
use super::machine::{self, Room};
use super::programs::PROGRAMS;
use super::tool::{Answer, Silence, ask};
use super::{embedded, eso, images};

/// How long anything may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// All findings.
pub(super) async fn all() -> Vec<Finding> {
    let mut findings = embedded::findings();
    let named = std::env::var("ROTAPROOF_ESO").ok();
    let operator = tokio::time::timeout(LIMIT, eso::finding(named.as_deref()));
    let [kind, helm, kubectl] = &PROGRAMS;
    let of = |program: &'static super::programs::Program| async move {
        program.judge(&ask(program.name, program.arguments, LIMIT).await)
    };
    let (operator, kind, helm, kubectl, (docker, left)) =
        tokio::join!(operator, of(kind), of(helm), of(kubectl), of_docker());
    findings.push(operator.unwrap_or_else(|_| {
        Finding::missing(
            Lane::Eso,
            "operator",
            Silence::Late(LIMIT).to_string(),
            "see why the program that ROTAPROOF_ESO names hangs",
        )
    }));
    findings.extend(docker);
    findings.extend([kind, helm, kubectl]);
    findings.extend(of_machine().await);
    findings.extend(left);
    findings
}

/// Docker and what is in it; the latter is not asked where it does not answer. And what is left behind.
async fn of_docker() -> (Vec<Finding>, Vec<Finding>) {
    let host = std::env::var("DOCKER_HOST")
        .ok()
        .filter(|it| !it.is_empty());
    let mut left = left_on_disk();
    let version = ask("docker", &docker::VERSION, LIMIT).await;
    let (server, finding) = docker::reached(&version, host.as_deref());
    let mut findings = vec![finding];
    if server.is_none() {
        return (findings, leftovers::findings(&left));
    }
    let list = |command: &'static [&'static str]| ask("docker", command, LIMIT);
    let containers = ["ps", "--all", "--filter", LABEL, "--format", "{{.Names}}"];
    let networks = ["network", "ls", "--filter", LABEL, "--format", "{{.Name}}"];
    let volumes = ["volume", "ls", "--filter", LABEL, "--format", "{{.Name}}"];
    let (info, images, containers, networks, volumes, clusters) = tokio::join!(
        list(&docker::INFO),
        list(&images::LIST),
        ask("docker", &containers, LIMIT),
        ask("docker", &networks, LIMIT),
        ask("docker", &volumes, LIMIT),
        ask("kind", &["get", "clusters"], LIMIT),
    );
    match told(&info).and_then(Daemon::parse) {
        Some(daemon) => {
            findings.extend(daemon.findings());
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            findings.push(machine::capabilities(&status, &daemon.default_runtime));
            findings.push(room(Room::Docker, &daemon.root).await);
        }
        None => findings.push(untold("daemon", "docker info", &info)),
    }
    match told(&images) {
        Some(listed) => {
            let node = std::env::var(images::NODE_IMAGE).ok();
            let node = node.as_deref().filter(|node| !node.is_empty());
            findings.extend(images::findings(listed, node));
        }
        None => findings.push(untold("images", "docker image ls", &images)),
    }
    // What cannot be listed is not left as far as is known; that Docker answers badly is told already.
    left.push(Left::lines(
        "containers",
        told(&containers).unwrap_or_default(),
    ));
    left.push(Left::lines("networks", told(&networks).unwrap_or_default()));
    left.push(Left::lines("volumes", told(&volumes).unwrap_or_default()));
    left.push(Left::clusters(told(&clusters).unwrap_or_default()));
    (findings, leftovers::findings(&left))
}

/// What a program printed that ended well.
fn told(answer: &Result<Answer, Silence>) -> Option<&str> {
    let answer = answer.as_ref().ok()?;
    answer.status.success().then_some(answer.out.as_str())
}

fn untold(about: &str, command: &str, answer: &Result<Answer, Silence>) -> Finding {
    let why = match answer {
        Ok(answer) => answer
            .err
            .lines()
            .next()
            .unwrap_or("prints nothing of use")
            .to_owned(),
        Err(silence) => silence.to_string(),
    };
    Finding::warning(
        Lane::Kind,
        about,
        format!("`{command}`: {why}"),
        format!("see what `{command}` says"),
    )
}

/// Limits of the kernel, a second daemon, the temp folder.
async fn of_machine() -> Vec<Finding> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok();
    let mut findings = vec![machine::inotify(read)];
    findings.extend(machine::daemons(machine::count_daemons()));
    let temp = std::env::temp_dir();
    findings.push(room(Room::Temp, &temp.to_string_lossy()).await);
    findings
}

/// `df` may hang where a file system of the network does: it is asked as any program is.
async fn room(room: Room, folder: &str) -> Finding {
    let df = ask("df", &["-Pk", "--", folder], LIMIT).await;
    room.judge(folder, told(&df).and_then(machine::free_mb))
}

/// The folders of labs and runs whose process is gone.
fn left_on_disk() -> Vec<Left> {
    let labs = rotaproof_lab::left_behind().unwrap_or_default();
    vec![
        Left::folders("labs", &labs),
        Left::folders("folders of pods", &rotaproof_base::RunFolder::left_behind()),
    ]
}
