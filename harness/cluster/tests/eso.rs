//! The operator's process on the eso lane, whatever the operator: scripts stand in for it here. The real one is run by
//! `tests/eso.rs` of the workspace, where there is one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rotaproof_base::Entropy;
use rotaproof_cluster::{Error, Lab, Lane, RealEso, Vaults, Wanted};
use rotaproof_releases::Release;
use rotaproof_scenario::model::Eso;

/// What the operator says when it works.
const WORKS: &str =
    r#"echo '{"level":"info","msg":"Starting workers","controller":"externalsecret"}'"#;

/// An operator that is a shell script.
struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Self { folder };
        let text = format!(
            "#!/bin/sh\necho $$ >> {}\n{lines}\n",
            script.file("pids").display()
        );
        let program = script.file("operator");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The processes that it has been so far.
    fn processes(&self) -> Vec<i32> {
        let pids = fs::read_to_string(self.file("pids")).unwrap_or_default();
        pids.lines().map(|pid| pid.parse().unwrap()).collect()
    }

    async fn start(&self) -> Result<Lab, Error> {
        let release = release(self.file("operator"), eso_crds());
        let wanted = Wanted {
            vaults: &Vaults::default(),
            eso: &Eso::default(),
        };
        RealEso::new(release, None)
            .start(&wanted, &Entropy::from_seed(1))
            .await
    }
}

fn release(program: PathBuf, crds: Vec<serde_json::Value>) -> Release {
    Release {
        program,
        version: None,
        crds,
        serves_v1beta1: true,
    }
}

/// The kinds without the notebook validator, which every lane adds.
fn eso_crds() -> Vec<serde_json::Value> {
    let mut crds = rotaproof_kinds::crds();
    crds.retain(|crd| crd["spec"]["group"] == "external-secrets.io");
    crds
}

fn runs(process: i32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

/// Work in a runtime of the lane.
fn on_the_lane<T>(work: impl Future<Output = T>) -> T {
    let nothing = release(PathBuf::new(), Vec::new());
    let runtime = RealEso::new(nothing, None).runtime().unwrap();
    runtime.block_on(work)
}

#[test]
fn an_operator_that_ends_at_start_is_an_error_with_its_own_last_words() {
    on_the_lane(async {
        let script = Script::new("echo 'unable to start manager' >&2; exit 3");
        let error = script.start().await.err().unwrap();
        assert!(
            error.to_string().contains("ended at once, exit status: 3"),
            "{error}"
        );
        assert_eq!(error.evidence, ["unable to start manager"]);
        assert!(error.next.is_some_and(|next| next.contains("--eso")));
    });
}

#[test]
fn a_program_that_cannot_be_executed_is_an_error_that_says_why() {
    on_the_lane(async {
        let script = Script::new("");
        fs::write(script.file("operator"), "#!/nowhere/sh\n").unwrap();
        let error = script.start().await.err().unwrap();
        assert!(
            error
                .evidence
                .concat()
                .contains("No such file or directory"),
            "{error:?}"
        );
    });
}

#[test]
fn a_release_without_probes_is_started_without_their_flag() {
    on_the_lane(async {
        let script = Script::new(&format!(
            "case \"$*\" in *--live-addr*) echo 'Error: unknown flag: --live-addr' >&2; exit 1;; esac
            echo \"$*\"; {WORKS}; exec sleep 1000"
        ));
        let lab = script.start().await.unwrap();
        let log = lab.cluster.operator_log(&[]);
        assert!(
            log.iter().any(|line| line.contains("--metrics-addr=0")),
            "{log:?}"
        );
        lab.cluster.stop().await;
    });
}

#[test]
fn any_other_flag_that_it_does_not_know_is_an_error() {
    on_the_lane(async {
        let script = Script::new("echo 'Error: unknown flag: --metrics-addr' >&2; exit 1");
        let error = script.start().await.err().unwrap();
        assert_eq!(error.evidence, ["Error: unknown flag: --metrics-addr"]);
    });
}

#[test]
fn the_operator_has_the_lanes_environment_and_nothing_of_ours() {
    on_the_lane(async {
        let script = Script::new(&format!("env >&2; {WORKS}; exec sleep 1000"));
        let lab = script.start().await.unwrap();
        let mut names: Vec<String> = lab
            .cluster
            .operator_log(&[])
            .iter()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .collect();
        names.sort();
        // PWD is the shell's own.
        names.retain(|name| !["PWD", "_", "OLDPWD", "SHLVL"].contains(&name.as_str()));
        let expected = [
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "KUBECONFIG",
            "NO_PROXY",
            "SSL_CERT_FILE",
        ];
        assert_eq!(names, expected);
        lab.cluster.stop().await;
    });
}

#[test]
fn an_operator_that_ends_in_mid_scenario_breaks_the_lab() {
    on_the_lane(async {
        let script = Script::new(
            &format!("{WORKS}; read line < {{fifo}}; echo bye >&2; exit 7")
                .replace("{fifo}", "\"$(dirname \"$0\")/fifo\""),
        );
        let fifo = script.file("fifo");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let lab = script.start().await.unwrap();
        // Opening waits for the reader, so that the script is past its start.
        tokio::task::spawn_blocking(move || fs::write(fifo, "go\n").unwrap())
            .await
            .unwrap();
        let error = lab.cluster.broken().await;
        assert!(
            error.to_string().contains("ended, exit status: 7"),
            "{error}"
        );
        assert_eq!(error.evidence.last().unwrap(), "bye");
        lab.cluster.stop().await;
    });
}

#[test]
fn a_restart_ends_the_operator_with_its_grace_and_starts_another() {
    on_the_lane(async {
        let script = Script::new(&format!(
            "trap 'echo ended politely >&2; kill $child; exit 0' TERM\n{WORKS}\nsleep 1000 & child=$!\nwait"
        ));
        let lab = script.start().await.unwrap();
        lab.cluster.restart_operator().await.unwrap();
        let [first, second] = script.processes()[..] else {
            panic!("two processes: {:?}", script.processes());
        };
        assert!(!runs(first) && runs(second));
        let log = lab.cluster.operator_log(&[]);
        assert!(log.iter().any(|line| line == "ended politely"), "{log:?}");
        let broken = tokio::time::timeout(Duration::from_millis(50), lab.cluster.broken()).await;
        assert!(broken.is_err(), "an end that was asked for breaks nothing");
        lab.cluster.stop().await;
        assert!(!runs(second));
    });
}

#[test]
fn the_operator_ends_with_the_thread_that_holds_its_lab() {
    let script = Script::new(&format!("{WORKS}; exec sleep 1000"));
    std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            // Forgotten: nobody stops it, as if the process were killed.
            std::mem::forget(runtime.block_on(script.start()).unwrap());
            std::mem::forget(runtime);
        });
        started.join().unwrap();
    });
    let process = script.processes()[0];
    let ended = Path::new("/proc").join(process.to_string()).join("stat");
    // The kernel's signal comes with the thread's end; the process is then a zombie of ours.
    let gone = || fs::read_to_string(&ended).map_or(true, |stat| stat.contains(") Z "));
    on_the_lane(async {
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap();
    });
}
