//! A version is pulled once, whatever breaks on the way, and then taken from the cache.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rotaproof_releases::{Error, Progress};

use crate::support::crds::bundle;
use crate::support::image::sha256;
use crate::support::server::{Fault, Server};
use crate::{Desk, eso, program};

#[tokio::test]
async fn a_version_is_pulled_once_and_then_taken_from_the_cache() {
    let desk = Desk::new().await;
    let release = desk.resolve("v2.9.0").await.unwrap();
    assert_eq!(release.program, desk.folder().join("external-secrets"));
    assert_eq!(release.version, Some("2.9.0".parse().unwrap()));
    assert_eq!(release.crds.len(), 2);
    assert!(!release.serves_v1beta1);
    assert!(fs::read(&release.program).unwrap() == program());
    let mode = fs::metadata(&release.program).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    let record = fs::read_to_string(desk.folder().join("release.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["program"]["sha256"], sha256(&program()));
    assert_eq!(record["manifest"], sha256(&eso().manifest));
    assert_eq!(record["entrypoint"], "/opt/external-secrets");
    assert!(!desk.folder().join("partial").exists());

    let asked = desk.server.requests("").len();
    desk.resolve("2.9.0").await.unwrap();
    assert_eq!(desk.server.requests("").len(), asked);
}

#[tokio::test]
async fn versions_lie_side_by_side() {
    let desk = Desk::new().await;
    desk.server.image("v0.15.1", &eso());
    let path = "/raw/v0.15.1/deploy/crds/bundle.yaml";
    desk.server.file(path, "text/plain", bundle(&["v1beta1"]));
    let new = desk.resolve("2.9.0").await.unwrap();
    let old = desk.resolve("0.15.1").await.unwrap();
    assert_ne!(new.program, old.program);
    assert!(old.serves_v1beta1 && !new.serves_v1beta1);
    assert!(new.program.exists());
}

#[tokio::test]
async fn progress_tells_of_all_bytes_and_never_goes_back() {
    let desk = Desk::new().await;
    desk.resolve("2.9.0").await.unwrap();
    let layers: u64 = eso().blobs[1..]
        .iter()
        .map(|(_, blob)| blob.len() as u64)
        .sum();
    let told = desk.told();
    let done: Vec<u64> = told
        .iter()
        .filter_map(|told| match told {
            Progress::Downloading { what, done, total } if what == "external-secrets 2.9.0" => {
                assert_eq!(*total, Some(layers));
                Some(*done)
            }
            _ => None,
        })
        .collect();
    assert!(done.is_sorted() && done.len() > 3, "{done:?}");
    assert_eq!(done.last(), Some(&layers));
    assert!(told.contains(&Progress::Unpacking("2.9.0".parse().unwrap())));
}

#[tokio::test]
async fn a_token_is_fetched_where_the_registry_asks_for_one() {
    let desk = Desk::new().await;
    desk.server.ask_for_tokens();
    desk.resolve("2.9.0").await.unwrap();
    let asked = desk.server.requests("/token?");
    assert_eq!(
        asked,
        ["/token?service=test&scope=repository%3Aexternal-secrets%2Fexternal-secrets%3Apull"]
    );
}

#[tokio::test]
async fn a_token_that_expires_during_a_download_is_renewed() {
    let desk = Desk::new().await;
    desk.server.ask_for_tokens();
    let digest = eso().blobs[3].0.clone();
    desk.server.fault(&digest, Fault::Cut(100_000), 1);
    desk.server.fault(&digest, Fault::Status(401, "expired"), 1);
    desk.resolve("2.9.0").await.unwrap();
    assert_eq!(desk.server.requests("/token?").len(), 2);
    let last = desk.server.requests(&digest).pop().unwrap();
    assert!(
        last.ends_with(" bytes=100000- Bearer for-anybody"),
        "{last}"
    );
}

#[tokio::test]
async fn a_redirect_is_followed_without_the_token() {
    let desk = Desk::new().await;
    desk.server.ask_for_tokens();
    let storage = Server::start().await;
    let (digest, layer) = eso().blobs[3].clone();
    storage.file("/layer?signature=x", "application/octet-stream", layer);
    let elsewhere = format!("http://{}/layer?signature=x", storage.address);
    desk.server.fault(&digest, Fault::Redirect(elsewhere), 9);
    desk.resolve("2.9.0").await.unwrap();
    assert_eq!(storage.requests(""), ["/layer?signature=x"]);
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    desk.server.fault(&digest, Fault::Cut(100_000), 2);
    desk.resolve("2.9.0").await.unwrap();
    assert!(desk.resumed());
    let asked = desk.server.requests(&digest);
    let ranges: Vec<_> = asked
        .iter()
        .filter_map(|asked| asked.split(' ').nth(1))
        .collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=200000-"]);
}

#[tokio::test]
async fn a_registry_that_knows_no_ranges_sends_all_again() {
    let desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    desk.server.fault(&digest, Fault::Cut(100_000), 1);
    desk.server.fault(&digest, Fault::Whole, 9);
    desk.resolve("2.9.0").await.unwrap();
    assert_eq!(desk.server.requests(&digest).len(), 2);
}

#[tokio::test]
async fn the_next_run_goes_on_where_the_last_one_gave_up() {
    let mut desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    desk.settings.attempts = 1;
    desk.server.fault(&digest, Fault::Cut(100_000), 1);
    desk.resolve("2.9.0").await.unwrap_err();
    desk.resolve("2.9.0").await.unwrap();
    let asked = desk.server.requests(&digest);
    assert!(asked[1].ends_with(" bytes=100000-"), "{asked:?}");
}

#[tokio::test]
async fn a_damaged_beginning_is_thrown_away() {
    let desk = Desk::new().await;
    let (digest, layer) = eso().blobs[3].clone();
    let partial = desk.folder().join("partial");
    fs::create_dir_all(&partial).unwrap();
    let damaged = vec![b'x'; layer.len() / 2];
    fs::write(partial.join(digest.trim_start_matches("sha256:")), damaged).unwrap();
    desk.resolve("2.9.0").await.unwrap();
    assert!(desk.resumed());
}

#[tokio::test]
async fn a_busy_registry_is_asked_again() {
    let desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    desk.server.fault(&digest, Fault::Status(503, "busy"), 1);
    desk.server.fault(&digest, Fault::Status(429, "slowly"), 1);
    desk.resolve("2.9.0").await.unwrap();
    assert_eq!(desk.server.requests(&digest).len(), 3);
}

#[tokio::test]
async fn a_damaged_program_is_pulled_again() {
    let desk = Desk::new().await;
    let first = desk.resolve("2.9.0").await.unwrap().program;
    let mut bytes = program();
    bytes[200_000] ^= 1;
    fs::write(&first, bytes).unwrap();
    let second = desk.resolve("2.9.0").await.unwrap().program;
    assert!(fs::read(second).unwrap() == program());
    let told = desk.told();
    assert!(
        told.iter()
            .any(|told| matches!(told, Progress::Damaged { path, .. } if *path == first))
    );
}

#[tokio::test]
async fn a_damaged_bundle_is_fetched_again() {
    let desk = Desk::new().await;
    let first = desk.resolve("2.9.0").await.unwrap();
    fs::write(desk.folder().join("bundle.yaml"), bundle(&["v1beta1"])).unwrap();
    let second = desk.resolve("2.9.0").await.unwrap();
    assert_eq!(first.crds, second.crds);
}

#[tokio::test]
async fn runs_at_the_same_time_pull_once() {
    let desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    let (one, two, three) = tokio::join!(
        desk.resolve("2.9.0"),
        desk.resolve("2.9.0"),
        desk.resolve("2.9.0")
    );
    let programs = [one, two, three].map(|release| release.unwrap().program);
    assert!(programs.iter().all(|program| program.exists()));
    assert_eq!(desk.server.requests(&digest).len(), 1);
    let told = desk.told();
    assert!(told.contains(&Progress::Waiting("2.9.0".parse().unwrap())));
}

#[tokio::test]
async fn an_interrupted_run_keeps_what_it_has_and_leaves_the_lock() {
    let desk = Desk::new().await;
    let digest = eso().blobs[3].0.clone();
    desk.server.fault(&digest, Fault::Cut(100_000), 1);
    desk.server.fault(&digest, Fault::Silence, 1);
    let (ended, ()) = tokio::join!(desk.resolve("2.9.0"), async {
        desk.server.wait_for(&digest, 2).await;
        desk.cancel.cancel();
    });
    let error = ended.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    let partial = desk
        .folder()
        .join("partial")
        .join(digest.trim_start_matches("sha256:"));
    assert_eq!(fs::metadata(partial).unwrap().len(), 100_000);

    let next = Desk {
        cancel: Default::default(),
        ..desk
    };
    next.resolve("2.9.0").await.unwrap();
    let asked = next.server.requests(&digest);
    assert!(asked[2].ends_with(" bytes=100000-"), "{asked:?}");
}

#[tokio::test]
async fn crds_that_are_given_are_taken_and_nothing_else_is_fetched() {
    let desk = Desk::new().await;
    let given = desk.cache.path().join("mine.yaml");
    fs::write(&given, bundle(&["v1", "v1beta1"])).unwrap();
    let release = desk.resolve_with("2.9.0", Some(&given)).await.unwrap();
    assert!(release.serves_v1beta1);
    assert!(desk.server.requests("/raw").is_empty());
}

#[tokio::test]
async fn wrong_crds_are_told_before_anything_is_pulled() {
    let desk = Desk::new().await;
    let given = desk.cache.path().join("mine.yaml");
    desk.resolve_with("2.9.0", Some(&given)).await.unwrap_err();
    assert!(desk.server.requests("").is_empty());
}
