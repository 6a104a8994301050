//! The house: a crate per concern, dependencies only downwards (docs/architecture.md).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The crates from the top down. A crate may depend on those after it, never on those before it.
const HOUSE: [&str; 18] = [
    "cli",
    "report",
    "compare",
    "lab",
    "runner",
    "cluster",
    "operator",
    "pods",
    "apiserver",
    "gateway",
    "backends",
    "vaults",
    "egress",
    "events",
    "scenario",
    "kinds",
    "releases",
    "base",
];

/// What a crate must not know, although it stands below it.
const STRANGERS: [(&str, &[&str]); 6] = [
    // It speaks to vaults and to the API only over the wire, as ESO does.
    (
        "operator",
        &[
            "vaults",
            "gateway",
            "apiserver",
            "pods",
            "scenario",
            "events",
        ],
    ),
    (
        "pods",
        &[
            "apiserver",
            "gateway",
            "vaults",
            "scenario",
            "events",
            "egress",
        ],
    ),
    (
        "apiserver",
        &["gateway", "vaults", "egress", "events", "scenario", "kinds"],
    ),
    // Reports consume events and nothing else.
    (
        "report",
        &[
            "runner",
            "cluster",
            "operator",
            "pods",
            "apiserver",
            "gateway",
            "vaults",
            "egress",
            "scenario",
            "kinds",
            "base",
        ],
    ),
    // It judges what was observed, and knows nothing of who did it.
    (
        "compare",
        &[
            "lab",
            "runner",
            "cluster",
            "operator",
            "pods",
            "apiserver",
            "gateway",
            "vaults",
            "egress",
            "scenario",
            "kinds",
            "base",
        ],
    ),
    ("vaults", &["events", "scenario", "kinds"]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The crates of ours that each crate depends on, other than for its tests.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let read = |name: &str| {
        let path = workspace().join("harness").join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(path).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        dependencies
            .lines()
            .filter_map(|line| {
                line.strip_prefix("rotaproof-")?
                    .split(['.', ' ', '='])
                    .next()
            })
            .map(str::to_owned)
            .collect()
    };
    HOUSE
        .iter()
        .map(|name| ((*name).to_owned(), read(name)))
        .collect()
}

#[test]
fn every_folder_of_the_harness_has_its_place_in_the_house() {
    let mut folders: Vec<String> = std::fs::read_dir(workspace().join("harness"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut house = HOUSE.map(str::to_owned).to_vec();
    house.sort();
    assert_eq!(folders, house);
}

#[test]
fn dependencies_point_downwards_only() {
    let place = |name: &str| HOUSE.iter().position(|n| *n == name).unwrap();
    for (name, dependencies) in dependencies() {
        for dependency in dependencies {
            assert!(
                place(&name) < place(&dependency),
                "{name} depends on {dependency}, which stands above it"
            );
        }
    }
}

#[test]
fn crates_do_not_know_what_they_must_not_know() {
    let dependencies = dependencies();
    for (name, strangers) in STRANGERS {
        for stranger in strangers {
            assert!(
                !dependencies[name]
                    .iter()
                    .any(|dependency| dependency == stranger),
                "{name} depends on {stranger}"
            );
        }
    }
}

#[test]
fn a_source_file_holds_one_idea_of_at_most_500_lines() {
    let mut pending = vec![workspace().join("harness"), workspace().join("tests")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 500, "{} has {lines} lines", path.display());
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let vague = ["utils", "util", "common", "helpers", "misc", "imp"];
                assert!(
                    !vague.contains(&name.as_str()),
                    "{} says nothing",
                    path.display()
                );
            }
        }
    }
}
