//! From what is wanted to a release that can run.

use std::fs;
use std::path::{Path, PathBuf};

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::cache::{self, Folder, Kept};
use crate::digest::Digest;
use crate::fetch::{Http, download};
use crate::image::{self, Failure};
use crate::progress::{Progress, Tell};
use crate::registry::{Image, Pull};
use crate::settings::BUNDLES;
use crate::{Error, Settings, Version, Wanted, crds, program};

/// The bundle of 2.9.0 has 2 MB.
const MAX_BUNDLE: usize = 64 * 1024 * 1024;

/// A release of ESO that can run.
#[derive(Clone, Debug)]
pub struct Release {
    /// The controller's binary, absolute.
    pub program: PathBuf,
    /// Its version, where that can be told.
    pub version: Option<Version>,
    /// The CustomResourceDefinitions, in the order of their source.
    pub crds: Vec<Value>,
    /// Whether ExternalSecrets are served at `external-secrets.io/v1beta1`.
    pub serves_v1beta1: bool,
}

/// Finds the binary and its CRDs, and fetches what is neither given nor in the cache.
///
/// CRDs are taken from `crds` (a file or a folder), else from beside the binary, else from the cache, else from the
/// release's bundle. `progress` is called on this task and must not block. Cancelling leaves what was downloaded for
/// the next run.
pub async fn resolve(
    wanted: &Wanted,
    crds: Option<&Path>,
    settings: &Settings,
    progress: &(dyn Fn(Progress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Release, Error> {
    let resolution = Resolution {
        settings,
        http: Http::new(settings),
        tell: progress,
        cancel,
    };
    cancel
        .run_until_cancelled(resolution.resolve(wanted, crds))
        .await
        .unwrap_or(Err(Error::Cancelled))
}

struct Resolution<'a> {
    settings: &'a Settings,
    http: Http<'a>,
    tell: Tell<'a>,
    cancel: &'a CancellationToken,
}

/// What is recorded beside a program: all that it was made from.
#[derive(Serialize, Deserialize)]
struct Record {
    image: String,
    manifest: String,
    layers: Vec<String>,
    entrypoint: PathBuf,
    program: Kept,
}

/// What is recorded beside a bundle.
#[derive(Serialize, Deserialize)]
struct BundleRecord {
    url: String,
    bundle: Kept,
}

impl Resolution<'_> {
    async fn resolve(&self, wanted: &Wanted, given: Option<&Path>) -> Result<Release, Error> {
        // First what costs nothing: wrong CRDs are told before anything is pulled.
        let given = match given {
            Some(path) => Some((path.to_owned(), self.load(path).await?)),
            None => None,
        };
        let (program, version) = match wanted {
            Wanted::Path(path) => {
                let version = program::examine(path).await?;
                let path = fs::canonicalize(path).map_err(Error::file("read", path))?;
                (path, version)
            }
            Wanted::Version(version) => (self.program(version).await?, Some(version.clone())),
        };
        let (origin, crds) = match given {
            Some(given) => given,
            None => {
                let origin = self.find_crds(wanted, &program, version.as_ref()).await?;
                let crds = self.load(&origin).await?;
                (origin, crds)
            }
        };
        if let Some(version) = &version {
            crds::check(&crds, version, &origin)?;
        }
        Ok(Release {
            serves_v1beta1: crds::serves_v1beta1(&crds),
            program,
            version,
            crds,
        })
    }

    async fn load(&self, path: &Path) -> Result<Vec<Value>, Error> {
        let parsed = self.settings.cache.join("eso/parsed");
        let path = path.to_owned();
        blocking(move || crds::load(&path, &parsed)).await
    }

    /// Where the CRDs are: beside the binary, or in the cache, where they are put first if need be.
    async fn find_crds(
        &self,
        wanted: &Wanted,
        program: &Path,
        version: Option<&Version>,
    ) -> Result<PathBuf, Error> {
        let beside = match wanted {
            Wanted::Path(_) => beside(program),
            Wanted::Version(_) => Vec::new(),
        };
        if let Some(found) = beside.iter().find(|path| path.exists()) {
            return Ok(found.clone());
        }
        match version {
            Some(version) => self.bundle(version).await,
            None => {
                let looked: Vec<_> = beside
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                Err(Error::NoCrds {
                    program: program.to_owned(),
                    looked: looked.join(", "),
                })
            }
        }
    }

    /// A version's program in the cache.
    async fn program(&self, version: &Version) -> Result<PathBuf, Error> {
        let folder = Folder::of(&self.settings.cache, version);
        if let Some(program) = self.kept_program(&folder).await? {
            return Ok(program);
        }
        let _lock = folder.lock(self.tell).await?;
        // Another run may have put it there meanwhile.
        if let Some(program) = self.kept_program(&folder).await? {
            return Ok(program);
        }
        let mut pull = Pull::new(&self.http);
        let image = pull.image(version).await?;
        let partial = folder.partial();
        cache::make(&partial)?;
        let what = format!("external-secrets {version}");
        let mut before = 0;
        let mut layers = Vec::new();
        for layer in &image.layers {
            let path = partial.join(layer.digest.hex());
            let part = pull.part(layer, &what, before, image.size());
            match download(&self.http, &part, &path, self.tell).await {
                Err(Error::Refused { status: 401, .. }) if pull.renew().await? => {
                    let part = pull.part(layer, &what, before, image.size());
                    download(&self.http, &part, &path, self.tell).await?;
                }
                downloaded => downloaded?,
            }
            before += layer.size;
            layers.push(path);
        }
        (self.tell)(Progress::Unpacking(version.clone()));
        self.unpack(&folder, image, layers).await?;
        // Only room is lost where it stays.
        let _ = fs::remove_dir_all(&partial);
        Ok(folder.program())
    }

    /// The program that is there, if it is what was put there.
    async fn kept_program(&self, folder: &Folder) -> Result<Option<PathBuf>, Error> {
        let Some(mut record) = cache::read_record::<Record>(&folder.record()) else {
            return Ok(None);
        };
        let path = folder.program();
        let kept = record.program.clone();
        let checked = blocking({
            let path = path.clone();
            move || Ok(kept.check(&path))
        });
        match checked.await? {
            Ok(None) => Ok(Some(path)),
            Ok(Some(renewed)) => {
                record.program = renewed;
                // Where it cannot be written, the next run hashes again.
                let _ = cache::write_record(&folder.record(), &record);
                Ok(Some(path))
            }
            Err(reason) => {
                (self.tell)(Progress::Damaged { path, reason });
                Ok(None)
            }
        }
    }

    /// Takes the program out of the layers, and checks that it is ESO before it gets its name.
    async fn unpack(
        &self,
        folder: &Folder,
        image: Image,
        layers: Vec<PathBuf>,
    ) -> Result<(), Error> {
        let cancel = self.cancel.clone();
        let path = folder.program();
        let unfinished = cache::unfinished(&folder.path)?;
        let (unfinished, image, entrypoint, digest) = blocking(move || {
            let mut unfinished = unfinished;
            let unpacked = image::unpack(&layers, &image.config, unfinished.as_file_mut(), &cancel);
            let entrypoint = unpacked.map_err(|failure| match failure {
                Failure::Image(reason) => image.unusable(reason),
                Failure::Write(error) => Error::file("write", &path)(error),
                Failure::Cancelled => Error::Cancelled,
            })?;
            let digest = Digest::of_file(unfinished.path());
            let digest = digest.map_err(Error::file("read", &path))?;
            Ok((unfinished, image, entrypoint, digest))
        })
        .await?;
        let path = folder.program();
        cache::finish(unfinished, &path, 0o755)?;
        if let Err(error) = program::examine(&path).await {
            let _ = fs::remove_file(&path);
            return Err(image.unusable(format!("its entrypoint {}: {error}", entrypoint.display())));
        }
        let record = Record {
            layers: image
                .layers
                .iter()
                .map(|layer| layer.digest.to_string())
                .collect(),
            image: image.name,
            manifest: image.manifest.to_string(),
            entrypoint,
            program: Kept::new(&path, &digest)?,
        };
        cache::write_record(&folder.record(), &record)
    }

    /// A version's CRDs in the cache.
    async fn bundle(&self, version: &Version) -> Result<PathBuf, Error> {
        let folder = Folder::of(&self.settings.cache, version);
        if let Some(bundle) = self.kept_bundle(&folder) {
            return Ok(bundle);
        }
        let _lock = folder.lock(self.tell).await?;
        if let Some(bundle) = self.kept_bundle(&folder) {
            return Ok(bundle);
        }
        let base = &self.settings.bundles;
        let url = format!("{base}/{}/deploy/crds/bundle.yaml", version.tag());
        let answer = self.http.get(&url, &HeaderMap::new(), BUNDLES).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(Error::NoSuchVersion {
                    version: version.clone(),
                    place: url,
                    nearest: Vec::new(),
                });
            }
            _ => return Err(answer.into_error().await),
        }
        let what = format!("the CRDs of {version}");
        let body = answer
            .whole_telling(MAX_BUNDLE, &mut |done, total| {
                let what = what.clone();
                (self.tell)(Progress::Downloading { what, done, total });
            })
            .await?;
        // Nobody publishes its digest: that it is whole, and CRDs, is all that can be checked.
        let (path, from) = (folder.bundle(), PathBuf::from(&url));
        let bytes = body.clone();
        blocking(move || {
            let text = std::str::from_utf8(&bytes).map_err(|error| Error::crds(&from, error))?;
            crds::parse(&from, text)
        })
        .await?;
        cache::write(&path, &body)?;
        let record = BundleRecord {
            url,
            bundle: Kept::new(&path, &Digest::of(&body))?,
        };
        cache::write_record(&folder.bundle_record(), &record)?;
        Ok(path)
    }

    fn kept_bundle(&self, folder: &Folder) -> Option<PathBuf> {
        let record: BundleRecord = cache::read_record(&folder.bundle_record())?;
        let path = folder.bundle();
        match record.bundle.check(&path) {
            Ok(_) => Some(path),
            Err(reason) => {
                (self.tell)(Progress::Damaged { path, reason });
                None
            }
        }
    }
}

/// Where CRDs lie beside a binary: `external-secrets.crds.yaml`, a folder `crds` with a bundle or with a file for
/// each, or the same under `../eso`, where a folder `bin` has programs of several projects.
fn beside(program: &Path) -> Vec<PathBuf> {
    let folder = program.parent().unwrap_or(Path::new("/"));
    let mut own = program.as_os_str().to_owned();
    own.push(".crds.yaml");
    vec![
        own.into(),
        folder.join("crds/bundle.yaml"),
        folder.join("crds"),
        folder.join("../eso/crds/bundle.yaml"),
        folder.join("../eso/crds"),
    ]
}

/// Runs work that would hold up the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => Err(Error::Cancelled),
    }
}
