//! A pull from a real registry server: Debian's `docker-registry`, with an image made here.
//!
//! `tests/tools/install` puts the server among the tools; without it these tests are skipped, with that reason.
//! `ROTAPROOF_TOOLS` names the folder of the tools; where it is set, a server that is missing is a failure on Debian.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says why it is skipped"
)]

mod relay;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use libtest_mimic::{Arguments, Failed, Trial};
use rotaproof_releases::{Progress, Registry, Settings, Wanted, resolve};
use tokio_util::sync::CancellationToken;

use relay::Relay;
use server::Server;
use support::crds::bundle;
use support::elf::{ESO_BY_MAKEFILE, HELP, printing};
use support::image::{Image, Layer, Packing, noise, sha256};

type Test = fn(&Server) -> Result<(), Failed>;

/// What a pull came to: the program or the error's text, and what was told.
struct Pulled {
    program: Result<Vec<u8>, String>,
    told: Vec<Progress>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = find();
    if let Err(reason) = &program
        && !arguments.list
    {
        println!("skipped: {reason}");
    }
    let tests: [(&str, Test); 3] = [
        ("an_image_is_pulled_and_its_program_taken_out", pulled),
        ("a_download_that_breaks_off_goes_on_where_it_was", resumed),
        (
            "a_version_that_does_not_exist_names_its_neighbours",
            unknown,
        ),
    ];
    let trials = tests.map(|(name, test)| {
        let program = program.clone();
        let missing = program.is_err() && !asked_for();
        Trial::test(name, move || test(&Server::start(&program?)?)).with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// Whether a missing server is a failure: not where there are no Debian packages to take it from.
fn asked_for() -> bool {
    std::env::var_os("ROTAPROOF_TOOLS").is_some() && Path::new("/usr/bin/apt-get").exists()
}

/// The server: among the tools, or installed.
fn find() -> Result<PathBuf, String> {
    let beside = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../tools");
    let tools = std::env::var_os("ROTAPROOF_TOOLS").map_or_else(beside, PathBuf::from);
    let places = [
        tools.join("bin/docker-registry"),
        PathBuf::from("/usr/bin/docker-registry"),
    ];
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| {
        let places = places.map(|place| place.display().to_string()).join(" nor ");
        format!("no registry server at {places}; tests/tools/install puts one there (Debian's docker-registry)")
    })
}

fn program() -> Vec<u8> {
    let mut program = printing(HELP, Some(ESO_BY_MAKEFILE));
    program.extend(noise(2_000_000));
    program
}

/// Layers of both packings; the program of the lowest is hidden, and hidden again.
fn image() -> Image {
    let base = Layer::new()
        .folder("bin/")
        .file("bin/external-secrets", b"old")
        .file("etc/os-release", b"none");
    let hidden = Layer::new().file("bin/.wh.external-secrets", b"");
    let moved = Layer::new().symlink("usr/bin", "/opt").folder("opt/");
    let top = Layer::new()
        .file("usr/bin/eso", &program())
        .symlink("bin/external-secrets", "/usr/bin/eso");
    let layers = vec![
        (base.bytes(), Packing::Zstd),
        (hidden.bytes(), Packing::Gzip),
        (moved.bytes(), Packing::Zstd),
        (top.bytes(), Packing::Gzip),
    ];
    Image::new(layers, "/bin/external-secrets")
}

/// Pulls a version from an address, into a cache of its own.
fn pull(address: &str, version: &str) -> Result<Pulled, Failed> {
    let cache = tempfile::tempdir()?;
    let crds = cache.path().join("crds.yaml");
    std::fs::write(&crds, bundle(&["v1"]))?;
    let home = cache.path().display().to_string();
    let mut settings = Settings::from_env(|name| (name == "XDG_CACHE_HOME").then(|| home.clone()))?;
    settings.registry = Registry::parse(&format!("{address}/mirror"))?;
    settings.pause = std::time::Duration::ZERO;
    let told = Mutex::new(Vec::new());
    let tell = |progress| told.lock().unwrap().push(progress);
    let wanted = Wanted::parse(version)?;
    let cancel = CancellationToken::new();
    let runtime = tokio::runtime::Runtime::new()?;
    let resolved = runtime.block_on(resolve(&wanted, Some(&crds), &settings, &tell, &cancel));
    let program = match resolved {
        Ok(release) => Ok(std::fs::read(release.program)?),
        Err(error) => Err(error.to_string()),
    };
    let told = told.into_inner()?;
    Ok(Pulled { program, told })
}

fn pulled(server: &Server) -> Result<(), Failed> {
    server.push("v2.9.0", &image())?;
    let pulled = pull(&server.address, "2.9.0")?;
    assert!(pulled.program? == program());
    Ok(())
}

fn resumed(server: &Server) -> Result<(), Failed> {
    server.push("v2.9.0", &image())?;
    let relay = Relay::cutting(&server.address, 1_000_000)?;
    let Pulled {
        program: taken,
        told,
    } = pull(&relay.address, "2.9.0")?;
    assert!(taken? == program());
    let broke = told
        .iter()
        .any(|told| matches!(told, Progress::Resuming { .. }));
    assert!(broke, "{told:?}");
    // It did go on: all that came is about one image, not two.
    let came = relay.bytes();
    assert!((2_000_000..2_100_000).contains(&came), "{came} bytes came");
    Ok(())
}

fn unknown(server: &Server) -> Result<(), Failed> {
    for tag in ["v2.9.0", "v2.8.0", "v2.8.0-ubi"] {
        server.push(tag, &image())?;
    }
    let error = pull(&server.address, "2.8.1")?.program.unwrap_err();
    assert!(
        error.ends_with("the nearest there are 2.9.0, 2.8.0"),
        "{error}"
    );
    Ok(())
}
