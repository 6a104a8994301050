//! The images that lane `kind` wants, and which of them are here.

use super::finding::{Finding, Lane};

/// Lists the local ones, one `repository:tag` a line.
pub(super) const LIST: [&str; 4] = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"];

/// The variable that names another image of a node.
pub(super) const NODE_IMAGE: &str = "ROTAPROOF_NODE_IMAGE";
/// What the image of a node is called here.
const NODE: &str = "node";

/// An image, and what it is for.
#[derive(Clone, Copy)]
struct Image<'a> {
    about: &'a str,
    /// Its names, the one to be pulled first: the operator's chart has another than its releases.
    names: &'a [&'a str],
    /// To pull, in MB.
    size: u32,
}

const IMAGES: [Image<'static>; 5] = [
    Image {
        about: NODE,
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

/// What is here and what is to be pulled. The user's own `node` image takes the place of the usual one.
pub(super) fn findings(listed: &str, node: Option<&str>) -> Vec<Finding> {
    let here: Vec<&str> = listed.lines().map(str::trim).collect();
    let judged = IMAGES.iter().map(|image| match node {
        Some(node) if image.about == NODE => Image {
            names: &[node],
            ..*image
        }
        .judge(&here),
        _ => image.judge(&here),
    });
    judged.collect()
}

impl Image<'_> {
    fn judge(&self, here: &[&str]) -> Finding {
        let about = format!("image {}", self.about);
        // A digest pins what is pulled; what is here under the tag is taken as it is.
        let tag_of = |name: &&str| name.split('@').next().unwrap_or_default().to_owned();
        if let Some(name) = self
            .names
            .iter()
            .map(tag_of)
            .find(|name| here.contains(&name.as_str()))
        {
            return Finding::ok(Lane::Kind, &about, name);
        }
        let name = self.names.first().copied().unwrap_or_default();
        let tagged = tag_of(&name);
        let repository = tagged
            .rsplit_once(':')
            .map_or(tagged.as_str(), |(repository, _)| repository);
        let another = here.iter().find(|it| {
            it.rsplit_once(':')
                .is_some_and(|(other, tag)| other == repository && tag != "<none>")
        });
        let size = self.size;
        let pull = format!("docker pull {name}");
        match another {
            Some(another) if self.about == NODE => Finding::warning(
                Lane::Kind,
                &about,
                format!("{another} is here, {name} is not: about {size} MB to pull"),
                format!("{pull}, or use the one that is here: {NODE_IMAGE}={another}"),
            ),
            Some(another) => Finding::warning(
                Lane::Kind,
                &about,
                format!("{another} is here, {name} is not: about {size} MB to pull"),
                pull,
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
    fn the_pins_are_the_lanes() {
        let pinned = rotaproof_cluster::KindSettings::pinned().unwrap();
        let named = |about: &str, name: &str| {
            let mut images = IMAGES.iter().filter(|image| image.about == about);
            images.any(|image| image.names.iter().any(|own| name.starts_with(own)))
        };
        assert!(named(NODE, &pinned.node_image), "{}", pinned.node_image);
        assert!(
            named("probe", &pinned.probe_image),
            "{}",
            pinned.probe_image
        );
    }

    #[test]
    fn an_image_is_here_or_another_tag_of_it_or_is_pulled() {
        let listed = "busybox:1.37\nkindest/node:v1.34.4-local\nhashicorp/vault:<none>\n\
            oci.external-secrets.io/external-secrets/external-secrets:v0.20.4\n";
        let told: Vec<String> = findings(listed, None)
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

    #[test]
    fn the_users_own_node_image_is_looked_for_by_its_tag() {
        let node = |name| findings("registry:5000/node:v1\n", Some(name)).remove(0);
        let here = node("registry:5000/node:v1@sha256:00");
        assert_eq!(here.found, "registry:5000/node:v1");
        let other = node("registry:5000/node:v2");
        let fix = "docker pull registry:5000/node:v2, or use the one that is here: ROTAPROOF_NODE_IMAGE=registry:5000/node:v1";
        assert_eq!(other.fix.as_deref(), Some(fix));
    }
}
