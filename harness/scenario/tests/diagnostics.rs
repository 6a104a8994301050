//! Every way in which a file can be wrong, and what is said of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rotaproof_scenario::{Severity, load, parse};
use rstest::rstest;

/// A vault, a manifest and a job to be wrong about.
const HEAD: &str = "scenario: T
vaults:
  aws:
    kind: aws-secrets-manager
    secrets:
      prod/notebook/aws: { access_key_id: { generate: aws-access-key-id }, secret_access_key: { generate: text } }
      prod/plain: { generate: uuid }
steps:
";

const APPLIED: &str = "  - apply: manifests/aws.yaml
  - start: { manifest: manifests/aws-job.yaml, as: before }
";

/// The name of the running case, without its number.
fn case_name() -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap().rsplit("::").next().unwrap();
    test.splitn(3, '_').nth(2).unwrap().to_owned()
}

/// What loading the text says, in a folder with the manifests of the tests.
fn rendered(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/manifests");
    for entry in std::fs::read_dir(own).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), manifests.join(entry.file_name())).unwrap();
    }
    std::fs::write(
        manifests.join("broken.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata: [\n",
    )
    .unwrap();
    std::fs::write(
        manifests.join("values.yaml"),
        "image: example\nreplicas: 1\n",
    )
    .unwrap();
    let path = folder.path().join(format!("{name}.scenario.yaml"));
    std::fs::write(&path, text).unwrap();
    let out = match load(&path) {
        Ok(cases) => cases
            .iter()
            .map(|case| case.warnings.to_string())
            .collect::<Vec<_>>()
            .join("\n"),
        Err(diagnostics) => diagnostics.to_string(),
    };
    out.replace(&format!("{}/", folder.path().display()), "")
}

