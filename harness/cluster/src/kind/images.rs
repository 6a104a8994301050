//! Images into the node: from the local Docker, from archives; else the node pulls them itself.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::program::Call;
use super::settings::KindSettings;
use crate::Error;

const PART: &str = "an image";
const LOADING: Duration = Duration::from_secs(300);

/// Loads these images into the cluster's node; one that is found nowhere is left for the node to pull.
pub(super) async fn load(
    cluster: &str,
    images: &[String],
    settings: &KindSettings,
) -> Result<(), Error> {
    let archives = archives(settings.image_archives.as_deref())?;
    let mut local = Vec::new();
    for image in images {
        match (archived(&archives, image), is_local(image).await?) {
            (Some(archive), _) => {
                Call::new("kind", PART)
                    .args(["load", "image-archive"])
                    .args([archive])
                    .option("--name", cluster)
                    .within(LOADING)
                    .run()
                    .await?;
                (settings.tell)(&format!(
                    "kind cluster {cluster}: loaded {image} from {}",
                    archive.display()
                ));
            }
            (None, true) => local.push(image.as_str()),
            (None, false) => (settings.tell)(&format!(
                "kind cluster {cluster}: pulls {image}, which is not in the local Docker"
            )),
        }
    }
    if local.is_empty() {
        return Ok(());
    }
    Call::new("kind", PART)
        .args(["load", "docker-image"])
        .args(local.iter().copied())
        .option("--name", cluster)
        .within(LOADING)
        .run()
        .await?;
    (settings.tell)(&format!(
        "kind cluster {cluster}: loaded {}",
        local.join(", ")
    ));
    Ok(())
}

/// Whether the local Docker has the image.
async fn is_local(image: &str) -> Result<bool, Error> {
    let found = Call::new("docker", PART)
        .args(["image", "ls", "--quiet", image])
        .run()
        .await?;
    Ok(!found.trim().is_empty())
}

/// The archives of a folder, by the names that `docker save` files are given: `busybox-1.37.tar`.
fn archives(folder: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Error::starting("the folder of image archives")(format!("{}: {error}", folder.display()))
    })?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "tar"))
        .collect())
}

/// The archive of an image: its last name and its tag, with a dash.
fn archived<'a>(archives: &'a [PathBuf], image: &str) -> Option<&'a PathBuf> {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    let wanted = OsString::from(format!("{}.tar", last.replace(':', "-")));
    archives
        .iter()
        .find(|path| path.file_name() == Some(&wanted))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("busybox:1.37", Some("/a/busybox-1.37.tar"))]
    #[case(
        "registry.example/x/busybox:1.37@sha256:00",
        Some("/a/busybox-1.37.tar")
    )]
    #[case("busybox:1.36", None)]
    fn an_archive_is_named_after_its_image(#[case] image: &str, #[case] found: Option<&str>) {
        let archives = [PathBuf::from("/a/busybox-1.37.tar")];
        assert_eq!(
            archived(&archives, image),
            found.map(PathBuf::from).as_ref()
        );
    }
}
