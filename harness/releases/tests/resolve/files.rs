//! A binary of the user's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rstest::rstest;

use crate::Desk;
use crate::support::crds::bundle;
use crate::support::elf::{ESO_BY_MAKEFILE, HELP, eso_at, foreign, printing, waiting};

/// Puts a program into `bin` of the desk's folder.
fn put(desk: &Desk, name: &str, bytes: &[u8]) -> PathBuf {
    let path = desk.cache.path().join("bin").join(name);
    write(&path, bytes);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[rstest]
#[case::gos_build_information("external-secrets", &eso_at("v0.20.4"), Some("0.20.4"))]
#[case::gos_build_information_before_the_name("external-secrets-v1.0.0", &eso_at("v0.20.4"), Some("0.20.4"))]
#[case::its_name("external-secrets-v0.20.4", ESO_BY_MAKEFILE, Some("0.20.4"))]
#[case::nothing("external-secrets", ESO_BY_MAKEFILE, None)]
#[tokio::test]
async fn the_version_is_told_by(
    #[case] name: &str,
    #[case] build: &str,
    #[case] version: Option<&str>,
) {
    let desk = Desk::new().await;
    // It would print another program's text: it is not asked where it says by itself what it is.
    let path = put(&desk, name, &printing("I am a teapot", Some(build)));
    write(
        &desk.cache.path().join("bin/crds/bundle.yaml"),
        bundle(&["v1"]),
    );
    let release = desk.resolve(path.to_str().unwrap()).await.unwrap();
    assert_eq!(
        release.version,
        version.map(|version| version.parse().unwrap())
    );
    assert_eq!(release.program, path);
}

#[tokio::test]
async fn a_program_without_build_information_is_asked_in_an_empty_environment() {
    let desk = Desk::new().await;
    let path = put(&desk, "external-secrets", &printing(HELP, None));
    write(
        &desk.cache.path().join("bin/crds/bundle.yaml"),
        bundle(&["v1"]),
    );
    let release = desk.resolve(path.to_str().unwrap()).await.unwrap();
    assert_eq!(release.version, None);
}

#[rstest]
#[case::nothing(None, "no such file: ")]
#[case::an_empty_file(
    Some(Vec::new()),
    "is no Linux program: it begins with nothing (it is empty)"
)]
#[case::a_script(Some(b"#!/bin/sh\n".to_vec()), "is no Linux program: it begins with \"#!/bin/sh\\n\"")]
#[case::another_machines(
    Some(foreign()),
    "is built for ELF machine 8, 64 bits, this machine is"
)]
#[case::another_program(
    Some(printing("usage: teapot\n  --spout", None)),
    "is not the External Secrets Operator: asked with --help, it printed: usage: teapot --spout;"
)]
#[case::another_program_in_go(
    Some(printing(
        "esoctl",
        Some("path\tgithub.com/external-secrets/external-secrets/cmd/esoctl\n")
    )),
    "printed: esoctl;"
)]
#[case::a_silent_program(Some(printing("", None)), "printed nothing (exit status: 0)")]
#[tokio::test]
async fn what_is_no_eso_is_told(#[case] bytes: Option<Vec<u8>>, #[case] said: &str) {
    let desk = Desk::new().await;
    let path = match bytes {
        Some(bytes) => put(&desk, "external-secrets", &bytes),
        None => desk.cache.path().join("bin/external-secrets"),
    };
    let error = desk.error(path.to_str().unwrap()).await;
    assert!(error.contains("CACHE/bin/external-secrets"), "{error}");
    assert!(error.contains(said), "{error}");
    assert!(error.contains("; give "), "{error}");
}

