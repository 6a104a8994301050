//! Programs out of images that test authors, and attackers, made.

use std::io::{Read, Seek};

use rstest::rstest;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::digest::Digest;
use crate::support::image::{Layer, Packing, noise, pack, sha256};

/// Unpacks the entrypoint of an image of these layers.
fn entrypoint(layers: Vec<Layer>, program: &str) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let packings = [Packing::Gzip, Packing::Zstd, Packing::Plain];
    let mut paths = Vec::new();
    let mut unpacked = Vec::new();
    for (index, layer) in layers.into_iter().enumerate() {
        let archive = layer.bytes();
        let path = folder.path().join(index.to_string());
        std::fs::write(&path, pack(&archive, packings[index % 3])).unwrap();
        paths.push(path);
        unpacked.push(Digest::parse(&sha256(&archive)).unwrap());
    }
    let config = Config {
        program: program.into(),
        path: vec!["/usr/bin".into(), "/bin".into()],
        folder: "/work".into(),
        unpacked,
    };
    let mut into = tempfile::tempfile().unwrap();
    match unpack(&paths, &config, &mut into, &CancellationToken::new()) {
        Ok(path) => {
            let mut text = String::new();
            into.rewind().unwrap();
            into.read_to_string(&mut text).unwrap();
            Ok((path.display().to_string(), text))
        }
        Err(Failure::Image(reason)) => Err(reason),
        Err(failure) => panic!("{failure:?}"),
    }
}

fn layer() -> Layer {
    Layer::new()
}

const ESO: &str = "/bin/external-secrets";

#[rstest]
#[case::the_plain_file(vec![layer().folder("bin/").file("bin/external-secrets", b"it")], ESO)]
#[case::a_name_with_a_dot(vec![layer().file("./bin/external-secrets", b"it")], ESO)]
#[case::a_name_from_the_root(vec![layer().file("/bin/external-secrets", b"it")], ESO)]
#[case::the_upper_of_two(
    vec![layer().file("bin/external-secrets", b"old"), layer().file("bin/external-secrets", b"it")],
    ESO
)]
#[case::the_later_of_two_in_one_layer(
    vec![layer().file("bin/external-secrets", b"old").file("bin/external-secrets", b"it")],
    ESO
)]
#[case::hidden_and_written_again(
    vec![
        layer().file("bin/external-secrets", b"old"),
        layer().file("bin/.wh.external-secrets", b""),
        layer().file("bin/external-secrets", b"it"),
    ],
    ESO
)]
#[case::a_whiteout_behind_the_new_file_is_for_the_old_one(
    vec![
        layer().file("bin/external-secrets", b"old"),
        layer().file("bin/external-secrets", b"it").file("bin/.wh.external-secrets", b""),
    ],
    ESO
)]
#[case::an_opaque_folder_hides_only_what_is_below(
    vec![
        layer().file("bin/other", b"old"),
        layer().file("bin/external-secrets", b"it").file("bin/.wh..wh..opq", b""),
    ],
    ESO
)]
#[case::a_folder_over_a_folder_keeps_what_is_in_it(
    vec![layer().file("bin/external-secrets", b"it"), layer().folder("bin/")],
    ESO
)]
#[case::by_the_path_variable(vec![layer().file("bin/external-secrets", b"it")], "external-secrets")]
#[case::from_the_working_folder(vec![layer().file("work/bin/external-secrets", b"it")], "bin/external-secrets")]
#[case::a_link_to_it(
    vec![layer().file("opt/eso", b"it").symlink("bin/external-secrets", "../opt/eso")],
    ESO
)]
#[case::a_folder_that_is_a_link(
    vec![layer().symlink("bin", "usr/bin").file("usr/bin/external-secrets", b"it")],
    ESO
)]
#[case::written_through_a_folder_that_is_a_link(
    vec![layer().symlink("bin", "/usr/bin"), layer().file("bin/external-secrets", b"it")],
    "/usr/bin/external-secrets"
)]
#[case::a_hard_link_to_it(
    vec![layer().file("opt/eso", b"it").hard_link("bin/external-secrets", "opt/eso")],
    ESO
)]
#[case::a_link_above_the_root_stays_in_the_image(
    vec![layer().file("etc/eso", b"it").symlink("bin/external-secrets", "../../../../etc/eso")],
    ESO
)]
fn the_entrypoint_is_found(#[case] layers: Vec<Layer>, #[case] program: &str) {
    let (_, text) = entrypoint(layers, program).unwrap();
    assert_eq!(text, "it");
}

