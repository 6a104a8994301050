//! Connections without an address: TCP where people's tools connect, memory where time is virtual.
//!
//! tokio's paused clock is exact only if nothing waits on a real socket, so inside the embedded lane every
//! connection is an in-memory stream; clients and servers are written against these two traits.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::mpsc;

/// A bidirectional byte stream.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Any stream.
pub type BoxIo = Box<dyn Io>;

/// Opens connections to one place.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// Opens a connection.
    async fn dial(&self) -> io::Result<BoxIo>;
}

/// Accepts connections at one place.
#[async_trait]
pub trait Listen: Send + 'static {
    /// Waits for the next connection. `NotConnected` says that there will be none; [`accept`](crate::accept) tries
    /// again after any other error.
    async fn accept(&mut self) -> io::Result<BoxIo>;
}

/// Large enough that a TLS handshake or an API answer never waits for its reader.
const BUFFER: usize = 256 * 1024;
/// Connections that may wait to be accepted, as a TCP backlog.
const BACKLOG: usize = 1024;

/// The connecting end of [`memory`].
#[derive(Clone)]
pub struct MemoryDialer(mpsc::Sender<DuplexStream>);

/// The accepting end of [`memory`].
pub struct MemoryListener(mpsc::Receiver<DuplexStream>);

/// A listener in this process's memory, and the way to connect to it.
pub fn memory() -> (MemoryDialer, MemoryListener) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (MemoryDialer(sender), MemoryListener(receiver))
}

#[async_trait]
impl Dial for MemoryDialer {
    async fn dial(&self) -> io::Result<BoxIo> {
        let (near, far) = tokio::io::duplex(BUFFER);
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        self.0.send(far).await.map_err(refused)?;
        Ok(Box::new(near))
    }
}

#[async_trait]
impl Listen for MemoryListener {
    async fn accept(&mut self) -> io::Result<BoxIo> {
        match self.0.recv().await {
            Some(stream) => Ok(Box::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Connects to a TCP address.
#[derive(Clone, Debug)]
pub struct TcpDialer(pub SocketAddr);

#[async_trait]
impl Dial for TcpDialer {
    async fn dial(&self) -> io::Result<BoxIo> {
        let stream = TcpStream::connect(self.0).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[async_trait]
impl Listen for TcpListener {
    async fn accept(&mut self) -> io::Result<BoxIo> {
        let (stream, _) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[async_trait]
impl Listen for UnixListener {
    async fn accept(&mut self) -> io::Result<BoxIo> {
        let (stream, _) = UnixListener::accept(self).await?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_cross_a_memory_connection_both_ways() {
        let (dialer, mut listener) = memory();
        let mut near = dialer.dial().await.unwrap();
        let mut far = listener.accept().await.unwrap();
        near.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        far.read_exact(&mut bytes).await.unwrap();
        far.write_all(&bytes).await.unwrap();
        near.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");
    }

    #[tokio::test]
    async fn a_dropped_listener_refuses() {
        let (dialer, listener) = memory();
        drop(listener);
        let refused = dialer.dial().await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