#[tokio::test]
async fn a_program_that_never_ends_is_not_waited_for() {
    let desk = Desk::new().await;
    let path = put(&desk, "external-secrets", &waiting());
    // Virtual time from here on: nothing but the wait for the program is left to happen.
    tokio::time::pause();
    let error = desk.error(path.to_str().unwrap()).await;
    assert!(error.contains("it did not end within 10 s"), "{error}");
    // It was killed, and is not left behind.
    tokio::time::resume();
    let gone = async {
        while runs(&path) {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(gone.is_ok(), "it still runs");
}

/// Whether a process runs this program.
fn runs(program: &Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut programs =
        processes.filter_map(|process| fs::read_link(process.path().join("exe")).ok());
    programs.any(|running| running == program)
}

#[tokio::test]
async fn a_link_leads_to_the_version() {
    let desk = Desk::new().await;
    let path = put(
        &desk,
        "external-secrets-v0.20.4",
        &printing("", Some(ESO_BY_MAKEFILE)),
    );
    write(
        &desk.cache.path().join("bin/crds/bundle.yaml"),
        bundle(&["v1"]),
    );
    let link = desk.cache.path().join("external-secrets");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let release = desk.resolve(link.to_str().unwrap()).await.unwrap();
    assert_eq!(release.version, Some("0.20.4".parse().unwrap()));
    assert_eq!(release.program, path);
}

#[rstest]
#[case::a_folder(0o755, true, "is no file")]
#[case::a_file_without_permission(
    0o644,
    false,
    "may not be executed; allow it: chmod +x CACHE/bin/eso"
)]
#[tokio::test]
async fn what_cannot_be_executed_is_told(
    #[case] mode: u32,
    #[case] folder: bool,
    #[case] said: &str,
) {
    let desk = Desk::new().await;
    let path = desk.cache.path().join("bin/eso");
    match folder {
        true => fs::create_dir_all(&path).unwrap(),
        false => write(&path, printing(HELP, None)),
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let error = desk.error(path.to_str().unwrap()).await;
    assert!(error.contains(said), "{error}");
}

#[rstest]
#[case("bin/external-secrets.crds.yaml")]
#[case("bin/crds/bundle.yaml")]
#[case("bin/crds/external-secrets.io_externalsecrets.yaml")]
#[case("eso/crds/bundle.yaml")]
#[case("eso/crds/external-secrets.io_externalsecrets.yaml")]
#[tokio::test]
async fn crds_beside_the_binary_are_taken(#[case] place: &str) {
    let desk = Desk::new().await;
    let build = eso_at("v2.9.0");
    let path = put(&desk, "external-secrets", &printing("", Some(&build)));
    write(&desk.cache.path().join(place), bundle(&["v1", "v1beta1"]));
    let release = desk.resolve(path.to_str().unwrap()).await.unwrap();
    assert!(release.serves_v1beta1);
    assert!(desk.server.requests("").is_empty());
}

#[tokio::test]
async fn without_crds_beside_it_those_of_its_version_are_fetched() {
    let desk = Desk::new().await;
    let build = eso_at("v2.9.0");
    let path = put(&desk, "external-secrets", &printing("", Some(&build)));
    let release = desk.resolve(path.to_str().unwrap()).await.unwrap();
    assert_eq!(release.crds.len(), 2);
    assert_eq!(
        desk.server.requests(""),
        ["/raw/v2.9.0/deploy/crds/bundle.yaml"]
    );
}

#[tokio::test]
async fn without_crds_and_version_it_is_told_where_they_could_be() {
    let desk = Desk::new().await;
    let path = put(&desk, "external-secrets", &printing(HELP, None));
    let error = desk.error(path.to_str().unwrap()).await;
    assert!(error.contains("whose version cannot be told"), "{error}");
    assert!(error.contains("CACHE/bin/crds/bundle.yaml"), "{error}");
    assert!(error.contains("--crds"), "{error}");
}

#[tokio::test]
async fn crds_of_another_release_beside_the_binary_are_told() {
    let desk = Desk::new().await;
    let build = eso_at("v0.15.1");
    let path = put(&desk, "external-secrets", &printing("", Some(&build)));
    write(
        &desk.cache.path().join("eso/crds/bundle.yaml"),
        bundle(&["v1"]),
    );
    let error = desk.error(path.to_str().unwrap()).await;
    assert!(
        error.starts_with("the CRDs in CACHE/bin/../eso/crds/bundle.yaml serve"),
        "{error}"
    );
    assert!(error.contains("ESO 0.15.1 reads v1beta1"), "{error}");
}
