//! What the comparison came to, and the page that tells of it.

use std::fmt::Write;

use serde_json::Value;
use snapbox::{Assert, Data};

use crate::compare::Difference;
use crate::known::Known;

/// Differences printed at most.
const SHOWN: usize = 80;

const HEAD: &str = "# The Kubernetes API, judged by a kube-apiserver

The in-process API (`harness/apiserver`) and a real kube-apiserver get the same requests, and their answers (status
code, `Content-Type`, `Warning`, body) are compared field by field by `cargo test -p rotaproof-apiserver --test differential`,
which writes this page (`SNAPSHOTS=overwrite`) and otherwise fails where it is not true any more. It needs the two
programs that users of envtest have: `KUBEBUILDER_ASSETS` names their folder. The requests are in
[`tests/differential/calls`](../harness/apiserver/tests/differential/calls), the generated ones are made by
[`generate.rs`](../harness/apiserver/tests/differential/generate.rs) from a fixed seed (of these, one or so changes its column from run to run); what cannot be equal (uids, times,
revisions, tokens) is replaced by the rules at the head of
[`normal.rs`](../harness/apiserver/tests/differential/normal.rs).
";

pub(crate) struct Outcome {
    version: String,
    known: Known,
    groups: Vec<Tally>,
    unknown: Vec<(String, Difference)>,
}

struct Tally {
    name: String,
    requests: usize,
    equal: usize,
    known: usize,
}

impl Outcome {
    pub(crate) fn new(version: String, known: Known) -> Self {
        Self {
            version,
            known,
            groups: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self, group: &str) {
        self.groups.push(Tally {
            name: group.to_owned(),
            requests: 0,
            equal: 0,
            known: 0,
        });
    }

    pub(crate) fn add(&mut self, call: &str, differences: Vec<Difference>) {
        let Some(tally) = self.groups.last_mut() else {
            return;
        };
        let call = format!("{}: {call}", tally.name);
        tally.requests += 1;
        if differences.is_empty() {
            tally.equal += 1;
            return;
        }
        let before = self.unknown.len();
        for difference in differences {
            if !self.known.covers(&call, &difference) {
                self.unknown.push((call.clone(), difference));
            }
        }
        tally.known += usize::from(self.unknown.len() == before);
    }

    /// Fails with all that is not as it should be; `whole` where every group ran.
    pub(crate) fn judge(&self, whole: bool) -> Result<(), String> {
        let mut wrong = String::new();
        let mut last = "";
        for (call, difference) in self.unknown.iter().take(SHOWN) {
            if call != last {
                let _ = writeln!(wrong, "\n{call}");
                last = call;
            }
            let shown = |value: &Option<Value>| match value {
                Some(value) => value.to_string(),
                None => "(absent)".to_owned(),
            };
            let _ = writeln!(
                wrong,
                "  {}\n    kube-apiserver: {}\n    ours:           {}",
                difference.at,
                shown(&difference.real),
                shown(&difference.ours)
            );
        }
        if self.unknown.len() > SHOWN {
            let _ = writeln!(wrong, "\nand {} more", self.unknown.len() - SHOWN);
        }
        for group in &self.groups {
            println!(
                "{}: {} requests, {} equal, {} with known differences",
                group.name, group.requests, group.equal, group.known
            );
        }
        if !wrong.is_empty() {
            return Err(format!("{} fields differ:\n{wrong}", self.unknown.len()));
        }
        if !whole {
            return Ok(());
        }
        let unused = self.known.unused();
        if !unused.is_empty() {
            return Err(format!("known.yaml has rows for nothing: {unused:#?}"));
        }
        self.compare_page()
    }

    fn compare_page(&self) -> Result<(), String> {
        let page =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubernetes-api.md");
        let told = std::fs::read_to_string(&page).unwrap_or_default();
        let overwrites = std::env::var("SNAPSHOTS").is_ok_and(|it| it == "overwrite");
        // The counts are those of one version; another one is judged all the same.
        if !told.is_empty() && !told.contains(&self.of_version()) && !overwrites {
            println!("the page is about another version than {}", self.version);
            return Ok(());
        }
        let now = self.page();
        if steady(&now) == steady(&told) {
            return Ok(());
        }
        let assert = Assert::new().action_env("SNAPSHOTS");
        assert
            .try_eq(
                Some(&"docs/kubernetes-api.md"),
                now.into(),
                Data::read_from(&page, None),
            )
            .map_err(|error| error.to_string())
    }

    fn of_version(&self) -> String {
        format!("Against kube-apiserver {}", self.version)
    }

    fn page(&self) -> String {
        let mut page = format!("{HEAD}\n{}:\n\n", self.of_version());
        page +=
            "| requests about | compared | equal | with known differences |\n|---|--:|--:|--:|\n";
        let mut row = |name: &str, [requests, equal, known]: [usize; 3]| {
            let _ = writeln!(page, "| {name} | {requests} | {equal} | {known} |");
        };
        let mut all = [0; 3];
        for group in &self.groups {
            let counts = [group.requests, group.equal, group.known];
            for (sum, count) in all.iter_mut().zip(counts) {
                *sum += count;
            }
            row(&group.name, counts);
        }
        row("**all**", all);
        page += "\n## Known differences\n\n| what | why |\n|---|---|\n";
        for (what, reason) in self.known.rows() {
            let _ = writeln!(page, "| {what} | {reason} |");
        }
        page
    }
}

/// The page without the counts that are not the same twice: of 1,200 generated requests one or so shows a known difference
/// in one run and not in the next. An unknown one fails the test by itself.
fn steady(page: &str) -> String {
    let moving = |line: &&str| line.starts_with("| Generated: ") || line.starts_with("| **all** ");
    let line = |line: &str| match Some(line).filter(moving) {
        Some(line) => line.split('|').take(3).collect::<Vec<_>>().join("|"),
        None => line.to_owned(),
    };
    page.lines().map(line).collect::<Vec<_>>().join("\n")
}
