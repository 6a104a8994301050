//! What a lab is and where, on a screen.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::Style;
use rotaproof_events::human;
use rotaproof_lab::control::Status;
use serde_json::{Value, json};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// After `up`: what is where, and how to use it.
pub(crate) fn welcome(out: &mut impl Write, status: &Status, took: Duration) -> io::Result<()> {
    let what = match &status.scenario {
        Some(title) => format!("as `{title}` begins"),
        None => "empty".to_owned(),
    };
    writeln!(
        out,
        "{BOLD}The lab `{}` is up{BOLD:#}, {what} {DIM}({}){DIM:#}",
        status.name,
        human(took)
    )?;
    writeln!(out)?;
    places(out, status)?;
    writeln!(out)?;
    writeln!(out, "Speak to it from any shell:")?;
    writeln!(out, "  {BOLD}source {}{BOLD:#}", quoted(status))?;
    writeln!(out, "  kubectl get namespaces")?;
    writeln!(out, "  rotaproof logs -f")?;
    Ok(())
}

/// The whole of `status`.
pub(crate) fn status(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let what = match &status.scenario {
        Some(title) => format!(", from `{title}`"),
        None => String::new(),
    };
    writeln!(
        out,
        "{BOLD}The lab `{}` is up{BOLD:#} for {}{what}; {} requests",
        status.name,
        human(Duration::from_secs(status.uptime.as_secs())),
        status.requests
    )?;
    writeln!(out)?;
    places(out, status)?;
    writeln!(out)?;
    writeln!(
        out,
        "  {:<width$}  {}",
        "env file",
        quoted(status),
        width = width(status)
    )?;
    for fault in &status.faults {
        let operation = fault.operation.as_deref().unwrap_or("every operation");
        let first = match fault.first {
            Some(first) => format!(" of {first}"),
            None => String::new(),
        };
        writeln!(
            out,
            "  {:<width$}  {} hits {operation}: {}{first} so far",
            "fault",
            format_args!("{} on {}", fault.name, fault.vault),
            fault.hits,
            width = width(status)
        )?;
    }
    Ok(())
}

/// As JSON, durations in seconds.
pub(crate) fn json(status: &Status) -> Value {
    let vaults = status.vaults.iter().map(|vault| {
        json!({
            "name": vault.name, "product": vault.product, "endpoint": vault.endpoint, "hosts": vault.hosts,
            "requests": vault.requests,
        })
    });
    let faults = status.faults.iter().map(|fault| {
        json!({
            "name": fault.name, "vault": fault.vault, "operation": fault.operation, "first": fault.first,
            "hits": fault.hits,
        })
    });
    json!({
        "name": status.name, "version": status.version, "pid": status.pid, "started": status.started,
        "uptime": status.uptime.as_secs_f64(), "scenario": status.scenario,
        "refresh": status.refresh.map(|refresh| refresh.as_secs_f64()),
        "env_file": status.env_file, "folder": status.folder,
        "kubernetes": status.kubernetes, "proxy": status.proxy,
        "vaults": vaults.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>(),
        "requests": status.requests,
    })
}

fn places(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let width = width(status);
    let row = |out: &mut dyn Write, name: &str, url: &str, what: &str| {
        writeln!(out, "  {name:<width$}  {url:<24}  {DIM}{what}{DIM:#}")
    };
    let refresh = match status.refresh {
        Some(refresh) => format!(
            "Kubernetes API; every refreshInterval is {}",
            human(refresh)
        ),
        None => "Kubernetes API, External Secrets Operator".to_owned(),
    };
    row(out, "kubernetes", &status.kubernetes, &refresh)?;
    row(
        out,
        "proxy",
        &status.proxy,
        "the vaults under their real names; faults hit here",
    )?;
    for vault in &status.vaults {
        let requests = match vault.requests {
            0 => String::new(),
            1 => ", 1 request".to_owned(),
            count => format!(", {count} requests"),
        };
        let what = format!("{}{requests}", vault.product);
        row(out, &vault.name, &vault.endpoint, &what)?;
    }
    Ok(())
}

fn width(status: &Status) -> usize {
    let vaults = status.vaults.iter().map(|vault| vault.name.chars().count());
    vaults.max().unwrap_or(0).max("kubernetes".len())
}

/// The env file, as a shell reads it.
fn quoted(status: &Status) -> String {
    let path = status.env_file.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    match path.chars().all(plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
