//! The anonymous token that a registry asks for (Distribution "Token Authentication Specification").

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::Error;
use crate::fetch::Http;
use crate::settings::REGISTRY;

const MAX_TOKEN: usize = 256 * 1024;

/// `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// `None` where it is not of this kind: a registry that wants a password.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut realm = None;
        let mut parameters = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', ',', '\t']);
            let Some((name, after)) = rest.split_once('=') else {
                break;
            };
            let value;
            (value, rest) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value.to_owned()),
                name @ ("service" | "scope") => parameters.push((name.into(), value.into())),
                _ => {}
            }
        }
        Some(Self {
            realm: realm?,
            parameters,
        })
    }

    fn url(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        let joint = if self.realm.contains('?') { '&' } else { '?' };
        format!("{}{joint}{}", self.realm, query.finish())
    }
}

/// Fetches a token; the value of `Authorization`.
pub(super) async fn fetch(http: &Http<'_>, challenge: &Challenge) -> Result<HeaderValue, Error> {
    #[derive(serde::Deserialize)]
    struct Granted {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer = http
        .get(&challenge.url(), &HeaderMap::new(), REGISTRY)
        .await?;
    if answer.status != StatusCode::OK {
        return Err(answer.into_error().await);
    }
    let url = answer.url.clone();
    let body = answer.whole(MAX_TOKEN).await?;
    let granted: Option<Granted> = serde_json::from_slice(&body).ok();
    granted
        .and_then(|granted| granted.token.or(granted.access_token))
        .and_then(|token| {
            let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
            header.set_sensitive(true);
            Some(header)
        })
        .ok_or(Error::Answered {
            url,
            status: 200,
            said: "no token in it".into(),
            setting: REGISTRY,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_leads_to_the_token_server() {
        let challenge = Challenge::parse(
            r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push""#,
        );
        assert_eq!(
            challenge.unwrap().url(),
            "https://ghcr.io/token?service=ghcr.io&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
    }

    #[test]
    fn a_password_is_another_kind() {
        assert_eq!(Challenge::parse(r#"Basic realm="mirror""#), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "\\PC*") {
            let _ = Challenge::parse(&format!("Bearer {text}"));
        }
    }
}
