//! The file that a shell sources to speak to the lab.

use std::path::{Path, PathBuf};

use rotaproof_base::SecretValue;

use crate::{Error, private};

/// How a file begins that the lab may replace and remove.
const MARK: &str = "# Written by `rotaproof up`";

/// `export NAME='value'` lines, for the user alone; removed with this value.
pub(crate) struct EnvFile {
    path: PathBuf,
    text: SecretValue,
}

impl EnvFile {
    /// Writes the variables at once; a file that somebody else wrote is left as it is.
    ///
    /// # Errors
    /// [`Error::Usage`] where another file is there.
    pub(crate) fn write(path: &Path, text: SecretValue) -> Result<Self, Error> {
        Self::check(path)?;
        private::write(path, text.expose())?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// Refuses a path where somebody else's file is.
    pub(crate) fn check(path: &Path) -> Result<(), Error> {
        match is_ours(path)? {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "{} is not an env file of a lab, and is left as it is: choose another --env-file",
                path.display()
            ))),
        }
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // Another lab may have taken its place meanwhile.
        if std::fs::read(&self.path).is_ok_and(|bytes| bytes == self.text.expose()) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether nothing is there, or a file that a lab wrote.
fn is_ours(path: &Path) -> Result<bool, Error> {
    use std::io::Read;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    let mut start = Vec::new();
    file.take(MARK.len() as u64)
        .read_to_end(&mut start)
        .map_err(Error::file("read", path))?;
    Ok(start == MARK.as_bytes() || start.is_empty())
}

/// The text of an env file.
pub(crate) fn render(lab: &str, variables: &[(String, SecretValue)]) -> SecretValue {
    let mut text = format!(
        "{MARK} for the lab `{lab}`; gone when it ends. It holds credentials of that lab.\n"
    )
    .into_bytes();
    for (name, value) in variables {
        text.extend_from_slice(b"export ");
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"='");
        for byte in value.expose() {
            match byte {
                // Out of the quotes, a quoted quote, and in again.
                b'\'' => text.extend_from_slice(br"'\''"),
                byte => text.push(*byte),
            }
        }
        text.extend_from_slice(b"'\n");
    }
    SecretValue::new(text)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_shell_reads_every_value_as_it_is(value in "[ -~\n\té€]{0,40}") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("env");
            let variables = [("ROTAPROOF_X".to_owned(), SecretValue::new(value.as_bytes()))];
            let _file = EnvFile::write(&path, render("default", &variables)).unwrap();
            let read = Command::new("sh")
                .args(["-c", r#". "$0"; printf %s "$ROTAPROOF_X""#])
                .arg(&path)
                .output()
                .unwrap();
            prop_assert_eq!(read.stdout, value.as_bytes());
        }
    }

    #[test]
    fn somebody_elses_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "MINE=1\n").unwrap();
        let refused = EnvFile::write(&path, render("default", &[]));
        assert!(matches!(refused, Err(Error::Usage(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"MINE=1\n");
    }

    #[test]
    fn a_file_is_removed_unless_another_labs_took_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        let one = EnvFile::write(&path, render("one", &[])).unwrap();
        let two = EnvFile::write(&path, render("two", &[])).unwrap();
        drop(one);
        assert!(path.exists());
        drop(two);
        assert!(!path.exists());
    }
}
