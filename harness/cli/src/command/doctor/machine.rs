//! What the machine itself allows: capabilities, daemons, inotify, disk.

use super::finding::{Finding, Lane};

/// `CAP_SYS_RESOURCE`, as linux/capability.h numbers it.
const SYS_RESOURCE: u32 = 24;
/// kind's documentation of known issues: with less, "too many open files" as soon as a second cluster runs.
const INOTIFY: [(&str, u64); 2] = [("max_user_watches", 524_288), ("max_user_instances", 512)];
/// A node, and the images of one run.
const DOCKER_ROOM_MB: u64 = 5_000;
/// Archives of images, a kubeconfig, logs.
const TEMP_ROOM_MB: u64 = 1_000;

/// Whether containers with all capabilities can be made, from `/proc/self/status` and Docker's default runtime.
pub(super) fn capabilities(status: &str, runtime: &str) -> Finding {
    let about = "capabilities";
    let bounding = status
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    match bounding {
        None => Finding::ok(Lane::Kind, about, "this system does not tell"),
        Some(set) if set & (1 << SYS_RESOURCE) != 0 => {
            Finding::ok(Lane::Kind, about, "CAP_SYS_RESOURCE may be given")
        }
        Some(_) if matches!(runtime, "runc" | "crun" | "io.containerd.runc.v2" | "") => {
            Finding::warning(
                Lane::Kind,
                about,
                "CAP_SYS_RESOURCE is not in the bounding set: where the daemon has the same, a node fails with \
                 `unable to apply caps: operation not permitted`",
                "give this machine the capability, or Docker a default runtime that trims the specification to what is held",
            )
        }
        Some(_) => Finding::ok(
            Lane::Kind,
            about,
            format!(
                "CAP_SYS_RESOURCE is not in the bounding set; Docker's default runtime is {runtime}"
            ),
        ),
    }
}

/// How many daemons there are; two disturb each other's network.
pub(super) fn daemons(count: usize) -> Option<Finding> {
    (count > 1).then(|| {
        Finding::warning(
            Lane::Kind,
            "daemons",
            format!("{count} dockerd run here: one that starts with no bridge removes docker0 of the other"),
            "stop the ones that are not asked (DOCKER_HOST says which is)",
        )
    })
}

/// The limits of inotify, each as read from /proc.
pub(super) fn inotify(read: impl Fn(&str) -> Option<String>) -> Finding {
    let about = "inotify";
    let mut short = Vec::new();
    let mut told = Vec::new();
    for (name, wanted) in INOTIFY {
        let Some(limit) = read(name).and_then(|text| text.trim().parse::<u64>().ok()) else {
            return Finding::ok(Lane::Kind, about, "this system has no such limit");
        };
        told.push(format!("{name} {limit}"));
        if limit < wanted {
            short.push(format!("fs.inotify.{name}={wanted}"));
        }
    }
    let told = told.join(", ");
    match short.is_empty() {
        true => Finding::ok(Lane::Kind, about, told),
        false => Finding::warning(
            Lane::Kind,
            about,
            format!("{told}: enough for one node, a second may say `too many open files`"),
            format!("sysctl -w {}", short.join(" ")),
        ),
    }
}

/// Free room in a folder of this machine, from `df -Pk`; `None` where that cannot be told.
pub(super) fn free_mb(df: &str) -> Option<u64> {
    let line = df.lines().nth(1)?;
    // A file system's name may have spaces: the columns are counted from the percentage on.
    let columns: Vec<&str> = line.split_whitespace().collect();
    let percent = columns.iter().position(|column| {
        column
            .strip_suffix('%')
            .is_some_and(|number| number.parse::<u32>().is_ok())
    })?;
    let available: u64 = columns.get(percent.checked_sub(1)?)?.parse().ok()?;
    Some(available / 1024)
}

/// A folder that room is wanted in.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// Where Docker keeps its data.
    Docker,
    /// The temp folder.
    Temp,
}

