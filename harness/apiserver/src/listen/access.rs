//! What a client needs to reach a listener: whom to trust, and who to be.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use rotaproof_base::{Clock, SecretValue};
use rustls::ServerConfig;
use sha2::{Digest, Sha256};

use super::{certificates, kubeconfig};

/// Why an [`Access`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A certificate or its key cannot be made.
    #[error("failed to make the certificate of {subject}: {message}")]
    Certificate {
        /// Whose certificate.
        subject: &'static str,
        /// What the generator said.
        message: String,
    },
    /// The system has no randomness to give.
    #[error("failed to draw the administrator's token")]
    Token,
}

/// A certificate authority of its own, the server's certificate, and the administrator's token. All are random,
/// and gone with the last clone.
///
/// The certificate names `127.0.0.1`, `::1`, `localhost` and `kubernetes.default.svc.cluster.local` with its short forms.
#[derive(Clone)]
pub struct Access {
    ca_pem: Arc<str>,
    tls: Arc<ServerConfig>,
    token: SecretValue,
}

impl Access {
    /// Draws an access whose certificates are valid for ten years of `clock`.
    ///
    /// # Errors
    /// Where the system's randomness or the generator of certificates fails.
    pub fn new(clock: &Clock) -> Result<Self, AccessError> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| AccessError::Token)?;
        let (ca_pem, tls) = certificates::issue(clock)?;
        Ok(Self {
            ca_pem: ca_pem.into(),
            tls,
            token: SecretValue::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)),
        })
    }

    /// The authority's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The bearer token of `kubernetes-admin`.
    pub fn token(&self) -> &SecretValue {
        &self.token
    }

    /// A kubeconfig (YAML) for the server at this URL, e.g. `https://127.0.0.1:6443`: one cluster, one user and one
    /// context, which starts in `namespace`. It has the token in it: a file of it is for its user alone.
    pub fn kubeconfig(&self, server: &str, namespace: &str) -> SecretValue {
        kubeconfig::render(self, server, namespace)
    }

    pub(super) fn tls(&self) -> Arc<ServerConfig> {
        self.tls.clone()
    }

    /// For a comparison whose time tells nothing about the token.
    pub(super) fn token_digest(&self) -> [u8; 32] {
        Sha256::digest(self.token.expose()).into()
    }
}
