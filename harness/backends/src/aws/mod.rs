//! AWS Secrets Manager on LocalStack: our account's judgement in front, LocalStack's secrets behind.

mod answer;
mod reset;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use rotaproof_base::Fingerprinter;
use rotaproof_vaults::aws::{Admission, AwsConfig, AwsVault, Credentials};
use rotaproof_vaults::{Body, HostPattern, Vault, VaultKind, Witness, buffered};
use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use crate::Error;
use crate::container::Container;
use crate::forward::{self, Order, Testimony, Upstream};

/// One AWS account whose secrets lie in LocalStack.
///
/// LocalStack checks neither signatures nor policies and lets anybody assume any role; so STS, signatures, sessions
/// and identity policies are the built-in vault's, and only what they admit is sent on.
pub struct LocalStackVault {
    account: AwsVault,
    administrator: Credentials,
    authorization: HeaderValue,
    fingerprinter: Fingerprinter,
    upstream: Upstream,
    order: Order,
    container: Arc<Container>,
    _held: OwnedMutexGuard<()>,
}

impl LocalStackVault {
    pub(crate) async fn start(
        container: Arc<Container>,
        config: AwsConfig,
        answer_within: Duration,
        held: OwnedMutexGuard<()>,
    ) -> Result<Self, Error> {
        let upstream = Upstream::new(&container, &config.clock, answer_within)?;
        let authorization = authorization(&config.account, &config.region)
            .map_err(|error| upstream.refused("take the account", error.to_string()))?;
        reset::empty(&upstream, &authorization).await?;
        let fingerprinter = config.fingerprinter.clone();
        let account = AwsVault::new(config);
        Ok(Self {
            administrator: account.administrator(),
            account,
            authorization,
            fingerprinter,
            upstream,
            order: Order::default(),
            container,
            _held: held,
        })
    }

    /// The key of a user who may do everything, for the harness' own writer.
    pub fn administrator(&self) -> Credentials {
        self.administrator.clone()
    }

    /// Nothing where LocalStack's container runs; else why not, with its last lines.
    pub async fn check(&self) -> Result<(), Error> {
        self.container.check().await
    }
}

/// LocalStack takes account and region from the credential's scope, and does not look at the signature.
fn authorization(account: &str, region: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "AWS4-HMAC-SHA256 Credential={account}/20200101/{region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
    ))
}

#[async_trait]
impl Vault for LocalStackVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AwsSecretsManager
    }

    fn hosts(&self) -> Vec<HostPattern> {
        self.account.hosts()
    }

    fn describe(&self, request: &Request<Bytes>) -> (String, Option<String>) {
        self.account.describe(request)
    }

    async fn serve(&self, mut request: Request<Bytes>, witness: &dyn Witness) -> Response<Body> {
        let caller = match self.account.admit(&request, witness).await {
            Admission::Answered(answer) => return answer,
            Admission::Admitted(caller) => caller,
        };
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.remove("x-amz-security-token");
        let testimony = Testimony::begin(
            witness,
            caller.operation.clone(),
            caller.secret.clone(),
            Some(caller.identity().to_owned()),
        );
        let _turn = self.order.turn(reads(&caller.operation)).await;
        match self.upstream.forward(request).await {
            Ok(answer) => {
                let answer = answer::permitted(answer, &caller);
                let (versions, refusal) =
                    answer::read(&answer, &caller.operation, &self.fingerprinter);
                testimony.give(versions, refusal);
                forward::answer(answer)
            }
            Err(error) => {
                let text = error.to_string();
                testimony.give(Vec::new(), Some(text.clone()));
                no_answer(&text)
            }
        }
    }
}

fn reads(operation: &str) -> bool {
    ["Get", "BatchGet", "Describe", "List"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// As AWS answers where something of its own is broken.
fn no_answer(message: &str) -> Response<Body> {
    let body = json!({"__type": "InternalServiceError", "Message": message});
    let mut response = Response::new(buffered(body.to_string()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/x-amz-json-1.1");
    headers.insert(header::CONTENT_TYPE, kind);
    let error = HeaderValue::from_static("InternalServiceError");
    headers.insert("x-amzn-errortype", error);
    response
}