#[rstest]
// The text itself.
#[case::empty("")]
#[case::only_a_comment("# nothing\n")]
#[case::not_a_mapping("- a\n- b\n")]
#[case::bad_syntax("scenario: T\nsteps:\n  - apply: [a\n")]
#[case::tab("scenario: T\nsteps:\n\t- apply: a\n")]
#[case::two_documents("scenario: T\nsteps: []\n---\nscenario: U\nsteps: []\n")]
#[case::duplicate_key("scenario: T\nsteps: []\nscenario: U\n")]
#[case::merge_key("scenario: T\nsteps: []\nvaults: { a: { <<: { b: c } } }\n")]
#[case::tag("scenario: !!str T\nsteps: []\n")]
#[case::list_as_key("scenario: T\nsteps: []\n[a, b]: c\n")]
#[case::unknown_alias("scenario: *t\nsteps: []\n")]
// Types.
#[case::unknown_field("scenario: T\nstep: []\n")]
#[case::missing_field("scenario: T\n")]
#[case::null_title("scenario:\nsteps: []\n")]
#[case::unknown_verb("scenario: T\nsteps:\n  - rotat: { secret: a/b }\n")]
#[case::two_verbs("scenario: T\nsteps:\n  - apply: a.yaml\n    expect: { pod: a }\n")]
#[case::bare_verb("scenario: T\nsteps:\n  - apply\n")]
#[case::wrong_type("scenario: T\nsteps:\n  - rotate: { secret: a/b, times: three }\n")]
#[case::octal("scenario: T\nsteps:\n  - rotate: { secret: a/b, times: 0644 }\n")]
#[case::negative("scenario: T\nsteps:\n  - rotate: { secret: a/b, times: -1 }\n")]
#[case::yes("scenario: T\nsteps:\n  - remove: { secret: a/b, forced: yes }\n")]
#[case::two_vaults_of_one_host(
    "scenario: T\nsteps: []\nvaults:\n  a: { kind: aws-secrets-manager }\n  b: { kind: aws-secrets-manager }\n"
)]
#[case::vault_declarations(
    "scenario: T\nsteps: []\nvaults:\n  v:\n    kind: hashicorp-vault\n    address: vault.example.com\n    tokens: { t: { secret: a/b, policies: [default, read] } }\n    secrets: { kv/a: x }\n"
)]
#[case::one_password_declarations(
    "scenario: T\nsteps:\n  - remove: { secret: op/production/a }\n  - rotate: { secret: op/production/a, strategy: staged }\nvaults:\n  op:\n    kind: one-password-connect\n    address: connect.example.com\n    vaults: [production, a/b]\n    tokens: { t: { secret: a/b, vaults: { prodction: [read] } } }\n    secrets: { production/a: x, staging/b: x, c: x }\n    documents: { production/d: { file: d.pem, content: { generate: uuid } } }\n"
)]
#[case::gcp_declarations(
    "scenario: T\nsteps:\n  - remove: { secret: gcp/api-key }\n  - restore: { secret: gcp/api-key }\n  - rotate: { secret: gcp/api-key, strategy: staged }\nvaults:\n  gcp:\n    kind: gcp-secret-manager\n    service_accounts:\n      eso@example.com: { allows: [{ roles: [roles/secretmanager.secretAcessor], secrets: [a] }] }\n    workload_identities: { a/b: { allows: [{ roles: [secretmanager.versions.access], secrets: [a] }] } }\n    secrets: { api-key: x, prod/db: x }\n  other: { kind: gcp-secret-manager }\n"
)]
#[case::list_for_text("scenario: [T]\nsteps: []\n")]
#[case::bad_duration("scenario: T\nsteps:\n  - start: { manifest: a, runs: 10 }\n")]
#[case::bad_unit("scenario: T\nsteps:\n  - start: { manifest: a, runs: 10 secs }\n")]
#[case::bad_budget("scenario: T\nsteps:\n  - advance: 1 refreshs + 10s\n")]
#[case::bad_stretch("scenario: T\nsteps:\n  - advance: until refreshed\n")]
#[case::bad_exact_time("scenario: T\nsteps:\n  - advance: exactly 1 refresh\n")]
#[case::stretch_for_budget(
    "scenario: T\nsteps:\n  - expect: { secret: a/b, is: current, within: until refresh }\n"
)]
#[case::bad_strategy("scenario: T\nsteps:\n  - rotate: { secret: a/b, strategy: stagged }\n")]
#[case::bad_name("scenario: T\nsteps:\n  - force-sync: { externalsecret: aws-credentials }\n")]
#[case::bad_secret("scenario: T\nsteps:\n  - rotate: { secret: aws }\n")]
#[case::bad_version("scenario: T\nsteps:\n  - destroy: { secret: a/b, version: latest }\n")]
#[case::bad_status("scenario: T\nsteps:\n  - fault: { vault: aws, status: 200 }\n")]
#[case::two_faults("scenario: T\nsteps:\n  - fault: { vault: aws, reset: true, hang: true }\n")]
#[case::no_fault("scenario: T\nsteps:\n  - fault: { vault: aws, operation: GetSecretValue }\n")]
#[case::unknown_fault("scenario: T\nsteps:\n  - fault: { vault: aws, hang: true, latncy: 2s }\n")]
#[case::false_fault("scenario: T\nsteps:\n  - fault: { vault: aws, hang: false }\n")]
#[case::no_subject("scenario: T\nsteps:\n  - expect: { pood: a, env: {} }\n")]
#[case::two_subjects("scenario: T\nsteps:\n  - expect: { pod: a, secret: a/b }\n")]
#[case::two_tenses(
    "scenario: T\nsteps:\n  - expect: { pod: a, phase: Running, within: 1s, throughout: 2s }\n"
)]
#[case::unknown_expectation("scenario: T\nsteps:\n  - expect: { secret: a/b, iz: current }\n")]
#[case::misspelt_tense(
    "scenario: T\nsteps:\n  - expect: { secret: a/b, is: current, withn: 2s }\n"
)]
#[case::unknown_kind("scenario: T\nsteps: []\nvaults:\n  a: { kind: aws-secret-manager }\n")]
#[case::missing_kind("scenario: T\nsteps: []\nvaults:\n  a: { region: us-east-1 }\n")]
#[case::vault_field(
    "scenario: T\nsteps: []\nvaults:\n  a: { kind: aws-secrets-manager, regoin: x }\n"
)]
#[case::bad_generator(
    "scenario: T\nsteps: []\nvaults:\n  a: { kind: aws-secrets-manager, secrets: { s: { generate: txt } } }\n"
)]
#[case::generator_field(
    "scenario: T\nsteps: []\nvaults:\n  a: { kind: aws-secrets-manager, secrets: { s: { f: { generate: uuid, length: 3 } } } }\n"
)]
#[case::restart_part("scenario: T\nsteps:\n  - restart: operater\n")]
#[case::matrix_name("scenario: T\nmatrix: { strategy: [a] }\nsteps:\n  - apply: ${strateg}\n")]
#[case::matrix_unquoted("scenario: T\nmatrix: { m: [a] }\nsteps:\n  - start: { manifest: ${m} }\n")]
#[case::matrix_empty("scenario: T\nmatrix: { m: [] }\nsteps: []\n")]
fn a_file_that_cannot_be_read_says_where_and_why(#[case] text: &str) {
    let name = case_name();
    insta::assert_snapshot!(name.clone(), rendered(&name, text));
}

