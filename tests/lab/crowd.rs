//! A crowd at a lab's doors: idle, slow and senseless clients hurt nobody else.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::world::World;

fn addresses(world: &World) -> Vec<String> {
    let status = world.status();
    let vaults = status["vaults"].as_array().unwrap();
    let urls = vaults.iter().map(|vault| &vault["endpoint"]);
    urls.chain([&status["kubernetes"], &status["proxy"]])
        .map(|url| {
            url.as_str()
                .unwrap()
                .split_once("://")
                .unwrap()
                .1
                .to_owned()
        })
        .collect()
}

/// Memory of the lab's process, in KiB.
fn resident(world: &World) -> u64 {
    let pid = &world.status()["pid"];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_thousand_idle_connections_leave_room_for_others() {
    let world = World::with_lab(&[]);
    let before = resident(&world);
    let mut idle = Vec::new();
    for address in addresses(&world) {
        for _ in 0..200 {
            idle.push(TcpStream::connect(&address).unwrap());
        }
    }
    // The head of a request that never ends.
    for stream in &mut idle {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            .unwrap();
    }
    let proxy = world.status()["proxy"]
        .as_str()
        .unwrap()
        .replace("http://", "");
    let mut other = TcpStream::connect(proxy).unwrap();
    other
        .write_all(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    other.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    let grown = resident(&world).saturating_sub(before);
    assert!(
        grown < 64 * 1024,
        "{} connections took {grown} KiB",
        idle.len()
    );
}

#[test]
fn garbage_on_every_port_ends_its_own_connection_only() {
    let world = World::with_lab(&[]);
    let mut noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
    noise.extend_from_slice(b"\r\n\r\n");
    // A TLS record that says it is longer than any may be, and an HTTP/2 preface without TLS.
    let inputs: [&[u8]; 4] = [
        &noise,
        b"\x16\x03\x01\xff\xff\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff",
        b"\r\n\r\n\r\n",
    ];
    for address in addresses(&world) {
        for input in inputs {
            let mut stream = TcpStream::connect(&address).unwrap();
            // The other side may close midway.
            let _ = stream.write_all(input);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    let mut control =
        std::os::unix::net::UnixStream::connect(world.lab().join("control.sock")).unwrap();
    let _ = control.write_all(&noise);
    drop(control);
    assert_eq!(world.status()["name"], "default");
    // A task that panics says so there.
    let log = std::fs::read_to_string(world.state().join("default.log")).unwrap();
    assert_eq!(log, "");
}
