//! Who sent a request that came through a listener.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::is_open;
use crate::server::Inner;
use crate::status::ApiError;
use crate::token;

/// An authenticated user, as `authentication.k8s.io/v1` UserInfo has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The administrator of a cluster that kubeadm made.
    fn administrator() -> Self {
        Self {
            name: "kubernetes-admin".to_owned(),
            uid: String::new(),
            groups: vec![
                "system:masters".to_owned(),
                "system:authenticated".to_owned(),
            ],
            extra: BTreeMap::new(),
        }
    }

    /// As UserInfo, without what is empty.
    pub(crate) fn to_value(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = self.uid.as_str().into();
        }
        info["groups"] = json!(self.groups);
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}

/// Lets requests in by their bearer token.
pub(crate) struct Authenticator {
    api: Arc<Inner>,
    administrator: Arc<User>,
    token_digest: [u8; 32],
}

impl Authenticator {
    pub(crate) fn new(api: Arc<Inner>, token_digest: [u8; 32]) -> Self {
        Self {
            api,
            administrator: Arc::new(User::administrator()),
            token_digest,
        }
    }

    /// Puts the user into the request's extensions, or refuses with 401. Without a token only what tells nothing is answered,
    /// as by a server whose anonymous access is limited to health checks.
    pub(crate) fn admit<B>(&self, request: &mut Request<B>) -> Result<(), ApiError> {
        let user = match bearer(request.headers()) {
            Bearer::None if is_open(request.uri().path()) => return Ok(()),
            Bearer::None | Bearer::Other => None,
            Bearer::Token(token) => self.user(token),
        };
        let user = user.ok_or_else(ApiError::unauthorized)?;
        request.extensions_mut().insert(user);
        Ok(())
    }

    fn user(&self, token: &str) -> Option<Arc<User>> {
        if Sha256::digest(token).as_slice() == self.token_digest {
            return Some(self.administrator.clone());
        }
        let (user, _) = token::authenticate(&self.api, token, &[]).ok()?;
        Some(Arc::new(user))
    }
}

enum Bearer<'a> {
    None,
    Token(&'a str),
    /// Credentials of another scheme.
    Other,
}

/// `k8s.io/apiserver/pkg/authentication/request/bearertoken`: the scheme in any case, then the token.
fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Bearer::None;
    };
    let text = value.to_str().unwrap_or_default().trim();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Bearer::Token(token.split(' ').next().unwrap_or_default())
        }
        _ => Bearer::Other,
    }
}
