//! A download into a file that a later run can go on with.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::sleep;

use super::Http;
use crate::Error;
use crate::digest::{Digest, Hash};
use crate::progress::{Progress, Tell};

/// What is to be downloaded.
pub(crate) struct Part<'a> {
    pub(crate) url: String,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) digest: &'a Digest,
    pub(crate) size: u64,
    /// For progress: what all of it is called, the bytes before this part, and the bytes in all.
    pub(crate) what: &'a str,
    pub(crate) before: u64,
    pub(crate) total: u64,
    pub(crate) setting: &'static str,
}

/// How one try ended, other than well or for good.
struct Broken {
    reason: String,
    /// The error where there is no further try.
    error: Option<Error>,
}

/// Downloads the part into the file, from where an earlier run left it; checks its SHA-256. What came is kept where
/// the download breaks off, and removed where it turns out to be something else.
pub(crate) async fn download(
    http: &Http<'_>,
    part: &Part<'_>,
    file: &Path,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let mut partial = Partial::open(file)?;
    let mut pause = http.settings.pause;
    let mut tries = 0;
    loop {
        let fresh = partial.size == 0;
        let broken = if partial.size < part.size {
            attempt(http, part, &mut partial, tell).await?
        } else {
            None
        };
        let reason = match broken {
            None if partial.digest() == *part.digest && partial.size == part.size => {
                return Ok(());
            }
            None => {
                let actual = partial.digest();
                partial.empty()?;
                // The beginning may be another run's, damaged since; all anew is worth one try.
                if fresh {
                    return Err(Error::Checksum {
                        what: part.url.clone(),
                        expected: part.digest.to_string(),
                        actual: actual.to_string(),
                        setting: part.setting,
                    });
                }
                "what an earlier run left is damaged".into()
            }
            Some(broken) => {
                tries += 1;
                if tries >= http.settings.attempts {
                    return Err(broken.error.unwrap_or_else(|| Error::Truncated {
                        url: part.url.clone(),
                        got: partial.size,
                        expected: part.size.to_string(),
                        attempts: tries,
                        reason: broken.reason,
                    }));
                }
                sleep(pause).await;
                pause *= 2;
                broken.reason
            }
        };
        tell(Progress::Resuming {
            what: part.what.to_owned(),
            reason,
        });
    }
}

/// One request for what is missing. `None` when as many bytes are there as were promised, or more.
async fn attempt(
    http: &Http<'_>,
    part: &Part<'_>,
    partial: &mut Partial<'_>,
    tell: Tell<'_>,
) -> Result<Option<Broken>, Error> {
    let mut headers = part.headers.clone();
    if partial.size > 0
        && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", partial.size))
    {
        headers.insert(header::RANGE, range);
    }
    let mut answer = match http.get(&part.url, &headers, part.setting).await {
        Ok(answer) => answer,
        Err(error) => {
            return Ok(Some(Broken {
                reason: error.to_string(),
                error: Some(error),
            }));
        }
    };
    match answer.status {
        StatusCode::PARTIAL_CONTENT if continues(&answer.headers, partial.size) => {}
        // It does not know ranges, or has another one in mind: from the beginning.
        StatusCode::OK => partial.empty()?,
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            partial.empty()?;
            return Ok(Some(Broken {
                reason: "the server does not go on where the download broke off".into(),
                error: None,
            }));
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            let error = answer.into_error().await;
            return Ok(Some(Broken {
                reason: error.to_string(),
                error: Some(error),
            }));
        }
        _ => return Err(answer.into_error().await),
    }
    loop {
        match answer.next().await {
            Ok(Some(piece)) => {
                partial.write(&piece)?;
                tell(Progress::Downloading {
                    what: part.what.to_owned(),
                    done: part.before + partial.size.min(part.size),
                    total: Some(part.total),
                });
                if partial.size > part.size {
                    return Ok(None);
                }
            }
            Ok(None) if partial.size >= part.size => return Ok(None),
            Ok(None) => {
                return Ok(Some(Broken {
                    reason: "the server ended it early".into(),
                    error: None,
                }));
            }
            Err(reason) => {
                return Ok(Some(Broken {
                    reason,
                    error: None,
                }));
            }
        }
    }
}

/// Whether a range begins where we are: `Content-Range: bytes 5-9/10`.
fn continues(headers: &HeaderMap, at: u64) -> bool {
    headers
        .get(header::CONTENT_RANGE)
        .and_then(|range| range.to_str().ok())
        .and_then(|range| range.strip_prefix("bytes ")?.split('-').next())
        .and_then(|start| start.trim().parse::<u64>().ok())
        == Some(at)
}

/// The file, its size, and the hash of what is in it.
struct Partial<'a> {
    path: &'a Path,
    file: File,
    size: u64,
    hash: Hash,
}

impl<'a> Partial<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let failed = |error| Error::file("write", path)(error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let mut hash = Hash::new();
        let size = hash.read(&mut file).map_err(failed)?;
        Ok(Self {
            path,
            file,
            size,
            hash,
        })
    }

    fn empty(&mut self) -> Result<(), Error> {
        self.size = 0;
        self.hash = Hash::new();
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map(|_| ())
            .map_err(Error::file("write", self.path))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all(bytes)
            .map_err(Error::file("write", self.path))?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn digest(&self) -> Digest {
        self.hash.clone().finish()
    }
}