#[rstest]
#[case::vault("  - rotate: { secret: awz/prod/notebook/aws }\n")]
#[case::secret("  - rotate: { secret: aws/prod/notebok/aws }\n")]
#[case::field("  - rotate: { secret: aws/prod/notebook/aws, fields: [acces_key_id] }\n")]
#[case::field_of_plain("  - rotate: { secret: aws/prod/plain, values: { a: b } }\n")]
#[case::fault_vault("  - fault: { vault: vault, hang: true }\n  - heal: { vault: vault }\n")]
#[case::strategy("  - rotate: { secret: aws/prod/plain, strategy: check-and-set }\n")]
#[case::roll_back("  - rotate: { secret: aws/prod/plain, to: v1 }\n")]
#[case::destroy("  - destroy: { secret: aws/prod/plain, version: v1 }\n")]
#[case::write_nothing("  - write: { secret: aws/prod/new }\n")]
#[case::duplicate_alias("  - start: { manifest: manifests/aws-job.yaml, as: before }\n")]
#[case::reserved_name("  - rotate: { secret: aws/prod/plain, as: rotate }\n")]
#[case::unknown_pod("  - expect: { pod: befor, phase: Running }\n")]
#[case::later_pod(
    "  - expect: { pod: after, phase: Running }\n  - start: { manifest: manifests/aws-job.yaml, as: after }\n"
)]
#[case::unknown_fault_name("  - heal: { fault: slow }\n")]
#[case::unknown_mark("  - expect: { requests: { vault: aws }, count: 0, since: rotate }\n")]
#[case::missing_manifest("  - apply: manifests/awz.yaml\n")]
#[case::broken_manifest("  - apply: manifests/broken.yaml\n")]
#[case::not_an_object("  - apply: manifests/values.yaml\n")]
#[case::nothing_to_start("  - start: { manifest: manifests/aws.yaml }\n")]
#[case::unknown_externalsecret(
    "  - expect: { externalsecret: notebook-validation/aws-credential, ready: SecretSynced }\n"
)]
#[case::unknown_secret("  - expect: { secret: notebook-validation/credentials, is: current }\n")]
#[case::unknown_store("  - expect: { store: aws, ready: Valid }\n")]
#[case::unknown_key(
    "  - expect: { secret: notebook-validation/aws-credentials, keys: { access-key: current } }\n"
)]
#[case::unknown_variable("  - expect: { pod: before, env: { AWS_ACCES_KEY_ID: current } }\n")]
#[case::literal_variable("  - expect: { pod: before, env: { REGION: current } }\n")]
#[case::unknown_file("  - expect: { pod: before, files: { /etc/keys/key: current } }\n")]
#[case::unknown_value(
    "  - expect: { pod: before, env: { REGION: aws/prod/notebook/aws#region@current } }\n"
)]
#[case::nothing_expected(
    "  - expect: { secret: notebook-validation/aws-credentials, within: 10s }\n"
)]
#[case::count_and_more("  - expect: { requests: { vault: aws }, count: 1, at-least: 1 }\n")]
#[case::short_budget(
    "  - rotate: { secret: aws/prod/notebook/aws }\n  - expect: { secret: notebook-validation/aws-credentials, is: current, within: 90s }\n"
)]
#[case::no_time("  - advance: 0s\n")]
#[case::long_plain_times(
    "  - advance: 5m\n  - expect: { secret: notebook-validation/aws-credentials, is: current, throughout: 2h }\n  - expect: { store: notebook-validation/aws, ready: Valid, throughout: 2h }\n  - advance: exactly 2h\n  - advance: 4m59s\n  - advance: until refresh\n  - advance: 0.2 refresh + 2h\n  - fault: { vault: aws, hang: true }\n  - advance: 2h\n  - heal: { vault: aws }\n  - advance: 2h\n"
)]
#[case::until_a_refresh_that_never_comes(
    "  - apply: manifests/once.yaml\n  - expect: { secret: notebook-validation/once, is: current, throughout: until refresh }\n  - expect: { secret: notebook-validation/aws-credentials, is: current, throughout: until refresh }\n"
)]
#[case::several(
    "  - rotate: { secret: awz/x }\n  - expect: { pod: nobody, phase: Running }\n  - advance: 0s\n"
)]
#[case::not_applied_store("  - apply: manifests/vault.yaml\n")]
fn a_check_says_what_is_wrong_before_anything_runs(#[case] steps: &str) {
    let name = case_name();
    insta::assert_snapshot!(
        format!("check_{name}"),
        rendered(&name, &format!("{HEAD}{APPLIED}{steps}"))
    );
}

