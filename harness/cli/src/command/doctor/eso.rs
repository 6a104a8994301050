//! The operator that lane `eso` runs.

use rotaproof_releases::{Error, Local, Settings, Version, Wanted, look};

use super::finding::{Finding, Lane};

const ABOUT: &str = "operator";
/// The variable that names it.
const VARIABLE: &str = "ROTAPROOF_ESO";

/// What the variable names, or what is in the cache.
pub(super) async fn finding(named: Option<&str>) -> Finding {
    let settings = match Settings::from_env(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => return unfit(&error.to_string()),
    };
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return unnamed(&settings.kept());
    };
    match Wanted::parse(named) {
        Ok(wanted) => told(named, look(&wanted, &settings).await),
        Err(error) => unfit(&error.to_string()),
    }
}

fn told(named: &str, found: Result<Local, Error>) -> Finding {
    match found {
        Ok(Local::Program { path, version }) => {
            let path = path.display();
            Finding::ok(
                Lane::Eso,
                ABOUT,
                match version {
                    Some(version) => format!("external-secrets {version} ({path})"),
                    None => format!("{path}, which does not tell its version"),
                },
            )
        }
        Ok(Local::ToBePulled { from }) => Finding::warning(
            Lane::Eso,
            ABOUT,
            format!("external-secrets {named} is not in the cache"),
            format!(
                "the first run pulls it from {from}, once; ROTAPROOF_ESO_REGISTRY names a mirror"
            ),
        ),
        Err(error) => unfit(&error.to_string()),
    }
}

fn unnamed(kept: &[Version]) -> Finding {
    let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    match kept.last() {
        Some(last) => Finding::warning(
            Lane::Eso,
            ABOUT,
            format!("none is named; in the cache: {}", kept.join(", ")),
            format!("name it where you run: --eso {last}, or {VARIABLE}={last}"),
        ),
        None => Finding::missing(
            Lane::Eso,
            ABOUT,
            format!("none: {VARIABLE} is not set, and the cache has none"),
            "name a version, which is pulled once (--eso 2.9.0), or a program (--eso PATH)",
        ),
    }
}

fn unfit(error: &str) -> Finding {
    Finding::missing(
        Lane::Eso,
        ABOUT,
        error,
        format!("set {VARIABLE} to a version (2.9.0) or to the path of the program"),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(&[], "Missing none: ROTAPROOF_ESO is not set")]
    #[case::some(&["0.20.4", "2.9.0"], "Warning none is named; in the cache: 0.20.4, 2.9.0")]
    fn without_a_name_the_cache_is_told(#[case] kept: &[&str], #[case] told: &str) {
        let kept: Vec<Version> = kept.iter().map(|text| text.parse().unwrap()).collect();
        let finding = unnamed(&kept);
        let line = format!("{:?} {}", finding.state, finding.found);
        assert!(line.starts_with(told), "{line}");
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_missing() {
        let finding = finding(Some("/nowhere/external-secrets")).await;
        assert!(finding.found.contains("/nowhere"), "{}", finding.found);
        assert!(finding.fix.unwrap().contains(VARIABLE));
    }
}
