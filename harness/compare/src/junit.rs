//! JUnit XML: a test suite per file, a test case per scenario; `failure` where something differs, `error` where a run did
//! not end by itself.

use std::io::{self, Write};
use std::time::Duration;

use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::render::{Columns, differences};
use crate::{Compared, Plan, Report, Totals};

/// As wide as a report on a web page shows it without breaking lines.
const WIDTH: usize = 160;

/// Writes the whole document at the end.
pub struct JUnit<W> {
    out: W,
    suites: IndexMap<String, TestSuite>,
}

impl<W: Write> JUnit<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            suites: IndexMap::new(),
        }
    }
}

impl<W: Write> Report for JUnit<W> {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }

    fn compared(&mut self, plan: &Plan, compared: &Compared) -> io::Result<()> {
        let mut status = match compared.differences() {
            _ if !compared.is_whole() => TestCaseStatus::non_success(NonSuccessKind::Error),
            0 => TestCaseStatus::success(),
            _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if compared.differences() > 0 || !compared.is_whole() {
            let count = compared.differences();
            status.set_message(format!(
                "{count} differences between {} and {}",
                plan.left, plan.right
            ));
            let mut text = Vec::new();
            differences(&mut text, plan, compared, Columns::of_width(WIDTH))?;
            let text = String::from_utf8_lossy(&text);
            status.set_description(anstream::adapter::strip_str(&text).to_string());
        }
        let mut case = TestCase::new(compared.title.clone(), status);
        case.set_time(Duration::from_micros(compared.wall_took_us))
            .set_classname(compared.file.clone());
        self.suites
            .entry(compared.file.clone())
            .or_insert_with(|| TestSuite::new(compared.file.clone()))
            .add_test_case(case);
        Ok(())
    }

    fn end(&mut self, plan: &Plan, _: &Totals, _: Duration) -> io::Result<()> {
        let mut document = Document::new(format!("rotaproof compare {} {}", plan.left, plan.right));
        document.add_test_suites(std::mem::take(&mut self.suites).into_values());
        document
            .serialize(&mut self.out)
            .map_err(io::Error::other)?;
        self.out.flush()
    }
}
