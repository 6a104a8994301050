//! Releases as the lane asks for them: from files, from a registry in this process, from the cache.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod failures;
mod files;
mod proxies;
mod pull;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rotaproof_releases::{Error, Progress, Registry, Release, Settings, Wanted, resolve};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use support::crds::bundle;
use support::elf::{ESO_BY_MAKEFILE, HELP, printing};
use support::image::{Image, Layer, Packing, noise};
use support::server::Server;

/// A cache of its own, a server, and what was told.
struct Desk {
    cache: TempDir,
    server: Server,
    settings: Settings,
    told: Mutex<Vec<Progress>>,
    cancel: CancellationToken,
}

impl Desk {
    /// With 2.9.0 at the server: program and CRDs.
    async fn new() -> Self {
        let server = Server::start().await;
        server.image("v2.9.0", &eso());
        server.file(
            "/raw/v2.9.0/deploy/crds/bundle.yaml",
            "text/plain",
            bundle(&["v1"]),
        );
        let cache = tempfile::tempdir().unwrap();
        let home = cache.path().to_str().unwrap().to_owned();
        let mut settings =
            Settings::from_env(|name| (name == "XDG_CACHE_HOME").then(|| home.clone())).unwrap();
        settings.registry = Registry::parse(&server.address.to_string()).unwrap();
        settings.bundles = format!("http://{}/raw", server.address);
        settings.pause = Duration::ZERO;
        Self {
            cache,
            server,
            settings,
            told: Mutex::default(),
            cancel: CancellationToken::new(),
        }
    }

    async fn resolve(&self, wanted: &str) -> Result<Release, Error> {
        self.resolve_with(wanted, None).await
    }

    async fn resolve_with(&self, wanted: &str, crds: Option<&Path>) -> Result<Release, Error> {
        let tell = |progress| self.told.lock().unwrap().push(progress);
        let wanted = Wanted::parse(wanted).unwrap();
        resolve(&wanted, crds, &self.settings, &tell, &self.cancel).await
    }

    /// The text of the error, with the server's address replaced.
    async fn error(&self, wanted: &str) -> String {
        let error = self.resolve(wanted).await.unwrap_err().to_string();
        error
            .replace(&self.server.address.to_string(), "SERVER")
            .replace(self.cache.path().to_str().unwrap(), "CACHE")
    }

    /// The version's folder in the cache.
    fn folder(&self) -> std::path::PathBuf {
        self.cache.path().join("rotaproof/eso/2.9.0")
    }

    fn told(&self) -> Vec<Progress> {
        self.told.lock().unwrap().clone()
    }

    /// Whether it went on with a download that had broken off.
    fn resumed(&self) -> bool {
        let told = self.told();
        told.iter()
            .any(|told| matches!(told, Progress::Resuming { .. }))
    }
}

/// ESO's program in the images: as its Makefile builds it, and too large for one piece.
fn program() -> Vec<u8> {
    let mut program = printing(HELP, Some(ESO_BY_MAKEFILE));
    program.extend(noise(300_000));
    program
}

fn eso() -> Image {
    let base = Layer::new()
        .folder("bin/")
        .file("bin/external-secrets", b"an old one")
        .file("etc/passwd", b"nobody");
    let middle = Layer::new().file("bin/.wh.external-secrets", b"");
    let top = Layer::new()
        .file("opt/external-secrets", &program())
        .symlink("bin/external-secrets", "../opt/external-secrets");
    let layers = vec![
        (base.bytes(), Packing::Gzip),
        (middle.bytes(), Packing::Zstd),
        (top.bytes(), Packing::Gzip),
    ];
    Image::new(layers, "/bin/external-secrets")
}
