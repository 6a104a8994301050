//! The script that containers run on a real cluster, in the busybox of a real container.
//!
//! Docker is not ours to install: without it, or without the image, these tests are skipped, with that reason.
//! `ROTAPROOF_PROBE_IMAGE` names another image with busybox; where it is set, a skip is a failure.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test code")]

mod container;
mod mount;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use tokio::time::Instant;

use container::{Container, fingerprint};
use mount::Mount;

const IMAGE: &str = "busybox:1.37";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let asked_for = std::env::var("ROTAPROOF_PROBE_IMAGE").ok();
    let found = container::find(asked_for.as_deref().unwrap_or(IMAGE));
    if let Err(reason) = &found
        && !arguments.list
    {
        println!("skipped: {reason}");
    }
    let skipped = found.is_err() && asked_for.is_none();
    let test = |name: &str, run: fn(&str)| {
        let found = found.clone();
        let run = move || {
            run(&found?);
            Ok::<_, Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(skipped)
    };
    let trials = vec![
        test("every_variable_has_the_fingerprint_of_its_value", variables),
        test(
            "every_file_has_the_fingerprint_of_its_content_and_its_mode",
            files,
        ),
        test("what_cannot_be_read_is_no_file", unreadable),
        test("a_turned_link_brings_another_line", turned_link),
        test("without_another_change_there_is_no_other_line", unchanged),
        test("sigterm_ends_it_with_0", sigterm),
        test("it_ends_when_and_how_the_annotations_say", annotations),
        test("an_init_container_reports_and_succeeds", init),
        test(
            "tools_that_come_to_another_fingerprint_end_it_without_a_report",
            wrong_tools,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Names and values that a shell, a line or JSON could trip over.
fn variables(image: &str) {
    let (long, longer) = ("z".repeat(131_000), "y".repeat(125_000));
    let table = [
        ("PLAIN", "value"),
        ("EMPTY", ""),
        ("dots.and-dashes", "1"),
        (" spaces ", "2"),
        ("quo\"te\\", "3"),
        ("EQUALS", "a=b=c"),
        ("LINES", "one\ntwo\n\n"),
        ("CONTROL", "\u{1}\u{7f}\t\r\u{1b}"),
        ("UTF_8", "grüße 🦀"),
        ("EXPANSION", "$PATH `id` $(id) %s \\n"),
        ("LONG", &long),
        ("LONGER", &longer),
        // Those that steer a shell.
        ("IFS", "x"),
        ("PATH", "/nowhere"),
        ("HOME", "/home"),
        ("CDPATH", "/proc"),
        ("rp_text", "mine"),
    ];
    let env: Vec<Value> = table
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let mut container = Container::run(image, json!({"env": env}), &[], &[]);
    let line = container.report();
    for (name, value) in table {
        assert_eq!(line["env"][name], fingerprint(value), "{name}");
    }
    assert_eq!(
        line["env"].as_object().unwrap().len(),
        table.len(),
        "{line}"
    );
    assert_eq!(line["files"], json!({}));
}

/// Contents, names and modes; as whoever runs a container that must not be root, and has no place to write.
fn files(image: &str) {
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let large: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    let table: [(&str, &[u8], u32); 9] = [
        ("plain", b"value", 0o644),
        ("empty", b"", 0o444),
        ("binary", &binary, 0o4755),
        ("large", &large, 0o664),
        ("line end", b"\n", 0o644),
        (".hidden", b"1", 0o644),
        ("...", b"2", 0o644),
        ("deep/er/file", b"3", 0o644),
        ("we\"ird\\ *\n$x ü", b"4", 0o644),
    ];
    let mount = Mount::new(&table);
    let single = mount.path().join("plain");
    let mounts = [
        (mount.path().to_owned(), "/etc/app/"),
        (single, "/etc/single file"),
    ];
    let mut container = Container::run(image, json!({}), &mounts, &["--read-only", "--user=65534"]);
    let line = container.report();
    let seen = |path: &str| line["files"][path].clone();
    for (name, content, mode) in table {
        let path = format!("/etc/app/{name}");
        let expected = json!({"fingerprint": fingerprint(content), "mode": format!("{mode:04o}")});
        // A kubelet's own names begin with two dots.
        let expected = if name == "..." { Value::Null } else { expected };
        assert_eq!(seen(&path), expected, "{path}");
    }
    assert_eq!(
        seen("/etc/single file")["fingerprint"],
        fingerprint("value")
    );
    assert_eq!(
        line["files"].as_object().unwrap().len(),
        table.len(),
        "{line}"
    );
}

fn unreadable(image: &str) {
    let mount = Mount::new(&[("open", b"1", 0o644), ("closed", b"2", 0o600)]);
    let mounts = [(mount.path().to_owned(), "/etc/app")];
    // The kernel lets this one be opened, and fails the first read.
    let failing =
        json!({"volumeMounts": [{"mountPath": "/nowhere"}, {"mountPath": "/proc/self/mem"}]});
    let mut container = Container::run(image, failing, &mounts, &["--user=65534"]);
    let line = container.report();
    let names: Vec<_> = line["files"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["/etc/app/open"]);
}

fn turned_link(image: &str) {
    let (first, other) = (
        Mount::new(&[("key", b"old", 0o644)]),
        Mount::new(&[("key", b"same", 0o644)]),
    );
    let mounts = [
        (first.path().to_owned(), "/etc/first"),
        (other.path().to_owned(), "/etc/other"),
    ];
    let mut container = Container::run(
        image,
        json!({"env": [{"name": "A", "value": "1"}]}),
        &mounts,
        &[],
    );
    let before = container.report();
    assert_eq!(
        before["files"]["/etc/first/key"]["fingerprint"],
        fingerprint("old")
    );
    first.turn(&[("key", b"new", 0o400), ("more", b"", 0o644)]);
    let after = container.report();
    assert_eq!((&before["seq"], &after["seq"]), (&json!(1), &json!(2)));
    assert_eq!(before["env"], after["env"]);
    let files = json!({
        "/etc/first/key": {"fingerprint": fingerprint("new"), "mode": "0400"},
        "/etc/first/more": {"fingerprint": fingerprint(""), "mode": "0644"},
        "/etc/other/key": {"fingerprint": fingerprint("same"), "mode": "0644"},
    });
    assert_eq!(after["files"], files);
    other.turn(&[]);
    let last = container.report();
    assert_eq!(last["files"].as_object().unwrap().len(), 2, "{last}");
    container.stop(60);
    assert_eq!(
        container.printed(),
        "",
        "a line for each change, and no other"
    );
}

fn sigterm(image: &str) {
    // With a folder that it watches, too.
    let mount = Mount::new(&[("key", b"1", 0o644)]);
    for mounts in [&[][..], &[(mount.path().to_owned(), "/etc/app")]] {
        let mut container = Container::run(image, json!({}), mounts, &[]);
        container.report();
        // Docker would kill it after a minute, and the code be 137.
        container.stop(60);
        assert_eq!(container.ended(), 0);
    }
}

fn annotations(image: &str) {
    for (runs_for, code) in [("0s", 0), ("10ms", 3), ("1s", 255)] {
        let annotations = json!({
            "rotaproof.dev/runs-for": runs_for,
            "rotaproof.dev/exit-code": code.to_string(),
        });
        let started = Instant::now();
        let mut container = Container::annotated(image, annotations);
        container.report();
        assert_eq!(container.ended(), code);
        assert!(runs_for != "1s" || started.elapsed().as_secs() >= 1);
    }
}

fn unchanged(image: &str) {
    let mount = Mount::new(&[("key", b"old", 0o644)]);
    let mounts = [(mount.path().to_owned(), "/etc/app")];
    let runs_for = ["--env=ROTAPROOF_PROBE_RUNS_FOR=3"];
    let mut container = Container::run(image, json!({}), &mounts, &runs_for);
    container.report();
    mount.turn(&[("key", b"new", 0o644)]);
    container.report();
    assert_eq!(container.ended(), 0);
    assert_eq!(container.printed(), "");
}

fn init(image: &str) {
    let mut container = Container::init(image, json!({"env": [{"name": "A", "value": "1"}]}));
    assert_eq!(container.report()["env"], json!({"A": fingerprint("1")}));
    assert_eq!(container.ended(), 0);
}

fn wrong_tools(image: &str) {
    let check = ["--env=ROTAPROOF_PROBE_CHECK=000000000000"];
    let mut container = Container::run(
        image,
        json!({"env": [{"name": "A", "value": "s3cret"}]}),
        &[],
        &check,
    );
    assert_eq!(container.ended(), 70);
    assert_eq!(
        container.printed(),
        "rotaproof: the tools of this image cannot make a fingerprint\n"
    );
}
