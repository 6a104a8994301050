//! What is here of a release, without fetching anything.

use std::path::PathBuf;

use crate::cache::Folder;
use crate::{Error, Settings, Version, Wanted, program};

/// What is here of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Local {
    /// The program.
    Program {
        /// Where it is.
        path: PathBuf,
        /// Its version, where that can be told.
        version: Option<Version>,
    },
    /// Nothing yet.
    ToBePulled {
        /// The image that it is in.
        from: String,
    },
}

/// Looks for the program that is wanted, and fetches nothing. That of a version is only looked for, not checked.
///
/// # Errors
/// Where a file is named that is not there, or not ESO for this machine.
pub async fn look(wanted: &Wanted, settings: &Settings) -> Result<Local, Error> {
    match wanted {
        Wanted::Path(path) => Ok(Local::Program {
            version: program::examine(path).await?,
            path: path.clone(),
        }),
        Wanted::Version(version) => {
            let path = Folder::of(&settings.cache, version).program();
            Ok(match path.is_file() {
                true => Local::Program {
                    path,
                    version: Some(version.clone()),
                },
                false => Local::ToBePulled {
                    from: settings.registry.to_string(),
                },
            })
        }
    }
}

impl Settings {
    /// The versions whose program is in the cache, oldest first.
    pub fn kept(&self) -> Vec<Version> {
        let entries = std::fs::read_dir(self.cache.join("eso"));
        let mut kept: Vec<Version> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|version| Folder::of(&self.cache, version).program().is_file())
            .collect();
        kept.sort();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_version_is_here_once_its_program_is_in_the_cache() {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().to_str().unwrap().to_owned();
        let settings =
            Settings::from_env(|name| (name == "XDG_CACHE_HOME").then(|| cache.clone())).unwrap();
        let wanted = Wanted::parse("2.9.0").unwrap();
        let before = look(&wanted, &settings).await.unwrap();
        assert!(matches!(before, Local::ToBePulled { from } if from.contains("ghcr.io")));
        assert_eq!(settings.kept(), []);

        for version in ["2.9.0", "0.20.4", "parsed"] {
            let folder = settings.cache.join("eso").join(version);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("external-secrets"), "").unwrap();
        }
        let after = look(&wanted, &settings).await.unwrap();
        assert!(matches!(after, Local::Program { path, .. } if path.starts_with(&settings.cache)));
        let kept: Vec<String> = settings.kept().iter().map(ToString::to_string).collect();
        assert_eq!(kept, ["0.20.4", "2.9.0"]);
    }
}
