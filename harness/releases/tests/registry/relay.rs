//! A network that breaks once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libtest_mimic::Failed;

/// Passes bytes on, and cuts the first connection that has carried more than a number of them.
pub(crate) struct Relay {
    pub(crate) address: String,
    bytes: Arc<AtomicUsize>,
}

impl Relay {
    pub(crate) fn cutting(server: &str, after: usize) -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (bytes, cut) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (server, total) = (server.to_owned(), bytes.clone());
        // These threads end with the process, or with their connections.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    return;
                };
                let (total, cut) = (total.clone(), cut.clone());
                std::thread::spawn(move || pass(client, server, after, &total, &cut));
            }
        });
        Ok(Self { address, bytes })
    }

    /// What came from the server and was passed on.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }
}

fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    after: usize,
    total: &AtomicUsize,
    cut: &AtomicBool,
) {
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 64 * 1024];
    let mut carried = 0;
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..read]).is_err() {
            break;
        }
        carried += read;
        total.fetch_add(read, Ordering::SeqCst);
        if carried > after && !cut.swap(true, Ordering::SeqCst) {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
