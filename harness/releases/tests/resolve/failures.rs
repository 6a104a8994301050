//! What goes wrong is told: what, where, and what to do next. Nothing half-done is left in the program's place.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rstest::rstest;

use crate::support::crds::bundle;
use crate::support::elf::printing;
use crate::support::image::{Image, Layer, Packing};
use crate::support::server::Fault;
use crate::{Desk, Registry, eso, noise};

/// The digest of the layer with the program.
fn layer() -> String {
    eso().blobs[3].0.clone()
}

#[tokio::test]
async fn a_version_that_does_not_exist_names_its_neighbours() {
    let desk = Desk::new().await;
    desk.server.file(
        "/v2/external-secrets/external-secrets/tags/list?n=1000",
        "application/json",
        r#"{"name":"x","tags":["main","v0.9.0","v0.20.4","v0.20.4-ubi","v1.0.0","v2.9.0","helm-chart-9.9.9"]}"#,
    );
    assert_eq!(
        desk.error("0.20.5").await,
        "there is no ESO 0.20.5 at SERVER/external-secrets/external-secrets; \
        the nearest there are 2.9.0, 1.0.0, 0.20.4, 0.9.0"
    );
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_told_where_versions_cannot_be_listed() {
    let desk = Desk::new().await;
    let error = desk.error("0.20.5").await;
    assert!(
        error.contains("there is no ESO 0.20.5 at SERVER"),
        "{error}"
    );
    assert!(
        error.ends_with("external-secrets/external-secrets/releases"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_that_is_not_there_cannot_be_reached() {
    let mut desk = Desk::new().await;
    // Bound, so that nobody else takes it, and not listening.
    let port = socket_without_listener();
    desk.settings.registry = Registry::parse(&format!("127.0.0.1:{}", port.1)).unwrap();
    let error = desk.error("2.9.0").await;
    assert!(error.starts_with("cannot reach 127.0.0.1:"), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
    assert!(error.contains("HTTPS_PROXY"), "{error}");
    assert!(error.contains("ROTAPROOF_ESO_REGISTRY"), "{error}");
}

fn socket_without_listener() -> (tokio::net::TcpSocket, u16) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn a_name_that_does_not_resolve_cannot_be_reached() {
    let mut desk = Desk::new().await;
    desk.settings.registry = Registry::parse("registry.invalid").unwrap();
    let error = desk.error("2.9.0").await;
    assert!(
        error.starts_with("cannot reach registry.invalid"),
        "{error}"
    );
}

#[tokio::test]
async fn silence_is_bounded() {
    let mut desk = Desk::new().await;
    desk.settings.patience = Duration::from_millis(50);
    desk.server.fault("manifests", Fault::Silence, 1);
    let ended = tokio::time::timeout(Duration::from_secs(20), desk.error("2.9.0"));
    let error = ended.await.unwrap();
    assert!(
        error.contains("cannot reach SERVER: no answer within 0.05 s"),
        "{error}"
    );
}

#[rstest]
#[case::who_wants_a_password(Fault::Password, "refuses: 401 (who are you)")]
#[case::who_denies(
    Fault::Status(
        403,
        r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#
    ),
    "refuses: 403 (DENIED: requested access is denied)"
)]
#[case::who_is_broken(Fault::Status(500, "<html>\n oops"), "answered 500 (<html> oops)")]
#[tokio::test]
async fn a_registry_is_quoted(#[case] fault: Fault, #[case] said: &str) {
    let desk = Desk::new().await;
    desk.server.fault("manifests", fault, 9);
    let error = desk.error("2.9.0").await;
    let url = "http://SERVER/v2/external-secrets/external-secrets/manifests/v2.9.0";
    assert!(error.starts_with(&format!("{url} {said}; ")), "{error}");
    assert!(error.contains("ROTAPROOF_ESO_REGISTRY"), "{error}");
}

#[tokio::test]
async fn a_download_that_keeps_breaking_off_says_how_far_it_came() {
    let desk = Desk::new().await;
    let size = eso().top().len();
    desk.server.fault(&layer(), Fault::Cut(10_000), 99);
    let error = desk.error("2.9.0").await;
    let expected = format!("broke off after 50000 of {size} bytes, 5 times (");
    assert!(error.contains(&expected), "{error}");
    assert!(
        error.ends_with("run again: it goes on from there"),
        "{error}"
    );
    assert!(!desk.folder().join("external-secrets").exists());
}

#[tokio::test]
async fn a_layer_with_another_checksum_is_not_kept() {
    let desk = Desk::new().await;
    desk.server.fault(&layer(), Fault::Flipped, 9);
    let error = desk.error("2.9.0").await;
    assert!(
        error.starts_with("checksum mismatch: http://SERVER/v2/"),
        "{error}"
    );
    assert!(error.contains(&format!("expected {}", layer())), "{error}");
    let partial = desk
        .folder()
        .join("partial")
        .join(layer().trim_start_matches("sha256:"));
    assert_eq!(fs::metadata(partial).unwrap().len(), 0);
    assert!(!desk.folder().join("external-secrets").exists());
    // Once is enough to know.
    assert_eq!(desk.server.requests(&layer()).len(), 1);
}

#[rstest]
#[case::manifest(0)]
#[case::configuration(1)]
#[tokio::test]
async fn a_document_with_another_checksum_is_refused(#[case] which: usize) {
    let desk = Desk::new().await;
    let image = eso();
    let digest = [
        crate::support::image::sha256(&image.manifest),
        image.blobs[0].0.clone(),
    ];
    desk.server.fault(&digest[which], Fault::Flipped, 9);
    let error = desk.error("2.9.0").await;
    assert!(error.starts_with("checksum mismatch: "), "{error}");
    assert!(
        error.contains(&format!("expected {}", digest[which])),
        "{error}"
    );
}

#[tokio::test]
async fn an_image_for_other_machines_names_them() {
    let desk = Desk::new().await;
    let layers = vec![(Layer::new().bytes(), Packing::Gzip)];
    desk.server
        .image("v2.9.0", &Image::built_for(layers, "/x", "mips64le"));
    let error = desk.error("2.9.0").await;
    let machine = crate::support::image::architecture();
    let expected = format!(
        "SERVER/external-secrets/external-secrets:v2.9.0 has no program for linux/{machine}, \
        only for linux/mips64le, linux/mips64le;"
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[rstest]
#[case::without_its_entrypoint(Layer::new(), "its entrypoint /bin/external-secrets is no file")]
#[case::with_a_name_that_climbs(
    Layer::new().file("../external-secrets", b"evil"),
    "layer 1: the name \"../external-secrets\" leads out of the image"
)]
#[case::with_another_program(
    Layer::new().file("bin/external-secrets", &printing("I am a teapot", None)),
    "asked with --help, it printed: I am a teapot"
)]
#[case::with_a_script(
    Layer::new().file("bin/external-secrets", b"#!/bin/sh\nexec evil\n"),
    "is no Linux program: it begins with \"#!/bin/sh\\nexec e\""
)]
#[tokio::test]
async fn an_image_that_is_not_esos_is_not_kept(#[case] layer: Layer, #[case] reason: &str) {
    let desk = Desk::new().await;
    let layers = vec![(layer.bytes(), Packing::Gzip)];
    desk.server
        .image("v2.9.0", &Image::new(layers, "/bin/external-secrets"));
    let error = desk.error("2.9.0").await;
    assert!(
        error.contains("SERVER/external-secrets/external-secrets:v2.9.0 is not usable: "),
        "{error}"
    );
    assert!(error.contains(reason), "{error}");
    assert!(!desk.folder().join("external-secrets").exists());
    assert!(!desk.folder().join("release.json").exists());
}

