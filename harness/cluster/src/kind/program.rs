//! The programs that people have: docker, kind, helm. Each runs to its end, and dies with us.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use crate::{Error, launch};

/// Lines of its output that explain a failure.
const EXPLAINING: usize = 12;

/// One call of a program.
pub(super) struct Call<'a> {
    /// `kind`, found as a shell finds it.
    pub(super) program: &'static str,
    /// Its arguments.
    pub(super) arguments: Vec<&'a OsStr>,
    /// What is being had, for the error: `the kind cluster`.
    pub(super) part: &'static str,
    /// How long it may take.
    pub(super) limit: Duration,
}

impl<'a> Call<'a> {
    /// A call with these arguments that may take a minute.
    pub(super) fn new(program: &'static str, part: &'static str) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            part,
            limit: Duration::from_secs(60),
        }
    }

    /// Adds arguments.
    pub(super) fn args<S: AsRef<OsStr> + ?Sized + 'a>(
        mut self,
        arguments: impl IntoIterator<Item = &'a S>,
    ) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(AsRef::as_ref));
        self
    }

    /// Adds an option and its value.
    pub(super) fn option(mut self, name: &'a str, value: &'a (impl AsRef<OsStr> + ?Sized)) -> Self {
        self.arguments.extend([name.as_ref(), value.as_ref()]);
        self
    }

    /// How long it may take.
    pub(super) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it; answers what it printed on standard output.
    ///
    /// # Errors
    /// Where it cannot be started, ends with another code than 0, or takes too long; with its last lines.
    pub(super) async fn run(self) -> Result<String, Error> {
        let shown = self.shown();
        let failed = |reason: String, evidence: Vec<String>, next: Option<String>| Error {
            evidence,
            next,
            ..Error::starting(self.part)(reason)
        };
        if !on_path(self.program) {
            return Err(failed(
                format!("there is no program `{}` on the PATH", self.program),
                Vec::new(),
                Some(format!(
                    "install {}; `rotaproof doctor --lane kind` says what else the lane needs",
                    self.program
                )),
            ));
        }
        let mut command = launch::command(Path::new(self.program))
            .map_err(|error| failed(error.to_string(), Vec::new(), None))?;
        command.envs(std::env::vars_os()).args(&self.arguments);
        let output = match tokio::time::timeout(self.limit, command.output()).await {
            Ok(output) => output.map_err(|error| failed(error.to_string(), Vec::new(), None))?,
            Err(_) => {
                let seconds = self.limit.as_secs();
                return Err(failed(
                    format!("`{shown}` did not end within {seconds}s"),
                    Vec::new(),
                    None,
                ));
            }
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let printed = text(&output.stdout) + &text(&output.stderr);
        let lines: Vec<&str> = printed
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        let telling = lines
            .iter()
            .find(|line| line.starts_with("ERROR") || line.starts_with("Error"));
        let reason = telling
            .or(lines.last())
            .map_or_else(|| output.status.to_string(), |line| (*line).to_owned());
        let first = lines.len().saturating_sub(EXPLAINING);
        let evidence = lines.iter().skip(first).map(|line| (*line).to_owned());
        Err(failed(
            format!("`{shown}` failed: {reason}"),
            evidence.collect(),
            Some(format!(
                "`rotaproof doctor --lane kind` looks at {}",
                self.program
            )),
        ))
    }

    /// The program and the words that say what it does; not every option.
    fn shown(&self) -> String {
        let words = self.arguments.iter().map(|word| word.to_string_lossy());
        let words: Vec<_> = words
            .take_while(|word| !word.starts_with('-'))
            .take(3)
            .collect();
        format!("{} {}", self.program, words.join(" "))
    }
}

/// Whether a shell would find it.
pub(super) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_answers_what_it_prints() {
        let call = Call::new("echo", "an echo").args(["a", "b"]);
        assert_eq!(call.run().await.unwrap(), "a b\n");
    }

    #[tokio::test]
    async fn one_that_fails_is_told_with_its_last_lines() {
        let script = "echo ERROR: no room >&2; echo later >&2; exit 3";
        let error = Call::new("sh", "a shell").args(["-c", script]).run().await;
        let error = error.unwrap_err();
        assert_eq!(
            error.to_string(),
            "a shell could not start: `sh ` failed: ERROR: no room"
        );
        assert_eq!(error.evidence, ["ERROR: no room", "later"]);
    }

    #[tokio::test]
    async fn one_that_is_missing_or_hangs_is_told() {
        let missing = Call::new("no-such-program", "x").run().await.unwrap_err();
        assert!(missing.to_string().contains("on the PATH"), "{missing}");
        let call = Call::new("sleep", "x")
            .args(["60"])
            .within(Duration::from_millis(50));
        let hangs = call.run().await.unwrap_err();
        assert!(hangs.to_string().contains("did not end within"), "{hangs}");
    }
}
