//! The operations, one file each, and what they share: the call they serve.

mod assume_role;
mod assume_role_with_web_identity;
mod batch_get_secret_value;
mod create_secret;
mod delete_secret;
mod describe_secret;
mod filters;
mod get_caller_identity;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod page;
mod put_secret_value;
mod restore_secret;
mod session;
mod tag_resource;
mod untag_resource;
mod update_secret;
mod update_secret_version_stage;
mod value;

use indexmap::IndexMap;
use jiff::Timestamp;
use rotaproof_base::jwt::Verifier;
use rotaproof_base::{Clock, Entropy, Fingerprinter};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{ApiError, Unauthenticated};
use super::identities::Identities;
use super::policy::{Principal, Resource};
use super::state::{Region, Secret};
use crate::{Served, ServedVersion};

/// One Secrets Manager request: who asks, of which secrets, when; and what the journal will say of it.
pub(super) struct Call<'a> {
    pub(super) region: &'a mut Region,
    pub(super) principal: &'a Principal,
    pub(super) now: Timestamp,
    pub(super) entropy: &'a Entropy,
    pub(super) fingerprinter: &'a Fingerprinter,
    pub(super) served: &'a mut Served,
}

type Answer = Result<Value, ApiError>;

/// Runs the operation of `X-Amz-Target: secretsmanager.<name>`.
pub(super) fn run(call: &mut Call<'_>, name: &str, body: &[u8]) -> Answer {
    fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
        // serde's own words could repeat a value.
        serde_json::from_slice(body).map_err(|_| ApiError::serialization())
    }
    match name {
        "BatchGetSecretValue" => batch_get_secret_value::run(call, read(body)?),
        "CreateSecret" => create_secret::run(call, read(body)?),
        "DeleteSecret" => delete_secret::run(call, read(body)?),
        "DescribeSecret" => describe_secret::run(call, read(body)?),
        "GetSecretValue" => get_secret_value::run(call, read(body)?),
        "ListSecretVersionIds" => list_secret_version_ids::run(call, read(body)?),
        "ListSecrets" => list_secrets::run(call, read(body)?),
        "PutSecretValue" => put_secret_value::run(call, read(body)?),
        "RestoreSecret" => restore_secret::run(call, read(body)?),
        "TagResource" => tag_resource::run(call, read(body)?),
        "UntagResource" => untag_resource::run(call, read(body)?),
        "UpdateSecret" => update_secret::run(call, read(body)?),
        "UpdateSecretVersionStage" => update_secret_version_stage::run(call, read(body)?),
        _ => Err(ApiError::unknown_operation()),
    }
}

impl Call<'_> {
    /// Finds the secret that a request names, if the caller may do `action` to it, and returns its name.
    fn authorize(&mut self, action: &str, id: Option<&str>) -> Result<String, ApiError> {
        let id = match id {
            None => {
                return Err(ApiError::validation(
                    "secretId",
                    None,
                    "Member must not be null",
                ));
            }
            Some("") => {
                return Err(ApiError::validation(
                    "secretId",
                    Some(""),
                    "Member must have length greater than or equal to 1",
                ));
            }
            Some(id) => id,
        };
        let found = self.region.get(id).map(|s| (s.arn.clone(), s.name.clone()));
        let Some((arn, name)) = found else {
            self.served.secret = Some(super::secret_name(id).to_owned());
            self.permit(action, Resource::Named(id))?;
            return Err(ApiError::secret_not_found());
        };
        self.served.secret = Some(name.clone());
        self.permit(
            action,
            Resource::Secret {
                arn: &arn,
                name: &name,
            },
        )?;
        Ok(name)
    }

    /// As [`Call::authorize`], and refuses a secret that is marked for deletion.
    fn authorize_live(&mut self, action: &str, id: Option<&str>) -> Result<String, ApiError> {
        let name = self.authorize(action, id)?;
        if self.secret(&name)?.is_deleted() {
            return Err(ApiError::marked_for_deletion());
        }
        Ok(name)
    }

    fn permit(&self, action: &str, resource: Resource<'_>) -> Result<(), ApiError> {
        let action = format!("secretsmanager:{action}");
        if self.principal.may(&action, resource) {
            return Ok(());
        }
        let on = match resource {
            Resource::Any => String::new(),
            Resource::Secret { arn, .. } => format!(" on resource: {arn}"),
            Resource::Named(name) => format!(" on resource: {name}"),
        };
        Err(ApiError::bad_request(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: {action}{on} because no identity-based policy allows the {action} action",
                self.principal.arn
            ),
        ))
    }

    fn secret(&self, name: &str) -> Result<&Secret, ApiError> {
        self.region.get(name).ok_or_else(ApiError::secret_not_found)
    }

    fn secret_mut(&mut self, name: &str) -> Result<&mut Secret, ApiError> {
        self.region
            .get_mut(name)
            .ok_or_else(ApiError::secret_not_found)
    }

    /// Reads a version's value: marks the read, and notes for the journal that the answer carries it.
    fn reveal(&mut self, name: &str, version: &str) -> Answer {
        let now = self.now;
        let secret = self.secret_mut(name)?;
        secret.touch(version, now);
        let found = secret
            .versions
            .get(version)
            .ok_or_else(ApiError::version_not_found)?;
        let mut entry = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version,
            "VersionStages": found.stages,
            "CreatedDate": seconds(found.created),
        });
        value::show(&mut entry, &found.body);
        let shown = ServedVersion {
            secret: name.to_owned(),
            version: version.to_owned(),
            value: found.fingerprint.clone(),
        };
        self.served.versions.push(shown);
        Ok(entry)
    }
}

/// A time as JSON 1.1 carries it: seconds since the epoch, with milliseconds.
fn seconds(time: Timestamp) -> f64 {
    // Milliseconds of this millennium are exact in an f64.
    time.as_millisecond() as f64 / 1000.0
}

/// A tag as AWS writes it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

fn tags(tags: &IndexMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// One STS request, as a form.
pub(super) struct StsCall<'a> {
    pub(super) form: &'a IndexMap<String, String>,
    pub(super) account: &'a str,
    pub(super) identities: &'a mut Identities,
    pub(super) verifier: &'a Verifier,
    pub(super) clock: &'a Clock,
    pub(super) now: Timestamp,
    /// Who signed it, if anyone did.
    pub(super) signer: Result<Principal, Unauthenticated>,
    pub(super) served: &'a mut Served,
}

impl StsCall<'_> {
    /// A parameter of the form that may not be absent.
    fn required(&self, parameter: &str, member: &str) -> Result<&str, ApiError> {
        self.form
            .get(parameter)
            .map(String::as_str)
            .ok_or_else(|| session::invalid(member, None, "Member must not be null"))
    }

    /// The signer, or the refusal of an unsigned or wrongly signed request.
    fn signer(&mut self) -> Result<Principal, ApiError> {
        let signer = self.signer.clone().map_err(Unauthenticated::in_query)?;
        self.served.identity = Some(signer.arn.to_string());
        Ok(signer)
    }
}

/// Runs an STS action and returns the XML inside `<ActionResult>`.
pub(super) fn run_sts(call: &mut StsCall<'_>, action: &str) -> Result<String, ApiError> {
    match action {
        "AssumeRole" => assume_role::run(call),
        "AssumeRoleWithWebIdentity" => assume_role_with_web_identity::run(call),
        "GetCallerIdentity" => get_caller_identity::run(call),
        _ => Err(ApiError::bad_request(
            "InvalidAction",
            format!("Could not find operation {action} for version 2011-06-15"),
        )),
    }
}
