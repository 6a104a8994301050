//! What the manifests' authors must look at.

use std::io::{self, Write};

use super::{BOLD, DIM, YELLOW};
use crate::collect::{Ended, Finding};

/// Each finding once, however many scenarios showed it, with the first step that did.
pub(super) fn write(out: &mut impl Write, ended: &[Ended]) -> io::Result<()> {
    let mut findings: Vec<(&Finding, usize)> = Vec::new();
    for finding in ended.iter().flat_map(|one| &one.findings) {
        match findings.iter_mut().find(|(known, _)| same(known, finding)) {
            Some((_, times)) => *times += 1,
            None => findings.push((finding, 1)),
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Findings{BOLD:#} in the manifests")?;
    for (finding, times) in findings {
        writeln!(
            out,
            "  {YELLOW}!{YELLOW:#} {}: {}",
            finding.manifest, finding.finding
        )?;
        if let Some(refusal) = &finding.refusal {
            writeln!(out, "    the API: {refusal}")?;
        }
        if let Some(fix) = &finding.fix {
            writeln!(out, "    fix:     {fix}")?;
        }
        let more = match times - 1 {
            0 => String::new(),
            more => format!(", and by {more} more"),
        };
        writeln!(out, "    {DIM}shown at {}{more}{DIM:#}", finding.location)?;
    }
    Ok(())
}

/// Whether two say the same of the same manifest.
fn same(one: &Finding, other: &Finding) -> bool {
    (&one.manifest, &one.finding, &one.refusal, &one.fix)
        == (&other.manifest, &other.finding, &other.refusal, &other.fix)
}
