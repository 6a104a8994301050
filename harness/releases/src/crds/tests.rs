//! CRDs that people give.

use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::support::crds::bundle;

fn written(texts: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in texts {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn names(crds: &[Value]) -> Vec<&str> {
    crds.iter().map(name).collect()
}

#[test]
fn a_file_of_many_documents_is_read_in_their_order() {
    let text = format!("# a comment\n---\n{}---\n", bundle(&["v1"]));
    let folder = written(&[("bundle.yaml", &text)]);
    let crds = load(
        &folder.path().join("bundle.yaml"),
        &folder.path().join("parsed"),
    )
    .unwrap();
    assert_eq!(
        names(&crds),
        [EXTERNAL_SECRETS, "secretstores.external-secrets.io"]
    );
}

#[test]
fn a_folder_is_read_by_the_names_of_its_files() {
    let crd = |name: &str| {
        format!(
            "{{\"apiVersion\": \"apiextensions.k8s.io/v1\", \"kind\": \"CustomResourceDefinition\", \"metadata\": {{\"name\": \"{name}\"}}}}"
        )
    };
    let texts = [
        ("b.json", crd(EXTERNAL_SECRETS)),
        ("a.yml", crd("first")),
        ("README.md", "no CRD".into()),
    ];
    let texts = texts.each_ref().map(|(name, text)| (*name, text.as_str()));
    let folder = written(&texts);
    let crds = load(folder.path(), &folder.path().join("parsed")).unwrap();
    assert_eq!(names(&crds), ["first", EXTERNAL_SECRETS]);
}

#[test]
fn a_list_as_kubectl_writes_it_is_read() {
    let item = "  - {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: externalsecrets.external-secrets.io}}\n";
    let text = format!("apiVersion: v1\nkind: List\nitems:\n{item}");
    let crds = parse(Path::new("list.yaml"), &text).unwrap();
    assert_eq!(names(&crds), [EXTERNAL_SECRETS]);
}

#[rstest]
#[case(&["v1"], false)]
#[case(&["v1", "v1beta1"], true)]
#[case(&["v1beta1"], true)]
fn the_served_versions_say_whether_v1beta1_is(#[case] served: &[&str], #[case] expected: bool) {
    let crds = parse(Path::new("bundle.yaml"), &bundle(served)).unwrap();
    assert_eq!(serves_v1beta1(&crds), expected);
}

#[rstest]
#[case("2.9.0", &["v1"], None)]
#[case("0.16.0", &["v1", "v1beta1"], None)]
#[case("0.15.1", &["v1", "v1beta1"], None)]
#[case("0.15.1", &["v1"], Some("serve ExternalSecret at v1, ESO 0.15.1 reads v1beta1"))]
#[case("2.9.0", &["v1beta1"], Some("serve ExternalSecret at v1beta1, ESO 2.9.0 reads v1"))]
#[case("2.9.0", &[], Some("serve ExternalSecret at no version"))]
fn crds_of_another_release_are_told(
    #[case] version: &str,
    #[case] served: &[&str],
    #[case] said: Option<&str>,
) {
    let crds = parse(Path::new("bundle.yaml"), &bundle(served)).unwrap();
    let checked = check(&crds, &version.parse().unwrap(), Path::new("bundle.yaml"));
    match said {
        None => checked.unwrap(),
        Some(said) => {
            let error = checked.unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n";

#[rstest]
#[case::another_kind(
    "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\n",
    "document 1 is a Secret (token), not a CustomResourceDefinition"
)]
#[case::another_kind_behind_crds(
    &format!("{}---\nkind: Namespace\n", bundle(&["v1"])),
    "document 3 is a Namespace (without a name)"
)]
#[case::an_api_that_is_gone(
    "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: old}\n",
    "document 1, old, is of apiextensions.k8s.io/v1beta1"
)]
#[case::no_object("- 1\n", "document 1 is no Kubernetes object")]
#[case::no_yaml("kind: [\n", "crds.yaml: line 1 column 7: ")]
#[case::nothing("", "no CustomResourceDefinition in it")]
#[case::without_esos_own(
    &format!("{CRD}metadata: {{name: secretstores.external-secrets.io}}\n"),
    "externalsecrets.external-secrets.io is not among its 1 CRDs"
)]
fn anything_else_is_named(#[case] text: &str, #[case] said: &str) {
    let folder = written(&[("crds.yaml", text)]);
    let path = folder.path().join("crds.yaml");
    let error = load(&path, &folder.path().join("parsed"))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cannot read CRDs from "), "{error}");
    assert!(
        error.contains("crds.yaml: ") && error.contains(said),
        "{error}"
    );
    assert!(error.contains("--crds takes"), "{error}");
}

#[rstest]
#[case("nowhere", "No such file")]
#[case("empty", "no YAML file in this folder")]
fn a_place_without_crds_is_named(#[case] place: &str, #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let error = load(&folder.path().join(place), &folder.path().join("parsed")).unwrap_err();
    let error = error.to_string();
    assert!(error.contains(place) && error.contains(said), "{error}");
}

#[test]
fn what_was_parsed_is_parsed_once() {
    let folder = written(&[("bundle.yaml", &bundle(&["v1"]))]);
    let (path, parsed) = (
        folder.path().join("bundle.yaml"),
        folder.path().join("parsed"),
    );
    let first = load(&path, &parsed).unwrap();
    let kept: Vec<_> = fs::read_dir(&parsed)
        .unwrap()
        .map(|kept| kept.unwrap().path())
        .collect();
    let [kept] = kept.as_slice() else {
        panic!("{kept:?}")
    };
    // Told apart from a new reading by a mark.
    let mut marked = first.clone();
    marked[0]["marked"] = true.into();
    fs::write(kept, serde_json::to_vec(&marked).unwrap()).unwrap();
    assert_eq!(load(&path, &parsed).unwrap(), marked);

    // Another text is another file.
    fs::write(&path, bundle(&["v1", "v1beta1"])).unwrap();
    assert!(serves_v1beta1(&load(&path, &parsed).unwrap()));

    // A damaged one is made again.
    fs::write(&path, bundle(&["v1"])).unwrap();
    fs::write(kept, "[{").unwrap();
    assert_eq!(load(&path, &parsed).unwrap(), first);
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let folder = written(&[("bundle.yaml", &bundle(&["v1"])), ("file", "")]);
    let crds = load(
        &folder.path().join("bundle.yaml"),
        &folder.path().join("file/parsed"),
    );
    assert_eq!(crds.unwrap().len(), 2);
}