#[rstest]
#[case::a_file_that_a_whiteout_hides(
    vec![layer().file("bin/external-secrets", b"it"), layer().file("bin/.wh.external-secrets", b"")],
    "is no file in any of its layers"
)]
#[case::a_file_in_a_folder_that_a_whiteout_hides(
    vec![layer().file("bin/external-secrets", b"it"), layer().file(".wh.bin", b"")],
    "is no file in any of its layers"
)]
#[case::a_file_in_an_opaque_folder(
    vec![
        layer().file("bin/external-secrets", b"it"),
        layer().file("bin/.wh..wh..opq", b"").file("bin/new", b""),
    ],
    "is no file in any of its layers"
)]
#[case::a_file_below_what_became_a_file(
    vec![layer().file("bin/external-secrets", b"it"), layer().file("bin", b"")],
    "is no file in any of its layers"
)]
#[case::a_pipe(vec![layer().pipe("bin/external-secrets")], "is no file in any of its layers")]
#[case::a_name_that_climbs(
    vec![layer().file("../../etc/cron.d/evil", b"evil")],
    "layer 1: the name \"../../etc/cron.d/evil\" leads out of the image"
)]
#[case::a_name_that_climbs_in_its_middle(
    vec![layer().file("bin/../../evil", b"evil")],
    "leads out of the image"
)]
#[case::a_hard_link_that_climbs(
    vec![layer().hard_link("bin/external-secrets", "../../etc/passwd")],
    "leads out of the image"
)]
#[case::a_link_to_a_file_of_this_machine(
    vec![layer().symlink("bin/external-secrets", "/etc/passwd")],
    "is no file in any of its layers"
)]
#[case::a_hard_link_to_a_file_of_this_machine(
    vec![layer().hard_link("bin/external-secrets", "/etc/passwd")],
    "leads to etc/passwd, which is no file"
)]
#[case::a_link_to_itself(
    vec![layer().symlink("bin/external-secrets", "external-secrets")],
    "leads through too many links"
)]
#[case::a_file_in_a_file(
    vec![layer().file("bin", b"").file("bin/external-secrets", b"it")],
    "lies in bin, which is no folder"
)]
#[case::a_whiteout_of_nothing(vec![layer().file("bin/.wh.", b"")], "hides nothing")]
#[case::a_whiteout_of_the_folder_above(vec![layer().file("bin/.wh...", b"")], "hides nothing")]
fn an_image_without_it_says_why(#[case] layers: Vec<Layer>, #[case] reason: &str) {
    let said = entrypoint(layers, ESO).unwrap_err();
    assert!(said.contains(reason), "{said}");
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer");
    let archive = layer().file("bin/external-secrets", b"it").bytes();
    std::fs::write(&path, pack(&archive, Packing::Gzip)).unwrap();
    let config = Config {
        program: ESO.into(),
        path: Vec::new(),
        folder: "/".into(),
        unpacked: vec![Digest::of(b"something else")],
    };
    let mut into = tempfile::tempfile().unwrap();
    let failure = unpack(&[path], &config, &mut into, &CancellationToken::new()).unwrap_err();
    let Failure::Image(reason) = failure else {
        panic!("{failure:?}")
    };
    assert!(
        reason.contains("the configuration says sha256:"),
        "{reason}"
    );
}

#[test]
fn unpacking_ends_when_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer");
    std::fs::write(&path, noise(100)).unwrap();
    let config = Config {
        program: ESO.into(),
        path: Vec::new(),
        folder: "/".into(),
        unpacked: vec![Digest::of(b"")],
    };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let mut into = tempfile::tempfile().unwrap();
    let failure = unpack(&[path], &config, &mut into, &cancel).unwrap_err();
    assert!(matches!(failure, Failure::Cancelled), "{failure:?}");
}