fn refused(bytes: &[u8]) -> String {
    parse(Path::new("a.scenario.yaml"), bytes)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_file_of_more_than_4_mib_is_refused_unread() {
    let bytes = vec![b'#'; 4 * 1024 * 1024 + 1];
    assert!(refused(&bytes).contains("scenario files are at most 4 MiB"));
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_line() {
    assert!(refused(b"scenario: T\nabout: \xff\n").contains("not UTF-8 (first in line 2)"));
}

#[rstest]
#[case::flow("[", 100_000)]
#[case::block("- ", 100_000)]
#[case::mapping("{a: ", 100_000)]
fn deep_nesting_is_refused_quickly(#[case] opening: &str, #[case] times: usize) {
    let text = refused(opening.repeat(times).as_bytes());
    assert!(
        text.len() < 2_000_000 && text.contains("error"),
        "{text:.200}"
    );
}

#[test]
fn aliases_cannot_grow_without_bound() {
    let mut text = "scenario: T\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert!(refused(text.as_bytes()).contains("aliases add more than 10000 values"));
}

#[test]
fn diagnostics_can_be_read_by_a_program() {
    let diagnostics =
        parse(Path::new("x.yaml"), b"scenario: T\nsteps:\n  - rotat: {}\n").unwrap_err();
    let one = diagnostics.iter().next().unwrap();
    assert_eq!(
        (one.severity, one.line, one.column),
        (Severity::Error, 3, 5)
    );
    assert_eq!(one.file, PathBuf::from("x.yaml"));
    assert_eq!(one.help.as_deref(), Some("did you mean `rotate`?"));
    assert!(diagnostics.render(true).contains("\u{1b}["));
    assert!(!diagnostics.render(false).contains("\u{1b}["));
}
