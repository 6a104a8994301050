//! What a loaded case knows: its manifests, where keys come from, and which checks spoke.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use rotaproof_scenario::model::step::Action;
use rotaproof_scenario::{Case, ObjectName, Origin, PodSource, PodSources, discover, load};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn loaded(text: &str) -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    for entry in std::fs::read_dir(files().join("manifests")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), manifests.join(entry.file_name())).unwrap();
    }
    let path = folder.path().join("a.scenario.yaml");
    std::fs::write(&path, text).unwrap();
    load(&path).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

const VAULT: &str = "
scenario: T
vaults:
  hashicorp:
    kind: hashicorp-vault
    address: https://vault.example.com
    secrets:
      secret/git/credentials: { username: { generate: uuid }, password: { generate: password } }
steps:
  - apply: manifests/vault.yaml
";

fn origin(case: &Case, secret: &str, key: &str) -> String {
    match case
        .mapping
        .key(&ObjectName::new("notebook-validation", secret), key)
    {
        Some(Origin::Vault {
            secret,
            property,
            version,
        }) => {
            format!(
                "{secret}#{}@{}",
                property.unwrap_or_default(),
                version.unwrap_or_default()
            )
        }
        Some(Origin::Unmapped { reason }) => reason,
        None => "nothing".to_owned(),
    }
}

#[test]
fn a_scenario_without_fault_has_no_warning() {
    let cases = load(&files().join("rotation.scenario.yaml")).unwrap_or_else(|d| panic!("{d}"));
    let [case] = cases.as_slice() else {
        panic!("one case")
    };
    assert_eq!(case.warnings.to_string(), "");
    assert_eq!(
        case.title,
        "A rotated AWS secret reaches the next validation job"
    );
    assert_eq!(
        case.manifests
            .iter()
            .map(|(path, _)| path)
            .collect::<Vec<_>>(),
        ["manifests/aws.yaml", "manifests/aws-job.yaml"]
    );
}

#[test]
fn documents_know_their_line_and_are_read_as_kubectl_reads_them() {
    let case = load(&files().join("rotation.scenario.yaml"))
        .unwrap()
        .remove(0);
    let lines: Vec<_> = case
        .manifests
        .get("manifests/aws.yaml")
        .unwrap()
        .documents
        .iter()
        .map(|d| d.line)
        .collect();
    assert_eq!(lines, [1, 10]);
    let job = &case
        .manifests
        .get("manifests/aws-job.yaml")
        .unwrap()
        .documents[0]
        .object;
    assert_eq!(
        job.pointer("/spec/podConfig/volumes/0/secret/defaultMode"),
        Some(&serde_json::json!(0o440))
    );
}

#[test]
fn both_spellings_of_a_vault_key_lead_to_one_secret() {
    let case = loaded(VAULT).remove(0);
    assert_eq!(
        origin(&case, "git", "pinned"),
        "hashicorp/secret/git/credentials#username@1"
    );
    assert_eq!(
        origin(&case, "git", "username"),
        "hashicorp/secret/git/credentials#username@"
    );
    assert_eq!(
        origin(&case, "git", "added-later"),
        "hashicorp/secret/git/credentials#added-later@"
    );
}

#[test]
fn a_template_hides_what_it_is_made_of() {
    let case = loaded(VAULT).remove(0);
    assert_eq!(origin(&case, "templated", "url"), "a template makes it");
    assert_eq!(origin(&case, "templated", "username"), "nothing");
}

#[test]
fn a_variable_and_a_file_lead_to_a_secret_key() {
    let case = load(&files().join("rotation.scenario.yaml"))
        .unwrap()
        .remove(0);
    let job = &case
        .manifests
        .get("manifests/aws-job.yaml")
        .unwrap()
        .documents[0]
        .object;
    let sources = PodSources::of(job).unwrap();
    let key = |source: Option<PodSource>| match source {
        Some(PodSource::Secret(key)) => format!("{}#{}", key.secret, key.key),
        Some(PodSource::Other { reason }) => reason,
        None => "nothing".to_owned(),
    };
    let env = |name: &str| key(sources.env(name, &case.mapping));
    let file = |path: &str| key(sources.file(path, &case.mapping));
    assert_eq!(
        env("AWS_ACCESS_KEY_ID"),
        "notebook-validation/aws-credentials#access-key-id"
    );
    assert_eq!(
        env("secret-access-key"),
        "notebook-validation/aws-credentials#secret-access-key"
    );
    assert_eq!(env("REGION"), "the manifest itself");
    assert_eq!(env("HOME"), "nothing");
    assert_eq!(
        file("/etc/keys/id"),
        "notebook-validation/aws-credentials#access-key-id"
    );
    assert_eq!(file("/etc/keys/secret-access-key"), "nothing");
    assert_eq!(file("/etc/keysid"), "nothing");
}

#[test]
fn a_matrix_names_its_cases() {
    let text = "
scenario: T
matrix: { strategy: [put-value, staged] }
vaults: { aws: { kind: aws-secrets-manager, secrets: { s: x } } }
steps: [{ rotate: { secret: aws/s, strategy: \"${strategy}\" } }]
";
    let titles: Vec<_> = loaded(text).into_iter().map(|case| case.title).collect();
    assert_eq!(titles, ["T [strategy=put-value]", "T [strategy=staged]"]);
}

#[test]
fn an_expected_failure_is_not_an_error() {
    let text = format!(
        "{}  - expect: {{ externalsecret: notebook-validation/git, not-ready: SecretSyncedError, within: 10s }}
  - expect: {{ externalsecret: notebook-validation/templated, not-ready: SecretSyncedError }}
  - expect: {{ secret: notebook-validation/none, absent: true }}
",
        VAULT.replace("secret/git/credentials:", "secret/other:")
    );
    let case = loaded(&text).remove(0);
    assert_eq!(case.warnings.to_string(), "");
    assert!(matches!(case.steps[0].value, Action::Apply(_)));
}

#[test]
fn a_key_that_exists_for_some_time_may_be_expected() {
    let text = format!(
        "{VAULT}  - apply: manifests/vault-edited.yaml
  - expect: {{ secret: notebook-validation/git, keys: {{ pinned: v1, renamed: current }} }}
"
    );
    let case = loaded(&text).remove(0);
    assert_eq!(origin(&case, "git", "pinned"), "nothing");
    assert_eq!(
        origin(&case, "git", "renamed"),
        "hashicorp/secret/git/credentials#username@"
    );
}

#[test]
fn folders_are_searched_in_sorted_order() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "b/two.scenario.yaml",
        "a.scenario.yaml",
        "b/one.scenario.yaml",
        "b/other.yaml",
        ".git/x.scenario.yaml",
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let given = [
        folder.path().to_owned(),
        folder.path().join("b/one.scenario.yaml"),
    ];
    let found: Vec<_> = discover(&given)
        .unwrap()
        .iter()
        .map(|path| {
            path.strip_prefix(folder.path())
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(
        found,
        [
            "a.scenario.yaml",
            "b/one.scenario.yaml",
            "b/two.scenario.yaml"
        ]
    );
}

#[test]
fn a_path_that_leads_nowhere_is_a_diagnostic() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rotate.scenario.yaml"), "").unwrap();
    let error = discover(&[folder.path().join("rotat.scenario.yaml")])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no such file or folder"), "{error}");
    assert!(error.contains("did you mean"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let error = discover(&[empty.path().to_owned()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no *.scenario.yaml file"), "{error}");
}
