//! The keys of a cluster's service account tokens.

use kube::Client;
use rotaproof_base::jwt::Verifier;
use serde_json::Value;

use crate::Error;

/// The keys of a cluster's service account tokens.
pub(crate) struct Keys {
    pub(crate) issuer: String,
    pub(crate) jwks: Value,
}

impl Keys {
    /// Asks the cluster for them.
    pub(crate) async fn ask(client: &Client) -> Result<Self, Error> {
        let get = async |path: &str| -> Result<Value, Error> {
            let part = "the cluster's service account keys";
            let request = http::Request::get(path)
                .body(Vec::new())
                .map_err(Error::starting(part))?;
            client.request(request).await.map_err(Error::starting(part))
        };
        let discovery = get("/.well-known/openid-configuration").await?;
        let issuer = discovery["issuer"].as_str().unwrap_or_default().to_owned();
        let jwks = get("/openid/v1/jwks").await?;
        Ok(Self { issuer, jwks })
    }

    /// Who knows their tokens.
    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::from_jwks(&self.issuer, &self.jwks)
    }
}
