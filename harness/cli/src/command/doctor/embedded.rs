//! What every lane stands on: a folder of one's own, and loopback.

use std::net::{Ipv4Addr, TcpListener};

use rotaproof_base::RunFolder;

use super::finding::{Finding, Lane};

/// Whether a run can keep the files of its pods, and listen.
pub(super) fn findings() -> Vec<Finding> {
    vec![
        Finding::ok(
            Lane::Embedded,
            "program",
            format!("rotaproof {}", env!("CARGO_PKG_VERSION")),
        ),
        folder(tempfile::tempdir_in(RunFolder::parent()).map(drop)),
        ports(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
    ]
}

fn folder(made: std::io::Result<()>) -> Finding {
    let parent = RunFolder::parent();
    let shown = parent.display();
    match made {
        Ok(()) => Finding::ok(
            Lane::Embedded,
            "folder",
            format!("pods' files are kept in {shown}"),
        ),
        Err(error) => Finding::missing(
            Lane::Embedded,
            "folder",
            format!("{shown} takes no files: {error}"),
            format!("make {shown} writable, and see that it is not full"),
        ),
    }
}

/// None is fixed; the kernel gives what is free. Lanes `eso` and `kind` listen, `embedded` only for `up`.
fn ports(bound: std::io::Result<()>) -> Finding {
    match bound {
        Ok(()) => Finding::ok(
            Lane::Eso,
            "ports",
            "none is fixed: the kernel gives free ones of 127.0.0.1",
        ),
        Err(error) => Finding::missing(
            Lane::Eso,
            "ports",
            format!("127.0.0.1 cannot be listened on: {error}"),
            "bring loopback up (ip link set lo up)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;
    use crate::command::doctor::finding::State;

    #[test]
    fn what_every_lane_stands_on_is_here() {
        let states: Vec<State> = findings().iter().map(|finding| finding.state).collect();
        assert_eq!(states, [State::Ok, State::Ok, State::Ok]);
    }

    #[test]
    fn a_full_folder_and_no_loopback_are_missing() {
        let refused = || Err(Error::from(ErrorKind::StorageFull));
        assert_eq!(folder(refused()).state, State::Missing);
        assert_eq!(ports(refused()).state, State::Missing);
    }
}