impl Room {
    /// Whether there is enough.
    pub(super) fn judge(self, folder: &str, free: Option<u64>) -> Finding {
        let (about, wanted) = match self {
            Self::Docker => ("disk docker", DOCKER_ROOM_MB),
            Self::Temp => ("disk temp", TEMP_ROOM_MB),
        };
        let fix = match self {
            Self::Docker => {
                format!("make {wanted} MB free (`docker system df` tells what takes it)")
            }
            Self::Temp => format!("make {wanted} MB free, or set TMPDIR to another folder"),
        };
        match free {
            Some(free) if free >= wanted => {
                Finding::ok(Lane::Kind, about, format!("{free} MB free in {folder}"))
            }
            Some(free) => Finding::warning(
                Lane::Kind,
                about,
                format!("{free} MB free in {folder}"),
                fix,
            ),
            None => Finding::warning(
                Lane::Kind,
                about,
                format!("{folder} cannot be looked at from here"),
                format!("see that it has {wanted} MB"),
            ),
        }
    }
}

/// How many `dockerd` run in this process' own namespace: those in containers are none of Docker's peers.
pub(super) fn count_daemons() -> usize {
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    let own = namespace("self");
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0;
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|process| {
            let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
            // Another user's namespaces may not be looked at; its daemon counts.
            name.is_ok_and(|name| name.trim() == "dockerd")
                && namespace(process).is_none_or(|other| Some(other) == own)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("CapBnd:\t000001ffffffffff", "runc", "Ok")]
    #[case::trimmed("CapPrm:\t0\nCapBnd:\t000001fffeffffff", "runc", "Warning")]
    #[case::trimmed_and_known("CapBnd:\t000001fffeffffff", "runc-trim", "Ok")]
    #[case::no_linux("", "runc", "Ok")]
    #[case::nonsense("CapBnd:\tzz", "runc", "Ok")]
    fn a_node_needs_a_capability_or_a_runtime_that_does_without(
        #[case] status: &str,
        #[case] runtime: &str,
        #[case] state: &str,
    ) {
        assert_eq!(format!("{:?}", capabilities(status, runtime).state), state);
    }

    #[rstest]
    #[case(
        "524288",
        "512",
        "max_user_watches 524288, max_user_instances 512",
        None
    )]
    #[case(
        "192536",
        "128",
        "max_user_watches 192536, max_user_instances 128: enough",
        Some("sysctl -w fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512")
    )]
    #[case(
        "524288",
        "128",
        "max_user",
        Some("sysctl -w fs.inotify.max_user_instances=512")
    )]
    #[case("many", "128", "this system has no such limit", None)]
    fn limits_of_inotify_are_told_with_what_raises_them(
        #[case] watches: &str,
        #[case] instances: &str,
        #[case] found: &str,
        #[case] fix: Option<&str>,
    ) {
        let finding = inotify(|name| {
            let text = if name == "max_user_watches" {
                watches
            } else {
                instances
            };
            Some(text.to_owned())
        });
        assert!(finding.found.starts_with(found), "{}", finding.found);
        assert_eq!(finding.fix.as_deref(), fix);
    }

    #[rstest]
    #[case(
        "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264212084 68235528 27265736 72% /",
        Some(26_626)
    )]
    #[case(
        "Filesystem 1024-blocks Used Available Capacity Mounted on\nmap auto_home 0 0 2048 100% /my disk",
        Some(2)
    )]
    #[case("Filesystem", None)]
    #[case("", None)]
    #[case("a\n72% /", None)]
    #[case("a\n-1 72% /", None)]
    fn free_room_is_the_column_before_the_percentage(#[case] df: &str, #[case] mb: Option<u64>) {
        assert_eq!(free_mb(df), mb);
    }

    #[test]
    fn a_second_daemon_is_told_and_one_is_not() {
        assert!(daemons(0).is_none() && daemons(1).is_none());
        assert!(daemons(2).unwrap().found.starts_with("2 dockerd"));
    }
}
