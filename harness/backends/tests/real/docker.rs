//! What the docker program says, independently of the crate under test.

use std::process::Command;

pub(crate) const LOCALSTACK: &str = "localstack/localstack:4.14.0";
pub(crate) const VAULT: &str = "hashicorp/vault:1.21.1";
pub(crate) const BUSYBOX: &str = "busybox:1.37";

/// Runs `docker`; its output, or its error.
pub(crate) fn docker(arguments: &[&str]) -> Result<String, String> {
    let ran = Command::new("docker")
        .args(arguments)
        .output()
        .map_err(|error| format!("docker cannot be run: {error}"))?;
    match ran.status.success() {
        true => Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
    }
}

/// Why a test of these images cannot run.
pub(crate) fn missing(images: &[&str]) -> Option<String> {
    if let Err(error) = docker(&["version"]) {
        return Some(error);
    }
    let absent = |image: &&&str| docker(&["image", "inspect", image]).is_err();
    let image = images.iter().find(absent)?;
    Some(format!("there is no image {image}"))
}

/// The names of a run's containers, whatever their state.
pub(crate) fn containers(run: &str) -> Vec<String> {
    let label = format!("label=dev.rotaproof.run={run}");
    let listed = docker(&["ps", "-a", "--filter", &label, "--format", "{{.Names}}"]).unwrap();
    listed.lines().map(str::to_owned).collect()
}
