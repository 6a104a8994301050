//! The images that lane `kind` wants, and which of them are here.

use super::finding::{Finding, Lane};

/// Lists the local ones, one `repository:tag` a line.
pub(super) const LIST: [&str; 4] = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"];

/// An image, and what it is for.
struct Image {
    about: &'static str,
    /// Its names, the one to be pulled first: the operator's chart has another than its releases.
    names: &'static [&'static str],
    /// To pull, in MB.
    size: u32,
}

const IMAGES: [Image; 5] = [
    Image {
        about: "node",
        names: &["kindest/node:v1.34.11"],
        size: 400,
    },
    Image {
        about: "operator",
        names: &[
            "ghcr.io/external-secrets/external-secrets:v0.20.4",
            "oci.external-secrets.io/external-secrets/external-secrets:v0.20.4",
        ],
        size: 50,
    },
    Image {
        about: "probe",
        names: &["busybox:1.37"],
        size: 2,
    },
    Image {
        about: "LocalStack",
        names: &["localstack/localstack:4.14.0"],
        size: 500,
    },
    Image {
        about: "Vault",
        names: &["hashicorp/vault:1.21.1"],
        size: 200,
    },
];

/// What is here and what is to be pulled.
pub(super) fn findings(listed: &str) -> Vec<Finding> {
    let here: Vec<&str> = listed.lines().map(str::trim).collect();
    IMAGES.iter().map(|image| image.judge(&here)).collect()
}

impl Image {
    fn judge(&self, here: &[&str]) -> Finding {
        let about = format!("image {}", self.about);
        if let Some(name) = self.names.iter().find(|name| here.contains(name)) {
            return Finding::ok(Lane::Kind, &about, *name);
        }
        let name = self.names.first().copied().unwrap_or_default();
        let repository = name
            .rsplit_once(':')
            .map_or(name, |(repository, _)| repository);
        let another = here.iter().find(|it| {
            it.rsplit_once(':')
                .is_some_and(|(other, tag)| other == repository && tag != "<none>")
        });
        let size = self.size;
        let pull = format!("docker pull {name}");
        match another {
            Some(another) => Finding::warning(
                Lane::Kind,
                &about,
                format!("{another} is here, {name} is not: about {size} MB to pull"),
                format!("{pull}, or have the lane use the one that is here"),
            ),
            None => Finding::warning(
                Lane::Kind,
                &about,
                format!("{name} is not here: about {size} MB to pull"),
                pull,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_here_or_another_tag_of_it_or_is_pulled() {
        let listed = "busybox:1.37\nkindest/node:v1.34.4-local\nhashicorp/vault:<none>\n\
            oci.external-secrets.io/external-secrets/external-secrets:v0.20.4\n";
        let told: Vec<String> = findings(listed)
            .iter()
            .map(|finding| format!("{}: {}", finding.about, finding.found))
            .collect();
        assert_eq!(
            told,
            [
                "image node: kindest/node:v1.34.4-local is here, kindest/node:v1.34.11 is not: about 400 MB to pull",
                "image operator: oci.external-secrets.io/external-secrets/external-secrets:v0.20.4",
                "image probe: busybox:1.37",
                "image LocalStack: localstack/localstack:4.14.0 is not here: about 500 MB to pull",
                "image Vault: hashicorp/vault:1.21.1 is not here: about 200 MB to pull",
            ]
        );
    }
}
