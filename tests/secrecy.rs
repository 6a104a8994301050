//! No value that the harness knows is ever shown or left anywhere.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rotaproof_cluster::Embedded;
use rotaproof_runner::{Listener, Options};

/// The same seed in this process and in the program gives the same values.
const SEED: u64 = 4711;

struct Deaf;
impl Listener for Deaf {
    fn record(&mut self, _: &rotaproof_events::Record) {}
}

/// Every value that the ledgers of these scenarios know, and what was observed of them as JSON.
fn values(folders: &[&str]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    let files = rotaproof_scenario::discover(&paths).ok().unwrap();
    let cases: Vec<_> = files
        .iter()
        .filter_map(|file| rotaproof_scenario::load(file).ok())
        .flatten()
        .collect();
    let known = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&known);
    let observed = Arc::new(Mutex::new(Vec::new()));
    let observing = Arc::clone(&observed);
    let options = Options {
        lane: Arc::new(Embedded),
        seed: SEED,
        refresh: None,
        jobs: 2,
        fail_fast: false,
        timeout: Duration::from_secs(300),
        interrupt: tokio_util::sync::CancellationToken::new(),
        version: String::new(),
        audit: Some(Arc::new(move |values| {
            heard
                .lock()
                .unwrap()
                .extend(values.iter().map(|value| value.expose().to_vec()));
        })),
        observe: Some(Arc::new(move |_, observation| {
            serde_json::to_writer(&mut *observing.lock().unwrap(), &observation).unwrap();
        })),
        keep: None,
        stay: None,
    };
    rotaproof_runner::run(&cases, &options, &mut Deaf);
    let known = known.lock().unwrap();
    let long = known.iter().filter(|value| value.len() >= 8);
    let observed = std::mem::take(&mut *observed.lock().unwrap());
    (long.cloned().collect(), observed)
}

/// The bytes of every file below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push((
                path.display().to_string(),
                std::fs::read(&path).unwrap_or_default(),
            )),
        }
    }
}

#[test]
fn no_value_is_in_any_output_report_log_or_file() {
    let folders = ["../scenarios", "golden"];
    let (values, observed) = values(&folders);
    assert!(observed.len() > 10_000, "scenarios are observed");
    assert!(values.len() > 50, "only {} values", values.len());

    let temporary = tempfile::tempdir().unwrap();
    let reports = tempfile::tempdir().unwrap();
    let artifacts = tempfile::tempdir().unwrap();
    let report = |kind: &str| format!("{kind}={}", reports.path().join(kind).display());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths: Vec<_> = rotaproof_scenario::discover(&folders.map(|folder| root.join(folder)))
        .ok()
        .unwrap()
        .into_iter()
        .filter(|file| rotaproof_scenario::load(file).is_ok())
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_rotaproof-under-test"))
        .arg("run")
        .args(&paths)
        .args([
            "--seed",
            &SEED.to_string(),
            "--report",
            &report("json"),
            "--report",
            &report("junit"),
        ])
        .arg("--artifacts")
        .arg(artifacts.path())
        .env_clear()
        .env("TMPDIR", temporary.path())
        .env("ROTAPROOF_LOG", "trace")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "the golden scenarios fail");
    assert!(!output.stderr.is_empty(), "the log is on");

    let mut places = vec![
        ("stdout".to_owned(), output.stdout),
        ("stderr".to_owned(), output.stderr),
        ("an observation".to_owned(), observed),
    ];
    files(reports.path(), &mut places);
    files(temporary.path(), &mut places);
    let before = places.len();
    files(artifacts.path(), &mut places);
    assert!(
        places.len() > before + 30,
        "the golden scenarios are explained"
    );
    for (place, bytes) in &places {
        let text = String::from_utf8_lossy(bytes);
        for value in &values {
            let plain = std::str::from_utf8(value).unwrap();
            assert!(!text.contains(plain), "a value is in {place}");
            // As a Kubernetes Secret or a log of its JSON would have it.
            let encoded = BASE64_STANDARD.encode(value);
            assert!(!text.contains(&encoded), "an encoded value is in {place}");
        }
    }
}
