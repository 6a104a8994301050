//! The manifests of the decision record, verbatim.

use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The YAML blocks of the record, in order.
fn blocks() -> Vec<String> {
    let record = read("docs/adr-016-external-secrets-operator.md");
    let mut parts = record.split("```yaml\n");
    parts.next();
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_aws_manifests_are_the_records_own_to_the_letter() {
    let blocks = blocks();
    for (index, name) in ["store", "externalsecret", "job"].iter().enumerate() {
        let manifest = read(&format!("scenarios/seed/aws/manifests/{name}.yaml"));
        assert_eq!(manifest, blocks[index], "{name}.yaml");
    }
}

#[test]
fn the_gcp_manifests_are_the_records_own_to_the_letter() {
    let blocks = blocks();
    for (block, name) in blocks[5..].iter().zip(["store", "externalsecret"]) {
        let manifest = read(&format!("scenarios/seed/gcp/manifests/{name}.yaml"));
        assert_eq!(&manifest, block, "{name}.yaml");
    }
}

#[test]
fn the_azure_manifests_are_the_records_own_to_the_letter() {
    let blocks = blocks();
    for (index, name) in ["store", "externalsecret"].iter().enumerate() {
        let manifest = read(&format!("scenarios/seed/azure/manifests/{name}.yaml"));
        assert_eq!(manifest, blocks[3 + index], "{name}.yaml");
    }
}

#[test]
fn the_corrected_azure_store_differs_from_the_record_only_in_the_identity() {
    let folder = "scenarios/seed/azure/manifests";
    let without_identity = |name: &str| -> Vec<String> {
        let text = read(&format!("{folder}/{name}.yaml"));
        let lines = text.lines().filter(|line| !line.contains("identityId: "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(
        without_identity("store"),
        without_identity("store-corrected")
    );
    let corrected = read(&format!("{folder}/store-corrected.yaml"));
    assert!(!corrected.contains("identityId: /"), "{corrected}");
}

#[test]
fn a_corrected_manifest_differs_from_the_record_only_where_its_finding_says() {
    let lines = |path| -> Vec<String> {
        let mut lines: Vec<String> = read(path)
            .lines()
            .map(|line| line.trim().to_owned())
            .collect();
        lines.sort();
        lines
    };
    let folder = "scenarios/seed/aws/manifests";
    // `path` moved up one level; no line was added, dropped or changed.
    let record = read(&format!("{folder}/job.yaml"));
    assert_eq!(
        lines(&format!("{folder}/job.yaml")),
        lines(&format!("{folder}/job-corrected.yaml"))
    );
    assert_ne!(record, read(&format!("{folder}/job-corrected.yaml")));
    for name in ["store", "externalsecret"] {
        let record = read(&format!("{folder}/{name}.yaml"));
        let corrected = read(&format!("{folder}/{name}-v1.yaml"));
        assert_eq!(
            record.replace("external-secrets.io/v1beta1", "external-secrets.io/v1"),
            corrected
        );
    }
}
