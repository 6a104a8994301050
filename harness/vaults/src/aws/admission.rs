//! The account's judgement alone, for secrets that lie on another server: who signed a request, and what their
//! policies let them do.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use super::error::{ApiError, Unauthenticated};
use super::policy::{Principal, Resource};
use super::{AwsVault, Service, answer, host, received, secret_name, secret_of, target};
use crate::{Body, Served, Vault, Witness};

/// What became of a request before any secret was looked at.
pub enum Admission {
    /// It is answered, and the journal knows: a refusal, or anything that STS does.
    Answered(Response<Body>),
    /// It may be served from wherever the secrets are.
    Admitted(Caller),
}

/// Somebody whose request of Secrets Manager was admitted.
#[derive(Clone)]
pub struct Caller {
    principal: Principal,
    /// The operation: `GetSecretValue`.
    pub operation: String,
    /// The secret that is asked for, by the name that a scenario gives it.
    pub secret: Option<String>,
}

impl Caller {
    /// Who it is: the ARN of a user or of a role's session.
    pub fn identity(&self) -> &str {
        &self.principal.arn
    }

    /// Whether they may read this secret's value.
    pub fn may_read(&self, arn: &str, name: &str) -> bool {
        let resource = Resource::Secret { arn, name };
        self.principal
            .may("secretsmanager:GetSecretValue", resource)
    }
}

impl AwsVault {
    /// Judges a request as [`Vault::serve`] does, and leaves the secrets to the caller: signature, session and
    /// policies are checked here, STS is answered here.
    pub async fn admit(&self, request: &Request<Bytes>, witness: &dyn Witness) -> Admission {
        let host = host(request).to_ascii_lowercase();
        let Service::SecretsManager(region) = self.service(&host, request) else {
            return Admission::Answered(self.serve(request.clone(), witness).await);
        };
        let Some(operation) = target(request) else {
            return Admission::Answered(self.serve(request.clone(), witness).await);
        };
        let stamp = self.stamp();
        let received = received(request, &host);
        let signer = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state
                .identities
                .authenticate(&received, region, "secretsmanager", stamp.now)
        };
        let secret = secret_of(request.body());
        let principal = signer.as_ref().ok().map(|principal| principal.arn.clone());
        let judged = signer
            .map_err(Unauthenticated::in_json)
            .and_then(|principal| permitted(principal, operation, request));
        match judged {
            Ok(principal) => Admission::Admitted(Caller {
                principal,
                operation: operation.to_owned(),
                secret,
            }),
            Err(error) => {
                witness.record(Served {
                    operation: operation.to_owned(),
                    identity: principal.map(|arn| arn.to_string()),
                    secret,
                    versions: Vec::new(),
                    refusal: Some(error.code.to_owned()),
                });
                Admission::Answered(answer::json(stamp, Err(error)))
            }
        }
    }
}

/// Whether the identity policies allow an operation on what the request names.
fn permitted(
    principal: Principal,
    operation: &str,
    request: &Request<Bytes>,
) -> Result<Principal, ApiError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        secret_id: Option<String>,
        name: Option<String>,
    }
    let named: Option<Named> = serde_json::from_slice(request.body()).ok();
    let id = named.and_then(|named| named.secret_id.or(named.name));
    let resource = match &id {
        Some(id) => Resource::Secret {
            arn: id,
            name: secret_name(id),
        },
        None => Resource::Any,
    };
    let action = format!("secretsmanager:{operation}");
    if principal.may(&action, resource) {
        return Ok(principal);
    }
    let on = id.map(|id| format!(" on resource: {id}"));
    let user: Arc<str> = principal.arn;
    Err(ApiError::bad_request(
        "AccessDeniedException",
        format!(
            "User: {user} is not authorized to perform: {action}{} because no identity-based policy allows the {action} action",
            on.unwrap_or_default()
        ),
    ))
}
