//! Go's build information: which main package, of which modules.

use crate::Version;

/// ESO's module, and its main package since 0.1.
const MODULE: &str = "github.com/external-secrets/external-secrets";

/// What Go wrote down.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Build {
    /// The main package.
    main: String,
    /// The version of ESO's module, where it is among the modules.
    module: Option<String>,
    /// `-X` values of the linker's flags.
    linked: Vec<String>,
}

impl Build {
    /// Reads it, line by line: `path`, `mod`, `dep`, `build`, a tab, and the rest.
    pub(super) fn parse(text: &str) -> Self {
        let mut build = Self::default();
        for line in text.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next()) {
                (Some("path"), Some(main)) => build.main = main.to_owned(),
                (Some("mod" | "dep"), Some(MODULE)) => {
                    build.module = fields.next().map(str::to_owned);
                }
                (Some("build"), Some(setting)) => {
                    let flags = setting.strip_prefix("-ldflags=").unwrap_or_default();
                    let words = flags.split([' ', '"', '\'', '\\']);
                    let values = words.filter_map(|word| word.split_once('='));
                    build
                        .linked
                        .extend(values.map(|(_, value)| value.to_owned()));
                }
                _ => {}
            }
        }
        build
    }

    /// Whether the main package is ESO's. Its Makefile builds `main.go` by name, and Go then names the package so.
    pub(super) fn is_eso(&self) -> bool {
        self.main == MODULE || (self.main == "command-line-arguments" && self.module.is_some())
    }

    /// The release that it was built from, where that is known. ESO's own images say `(devel)`.
    pub(super) fn version(&self) -> Option<Version> {
        let module = self.module.iter();
        // A pseudo-version (v0.0.0-2026…) or a changed tree (v2.9.0+dirty) is no release.
        module
            .chain(&self.linked)
            .filter_map(|text| text.parse::<Version>().ok())
            .find(|version| {
                let text = version.to_string();
                version.is_plain() || text.contains("-rc")
            })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const BY_MODULE: &str = "path\tgithub.com/external-secrets/external-secrets\n\
        mod\tgithub.com/external-secrets/external-secrets\tv0.20.4\th1:HhNA=\n\
        dep\tcloud.google.com/go/auth\tv0.17.0\th1:74yC=\n\
        build\t-trimpath=true\n";
    const BY_MAKEFILE: &str = "path\tcommand-line-arguments\n\
        dep\tgithub.com/external-secrets/external-secrets\t(devel)\t\n";
    const LINKED: &str = "path\tcommand-line-arguments\n\
        dep\tgithub.com/external-secrets/external-secrets\t(devel)\t\n\
        build\t-ldflags=\"-s -w -X main.version=v2.9.0\"\n";
    const PSEUDO: &str = "path\tgithub.com/external-secrets/external-secrets\n\
        mod\tgithub.com/external-secrets/external-secrets\tv0.0.0-20260101000000-abcdefabcdef\n";
    const OTHER: &str = "path\tgithub.com/external-secrets/external-secrets/cmd/esoctl\n\
        mod\tgithub.com/external-secrets/external-secrets\tv0.20.4\n";

    #[rstest]
    #[case::a_build_of_the_module(BY_MODULE, true, Some("0.20.4"))]
    #[case::a_build_of_the_makefile(BY_MAKEFILE, true, None)]
    #[case::a_version_set_by_the_linker(LINKED, true, Some("2.9.0"))]
    #[case::a_build_between_releases(PSEUDO, true, None)]
    #[case::another_program_of_the_project(OTHER, false, Some("0.20.4"))]
    #[case::nothing("", false, None)]
    fn a_build_says_what_it_is_of(
        #[case] text: &str,
        #[case] eso: bool,
        #[case] version: Option<&str>,
    ) {
        let build = Build::parse(text);
        assert_eq!(build.is_eso(), eso);
        assert_eq!(build.version(), version.map(|text| text.parse().unwrap()));
    }
}