#[tokio::test]
async fn a_redirect_to_plain_http_elsewhere_is_not_followed() {
    let desk = Desk::new().await;
    let elsewhere = "http://registry.example/layer".to_owned();
    desk.server.fault(&layer(), Fault::Redirect(elsewhere), 9);
    let error = desk.error("2.9.0").await;
    assert!(error.contains("plain HTTP is for loopback only"), "{error}");
}

#[tokio::test]
async fn redirects_end() {
    let desk = Desk::new().await;
    let again = format!("http://{}/v2/manifests", desk.server.address);
    desk.server.fault("manifests", Fault::Redirect(again), 99);
    let error = desk.error("2.9.0").await;
    assert!(error.contains("more than 10 redirects"), "{error}");
}

#[rstest]
#[case::that_are_not_there(
    None,
    "there is no ESO 2.9.0 at http://SERVER/raw/v2.9.0/deploy/crds/bundle.yaml"
)]
#[case::that_are_none(
    Some("<html>"),
    "cannot read CRDs from http://SERVER/raw/v2.9.0/deploy/crds/bundle.yaml: "
)]
#[tokio::test]
async fn crds_are_not_kept(#[case] text: Option<&str>, #[case] said: &str) {
    let desk = Desk::new().await;
    match text {
        Some(text) => desk
            .server
            .file("/raw/v2.9.0/deploy/crds/bundle.yaml", "text/plain", text),
        None => desk
            .server
            .fault("/raw/", Fault::Status(404, "404: Not Found"), 9),
    }
    let error = desk.error("2.9.0").await;
    assert!(error.starts_with(said), "{error}");
    assert!(!desk.folder().join("bundle.yaml").exists());
}

