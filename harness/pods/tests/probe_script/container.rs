//! A dressed container, run by Docker as a kubelet would have it run.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rotaproof_base::{Entropy, Fingerprinter, RunId};
use rotaproof_pods::real_cluster::Probe;
use serde_json::{Value, json};

/// Longer than any answer takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn fingerprinter() -> Fingerprinter {
    Fingerprinter::from_key(std::array::from_fn(|index| index as u8 * 8))
}

/// What a report has to say of a value.
pub(crate) fn fingerprint(value: impl AsRef<[u8]>) -> String {
    fingerprinter().of(value.as_ref()).to_string()
}

/// The image, where Docker has it.
pub(crate) fn find(image: &str) -> Result<String, String> {
    let asked = Command::new("docker")
        .args(["image", "inspect", "--format={{.Id}}", image])
        .output();
    match asked {
        Err(error) => Err(format!("docker cannot be run: {error}")),
        Ok(answer) if answer.status.success() => Ok(image.to_owned()),
        Ok(answer) => Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned()),
    }
}

/// A running container; removed when dropped.
pub(crate) struct Container {
    name: String,
    docker: Child,
    lines: Receiver<String>,
    others: String,
}

impl Container {
    /// Runs a container of this spec with these folders or files mounted, and these options of Docker.
    pub(crate) fn run(
        image: &str,
        mut spec: Value,
        mounts: &[(PathBuf, &str)],
        options: &[&str],
    ) -> Self {
        let paths = mounts
            .iter()
            .map(|(_, path)| json!({"name": "v", "mountPath": path}));
        let mut paths: Vec<Value> = paths.collect();
        paths.extend(
            spec["volumeMounts"]
                .as_array()
                .into_iter()
                .flatten()
                .cloned(),
        );
        spec["volumeMounts"] = json!(paths);
        let pod = json!({"kind": "Pod", "spec": {"containers": [spec]}});
        let mut options: Vec<String> = options.iter().map(|&option| option.into()).collect();
        options.extend(mounts.iter().map(|(from, to)| {
            format!(
                "--mount=type=bind,readonly,source={},target={to}",
                from.display()
            )
        }));
        Self::start(image, pod, "/spec/containers/0", &options)
    }

    /// Runs the container of a pod with these annotations.
    pub(crate) fn annotated(image: &str, annotations: Value) -> Self {
        let metadata = json!({"annotations": annotations});
        let pod = json!({"kind": "Pod", "metadata": metadata, "spec": {"containers": [{}]}});
        Self::start(image, pod, "/spec/containers/0", &[])
    }

    /// Runs an init container of this spec.
    pub(crate) fn init(image: &str, spec: Value) -> Self {
        let pod = json!({"kind": "Pod", "spec": {"initContainers": [spec]}});
        Self::start(image, pod, "/spec/initContainers/0", &[])
    }

    fn start(image: &str, mut pod: Value, at: &str, options: &[String]) -> Self {
        let probe = Probe {
            image: image.to_owned(),
            fingerprinter: fingerprinter(),
        };
        probe.dress(&mut pod).unwrap();
        let spec = pod.pointer(at).unwrap();
        let secret = probe.secret("default").data.unwrap();
        let run = RunId::draw(&Entropy::from_system().unwrap());
        let name = format!("rotaproof-probe-{run}");
        let mut docker = Command::new("docker");
        docker.args([
            "run",
            "--rm",
            "--network=none",
            "--hostname=host",
            "--name",
            &name,
        ]);
        docker.arg(format!("--label=dev.rotaproof.run={run}"));
        for variable in spec["env"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let key = variable["valueFrom"]["secretKeyRef"]["key"].as_str();
            let value = match key {
                Some(key) => std::str::from_utf8(&secret[key].0).unwrap(),
                None => variable["value"].as_str().unwrap(),
            };
            // Docker's own variables must stay, and an argument has a longest length.
            if value.len() < 4096 {
                docker.arg(format!("--env={name}={value}"));
            } else {
                docker.args(["--env", name]).env(name, value);
            }
        }
        let words = |name: &str| spec[name].as_array().cloned().unwrap_or_default();
        let (mut command, arguments) = (words("command"), words("args"));
        let first = command.remove(0);
        docker
            .args(options)
            .arg("--entrypoint")
            .arg(text(&first))
            .arg(image);
        docker.args(command.iter().chain(&arguments).map(text));
        docker
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut docker = docker.spawn().unwrap();
        let (sender, lines) = channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(docker.stdout.take().unwrap()),
            Box::new(docker.stderr.take().unwrap()),
        ];
        for pipe in pipes {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    // Nobody listens any more where the test has failed.
                    let _ = sender.send(line);
                }
            });
        }
        Self {
            name,
            docker,
            lines,
            others: String::new(),
        }
    }

    /// The next report.
    pub(crate) fn report(&mut self) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no report; it printed: {}", self.others));
            match serde_json::from_str::<Value>(&line) {
                Ok(report) if report["rotaproof"] == "report" => return report,
                _ => self.others = format!("{}{line}\n", self.others),
            }
        }
    }

    /// Sends SIGTERM, and SIGKILL after so many seconds.
    pub(crate) fn stop(&self, seconds: u32) {
        let stopped = Command::new("docker")
            .args(["stop", "--time", &seconds.to_string(), &self.name])
            .output();
        assert!(stopped.unwrap().status.success());
    }

    /// The code that it ended with.
    pub(crate) fn ended(&mut self) -> i32 {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.others = format!("{}{line}\n", self.others),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end; it printed: {}", self.others),
            }
        }
        self.docker.wait().unwrap().code().unwrap()
    }

    /// All that it printed beside the reports that were asked for, once it has ended.
    pub(crate) fn printed(&self) -> &str {
        &self.others
    }
}

fn text(word: &Value) -> String {
    // As the kubelet reads it.
    word.as_str().unwrap().replace("$$", "$")
}

impl Drop for Container {
    fn drop(&mut self) {
        let removed = Command::new("docker")
            .args(["rm", "--force", &self.name])
            .output();
        drop(removed);
        let _ = self.docker.wait();
    }
}
