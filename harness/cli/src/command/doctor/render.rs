//! The findings as people read them.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::finding::{Finding, Lane, Readiness, State};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Grouped by lane, and at the end a line for each lane.
pub(super) fn render(findings: &[Finding], readiness: &[Readiness]) -> String {
    let mut text = String::new();
    let groups = Lane::ALL.map(Some).into_iter().chain([None]);
    for lane in groups {
        let own: Vec<&Finding> = findings.iter().filter(|it| it.lane == lane).collect();
        if own.is_empty() {
            continue;
        }
        let title = lane.map_or("leftovers".to_owned(), |lane| {
            format!("lane {}", lane.name())
        });
        line(&mut text, format_args!("{BOLD}{title}{BOLD:#}"));
        let width = own.iter().map(|it| it.about.len()).max().unwrap_or(0);
        for finding in own {
            let (word, style) = word(finding.state);
            let Finding { about, found, .. } = finding;
            line(
                &mut text,
                format_args!("  {style}{word:<7}{style:#}  {about:<width$}  {found}"),
            );
            if let Some(fix) = &finding.fix {
                let indent = width + 13;
                line(
                    &mut text,
                    format_args!("{:indent$}{DIM}fix: {fix}{DIM:#}", ""),
                );
            }
        }
        text.push('\n');
    }
    for it in readiness {
        let name = it.lane.name();
        let why = it.why.join(", ");
        match (it.ready, it.why.is_empty()) {
            (true, true) => line(&mut text, format_args!("{name:<8}  {GREEN}ready{GREEN:#}")),
            (true, false) => line(
                &mut text,
                format_args!("{name:<8}  {GREEN}ready{GREEN:#}; look at: {why}"),
            ),
            (false, _) => line(
                &mut text,
                format_args!("{name:<8}  {RED}not ready{RED:#}: {why}"),
            ),
        }
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{arguments}");
}

fn word(state: State) -> (&'static str, Style) {
    match state {
        State::Ok => ("ok", GREEN),
        State::Warning => ("warning", YELLOW),
        State::Missing => ("missing", RED),
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::command::doctor::finding::readiness;

    fn told(findings: &[Finding]) -> String {
        anstream::adapter::strip_str(&render(findings, &readiness(findings))).to_string()
    }

    #[test]
    fn findings_are_grouped_by_lane_and_end_with_what_is_ready() {
        let left = Finding {
            lane: None,
            ..Finding::warning(Lane::Kind, "networks", "1: rotaproof-a", "`rotaproof gc`")
        };
        let findings = [
            Finding::missing(
                Lane::Kind,
                "docker",
                "`docker` is not on PATH",
                "install Docker Engine",
            ),
            Finding::ok(Lane::Embedded, "folder", "pods' files are kept in /dev/shm"),
            left,
            Finding::warning(Lane::Eso, "operator", "none is named", "--eso 2.9.0"),
            Finding::ok(Lane::Kind, "image node", "kindest/node:v1"),
            Finding::missing(Lane::Kind, "helm", "not on PATH", "install helm"),
        ];
        assert_data_eq!(
            told(&findings),
            str![[r#"
lane embedded
  ok       folder  pods' files are kept in /dev/shm

lane eso
  warning  operator  none is named
                     fix: --eso 2.9.0

lane kind
  missing  docker      `docker` is not on PATH
                       fix: install Docker Engine
  ok       image node  kindest/node:v1
  missing  helm        not on PATH
                       fix: install helm

leftovers
  warning  networks  1: rotaproof-a
                     fix: `rotaproof gc`

embedded  ready
eso       ready; look at: operator
kind      not ready: docker, helm

"#]]
        );
    }

    #[test]
    fn where_all_is_well_there_is_nothing_to_fix() {
        let findings = Lane::ALL.map(|lane| Finding::ok(lane, "all", "well"));
        assert_data_eq!(
            told(&findings),
            str![[r#"
lane embedded
  ok       all  well

lane eso
  ok       all  well

lane kind
  ok       all  well

embedded  ready
eso       ready
kind      ready

"#]]
        );
    }
}
