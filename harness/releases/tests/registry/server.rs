//! The registry server as a child process, and a client that pushes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::sha256;
use crate::support::image::{INDEX, Image, MANIFEST, architecture};

const REPOSITORY: &str = "/v2/mirror/external-secrets/external-secrets";

/// It ends with its value.
pub(crate) struct Server {
    pub(crate) address: String,
    child: Child,
    _folder: TempDir,
}

impl Server {
    /// Starts it on a free port of loopback, with its storage in a folder of its own.
    pub(crate) fn start(program: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("config.yml");
        let storage = folder.path().join("storage");
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n",
            storage.display()
        );
        std::fs::write(&file, config)?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg(&file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().ok_or("no log")?;
        let mut server = Self {
            address: String::new(),
            child,
            _folder: folder,
        };
        let mut log = BufReader::new(log);
        let mut said = String::new();
        while server.address.is_empty() {
            let before = said.len();
            if log.read_line(&mut said)? == 0 {
                return Err(format!("the registry server ended: {said}").into());
            }
            if let Some((_, rest)) = said[before..].split_once("listening on ") {
                let end = |c: char| !(c.is_ascii_digit() || c == '.' || c == ':');
                server.address = rest.split(end).next().unwrap_or_default().to_owned();
            }
        }
        // A pipe that nobody reads would hold it up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(server)
    }

    /// Pushes an image under a tag.
    pub(crate) fn push(&self, tag: &str, image: &Image) -> Result<(), Failed> {
        for (digest, bytes) in &image.blobs {
            let uploads = format!("{REPOSITORY}/blobs/uploads/");
            let (status, headers) = self.send("POST", &uploads, "", &[])?;
            let location = headers
                .lines()
                .find_map(|line| line.strip_prefix("Location: "))
                .ok_or_else(|| format!("{status}: no place for an upload"))?;
            let (_, path) = location.split_once(&self.address).ok_or("elsewhere")?;
            let path = format!("{path}&digest={digest}");
            let (status, _) = self.send("PUT", &path, "application/octet-stream", bytes)?;
            assert_eq!(status, "201", "a blob");
        }
        let digest = sha256(&image.manifest);
        let path = format!("{REPOSITORY}/manifests/{digest}");
        let (status, _) = self.send("PUT", &path, MANIFEST, &image.manifest)?;
        assert_eq!(status, "201", "the manifest");
        let index = only_what_is_there(&image.index)?;
        let path = format!("{REPOSITORY}/manifests/{tag}");
        let (status, _) = self.send("PUT", &path, INDEX, &index)?;
        assert_eq!(status, "201", "the index");
        Ok(())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<(String, String), Failed> {
        let mut stream = TcpStream::connect(&self.address)?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let answer = answer.replace("\r\n", "\n");
        let status = answer.split(' ').nth(1).unwrap_or_default();
        Ok((status.to_owned(), answer))
    }
}

/// The server refuses an index that names what it does not have.
fn only_what_is_there(index: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut index: serde_json::Value = serde_json::from_slice(index)?;
    let manifests = index["manifests"].as_array_mut().ok_or("no manifests")?;
    manifests.retain(|manifest| manifest["platform"]["architecture"] == architecture());
    Ok(serde_json::to_vec(&index)?)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