#[tokio::test]
async fn crds_that_break_off_are_not_kept() {
    let desk = Desk::new().await;
    desk.server
        .fault("/raw/", Fault::Cut(bundle(&["v1"]).len() / 2), 9);
    let error = desk.error("2.9.0").await;
    assert!(
        error.starts_with("http://SERVER/raw/v2.9.0/deploy/crds/bundle.yaml answered 200 ("),
        "{error}"
    );
    assert!(!desk.folder().join("bundle.yaml").exists());
}

/// Runs itself again where no file may be larger than 100 KiB: the system then says what it says of a full disk.
#[tokio::test]
async fn a_full_disk_is_told_and_nothing_half_written_is_left() {
    const INSIDE: &str = "ROTAPROOF_TEST_FILES_ARE_LIMITED";
    if std::env::var_os(INSIDE).is_none() {
        let name = "failures::a_full_disk_is_told_and_nothing_half_written_is_left";
        let ran = Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; ulimit -f 200; exec "$@""#, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let why = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success() && said.contains("1 passed"),
            "{said}{why}"
        );
        return;
    }
    let desk = Desk::new().await;
    let error = desk.error("2.9.0").await;
    let expected = "no space left to write CACHE/rotaproof/eso/2.9.0/partial/";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("XDG_CACHE_HOME"), "{error}");

    // A layer that fits, and a program that does not.
    let zeros = vec![0; 300_000];
    let layer = Layer::new().file("bin/external-secrets", &zeros).bytes();
    let layers = vec![(layer, Packing::Gzip)];
    desk.server
        .image("v2.9.0", &Image::new(layers, "/bin/external-secrets"));
    let error = desk.error("2.9.0").await;
    let expected = "no space left to write CACHE/rotaproof/eso/2.9.0/external-secrets: ";
    assert!(error.starts_with(expected), "{error}");
    let mut left: Vec<_> = fs::read_dir(desk.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["lock", "partial"]);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_told() {
    let desk = Desk::new().await;
    fs::write(desk.cache.path().join("rotaproof"), noise(1)).unwrap();
    let error = desk.error("2.9.0").await;
    assert!(
        error.starts_with("cannot make the folder CACHE/rotaproof/eso/2.9.0: "),
        "{error}"
    );
}
