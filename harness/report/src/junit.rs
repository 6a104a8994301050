//! JUnit XML: a test suite per file, a test case per scenario; `failure` for an expectation, `error` for the environment.
//! The record's boxes are one more suite, in which an open box is a skipped case.

use std::io::{self, Write};

use indexmap::IndexMap;
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};
use rotaproof_events::{Event, Record, Verdict};

use crate::Report;
use crate::boxes::{Boxes, Shown};
use crate::collect::{Collector, Ended};
use crate::terminal::failure_text;

/// Writes the whole document at the run's end.
pub struct JUnit<W> {
    out: W,
    collector: Collector,
    suites: IndexMap<String, TestSuite>,
    boxes: Boxes,
}

impl<W: Write> JUnit<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            collector: Collector::default(),
            suites: IndexMap::new(),
            boxes: Boxes::default(),
        }
    }

    fn add(&mut self, ended: &Ended) {
        let mut status = match ended.verdict {
            Verdict::Passed => TestCaseStatus::success(),
            Verdict::Skipped => TestCaseStatus::skipped(),
            Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Verdict::Errored | Verdict::Interrupted => {
                TestCaseStatus::non_success(NonSuccessKind::Error)
            }
        };
        if let Some(failure) = &ended.failure {
            status.set_message(failure.what.clone());
            let text = failure_text(failure);
            status.set_description(anstream::adapter::strip_str(&text).to_string());
        }
        let mut case = TestCase::new(ended.title.clone(), status);
        case.set_time(ended.took).set_classname(ended.file.clone());
        for (from, to) in &ended.shortened {
            case.add_property(("refreshInterval".to_owned(), format!("{from} -> {to}")));
        }
        self.suites
            .entry(ended.file.clone())
            .or_insert_with(|| TestSuite::new(ended.file.clone()))
            .add_test_case(case);
    }
}

/// The record's boxes as a suite; `None` where the run does not serve the record.
fn of_boxes(boxes: &Boxes) -> Option<TestSuite> {
    const NAME: &str = "Phase 2 of the record";
    let mut suite = TestSuite::new(NAME);
    let shown = boxes.shown();
    for Shown { title, proof } in &shown {
        let mut status = TestCaseStatus::success();
        if let Err(open) = proof {
            status = TestCaseStatus::skipped();
            status.set_message(format!("open: {open} would prove it"));
        }
        let mut case = TestCase::new(*title, status);
        case.set_classname(NAME);
        if let Ok(proof) = proof {
            case.set_system_out(proof);
        }
        suite.add_test_case(case);
    }
    (!shown.is_empty()).then_some(suite)
}

impl<W: Write> Report for JUnit<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.boxes.take(record);
        if let Some(ended) = self.collector.take(record) {
            self.add(&ended);
        }
        if let Event::RunFinished { .. } = record.event {
            let mut document = Document::new("rotaproof");
            document.add_test_suites(std::mem::take(&mut self.suites).into_values());
            document.add_test_suites(of_boxes(&self.boxes));
            document
                .serialize(&mut self.out)
                .map_err(io::Error::other)?;
            self.out.flush()?;
        }
        Ok(())
    }
}
