//! The distribution API, as far as a pull needs it (OCI Distribution Specification 1.1).

mod manifest;
mod token;

use http::header::{ACCEPT, AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

pub(crate) use manifest::{Blob, Config, Image};

use crate::digest::Digest;
use crate::error::Error;
use crate::fetch::{Answer, Http, Part};
use crate::settings::REGISTRY;
use crate::{Registry, Version};

/// The largest manifest (the specification asks a registry for no more than this) or list of tags, in bytes.
const MAX_DOCUMENT: usize = 4 * 1024 * 1024;
/// Pages of tags that are read to name the nearest versions.
const MAX_PAGES: usize = 20;
const NEAREST: usize = 5;

/// A pull from one repository.
pub(crate) struct Pull<'a> {
    http: &'a Http<'a>,
    registry: &'a Registry,
    headers: HeaderMap,
    challenge: Option<token::Challenge>,
}

impl<'a> Pull<'a> {
    pub(crate) fn new(http: &'a Http<'a>) -> Self {
        Self {
            http,
            registry: &http.settings.registry,
            headers: HeaderMap::new(),
            challenge: None,
        }
    }

    /// The image of a version for this machine.
    pub(crate) async fn image(&mut self, version: &Version) -> Result<Image, Error> {
        let name = format!("{}:{}", self.registry, version.tag());
        let answer = self
            .get(&format!("manifests/{}", version.tag()), manifest::ACCEPT)
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(Error::NoSuchVersion {
                version: version.clone(),
                place: self.registry.to_string(),
                // Only an embellishment: where it fails, the error is still the right one.
                nearest: self.nearest(version).await.unwrap_or_default(),
            });
        }
        let body = self.document(answer, None).await?;
        let digest = match manifest::read(&name, &body)? {
            manifest::Document::Image(layers) => {
                return self.with_config(name, Digest::of(&body), layers).await;
            }
            manifest::Document::Index(entries) => manifest::for_this_machine(&name, &entries)?,
        };
        let answer = self
            .get(&format!("manifests/{digest}"), manifest::ACCEPT)
            .await?;
        let body = self.document(answer, Some(&digest)).await?;
        match manifest::read(&name, &body)? {
            manifest::Document::Image(layers) => self.with_config(name, digest, layers).await,
            manifest::Document::Index(_) => Err(Error::Image {
                image: name,
                reason: "its index names another index".into(),
            }),
        }
    }

    async fn with_config(
        &mut self,
        name: String,
        digest: Digest,
        manifest: manifest::Manifest,
    ) -> Result<Image, Error> {
        let answer = self
            .get(&format!("blobs/{}", manifest.config.digest), "*/*")
            .await?;
        let body = self.document(answer, Some(&manifest.config.digest)).await?;
        manifest::image(name, digest, manifest, &body)
    }

    /// A layer, to be downloaded into a file.
    pub(crate) fn part<'p>(
        &'p self,
        blob: &'p Blob,
        what: &'p str,
        before: u64,
        total: u64,
    ) -> Part<'p> {
        Part {
            url: format!("{}/blobs/{}", self.registry.api(), blob.digest),
            headers: &self.headers,
            digest: &blob.digest,
            size: blob.size,
            what,
            before,
            total,
            setting: REGISTRY,
        }
    }

    /// Asks for something of the repository, with a token where one is asked for.
    async fn get(&mut self, path: &str, accept: &'static str) -> Result<Answer, Error> {
        let url = format!("{}/{path}", self.registry.api());
        self.headers
            .insert(ACCEPT, HeaderValue::from_static(accept));
        let answer = self.http.get(&url, &self.headers, REGISTRY).await?;
        if answer.status != StatusCode::UNAUTHORIZED || self.headers.contains_key(AUTHORIZATION) {
            return Ok(answer);
        }
        let Some(challenge) = answer
            .headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .find_map(|header| token::Challenge::parse(header.to_str().ok()?))
        else {
            return Ok(answer);
        };
        self.challenge = Some(challenge);
        self.renew().await?;
        self.http.get(&url, &self.headers, REGISTRY).await
    }

    /// Fetches a new token, where there is one: they last a few minutes, a layer may take longer. False where not.
    pub(crate) async fn renew(&mut self) -> Result<bool, Error> {
        let Some(challenge) = &self.challenge else {
            return Ok(false);
        };
        let token = token::fetch(self.http, challenge).await?;
        self.headers.insert(AUTHORIZATION, token);
        Ok(true)
    }

    /// Reads a manifest or a configuration, and checks what it is by its digest: the one that was asked for, else the
    /// one that the registry names.
    async fn document(&self, answer: Answer, wanted: Option<&Digest>) -> Result<Vec<u8>, Error> {
        if answer.status != StatusCode::OK {
            return Err(answer.into_error().await);
        }
        let named = answer
            .headers
            .get("docker-content-digest")
            .and_then(|digest| Digest::parse(digest.to_str().ok()?));
        let url = answer.url.clone();
        let body = answer.whole(MAX_DOCUMENT).await?;
        let actual = Digest::of(&body);
        match wanted.cloned().or(named) {
            Some(expected) if expected != actual => Err(Error::Checksum {
                what: url,
                expected: expected.to_string(),
                actual: actual.to_string(),
                setting: REGISTRY,
            }),
            _ => Ok(body),
        }
    }

    /// The releases that are there, the nearest to the version first.
    async fn nearest(&mut self, version: &Version) -> Result<Vec<Version>, Error> {
        #[derive(serde::Deserialize)]
        struct Tags {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut known = Vec::new();
        let mut last = String::new();
        for _ in 0..MAX_PAGES {
            let page = format!("tags/list?n=1000{last}");
            let answer = self.get(&page, "application/json").await?;
            if answer.status != StatusCode::OK {
                break;
            }
            let more = answer.headers.contains_key(http::header::LINK);
            let body = answer.whole(MAX_DOCUMENT).await?;
            let Ok(Tags { tags: Some(tags) }) = serde_json::from_slice(&body) else {
                break;
            };
            let versions = tags.iter().filter_map(|tag| tag.parse::<Version>().ok());
            known.extend(versions.filter(Version::is_plain));
            match tags.last() {
                Some(tag) if more => {
                    let tag: String = form_urlencoded::byte_serialize(tag.as_bytes()).collect();
                    last = format!("&last={tag}");
                }
                _ => break,
            }
        }
        Ok(nearest(known, version))
    }
}

/// In the order of versions, those around the version first, and the newest of all last.
fn nearest(mut known: Vec<Version>, version: &Version) -> Vec<Version> {
    known.sort();
    known.dedup();
    let newest = known.last().cloned();
    let place = known.partition_point(|other| other < version);
    let start = place.saturating_sub(NEAREST / 2);
    let end = (start + NEAREST - 1).min(known.len());
    let mut around = known.get(start..end).unwrap_or_default().to_vec();
    around.extend(newest);
    around.dedup();
    around.reverse();
    around
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0.20.5", "2.9.0 2.0.0 0.20.4 0.20.3")]
    #[case("9.9.9", "2.9.0 2.0.0")]
    #[case("0.1.0", "2.9.0 0.20.4 0.20.3 0.20.2 0.20.1")]
    fn the_versions_around_and_the_newest_are_named(#[case] version: &str, #[case] names: &str) {
        let known = ["2.0.0", "0.20.4", "0.20.1", "0.20.2", "0.20.3", "2.9.0"];
        let known = known.map(|version| version.parse().unwrap()).to_vec();
        let found = nearest(known, &version.parse().unwrap());
        let found: Vec<_> = found.iter().map(Version::to_string).collect();
        assert_eq!(found.join(" "), names);
    }
}
