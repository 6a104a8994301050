//! The methods of `SecretManagerService`, and what they share: the call they serve.

mod filter;
mod list;
mod page;
mod secrets;
mod time;
mod update;
mod versions;

use jiff::Timestamp;
use prost::Message;
use rotaproof_base::Fingerprinter;

use super::error::{ApiError, Code};
use super::name::Name;
use super::policy::Principal;
use super::proto;
use super::state::{Secret, Store};
use crate::Served;

pub(super) use time::{from_wire, to_wire};

/// A method with its request, whichever protocol brought it.
pub(super) enum Request {
    ListSecrets(proto::List),
    CreateSecret(proto::CreateSecret),
    AddSecretVersion(proto::AddSecretVersion),
    GetSecret(proto::Named),
    UpdateSecret(proto::UpdateSecret),
    DeleteSecret(proto::Named),
    ListSecretVersions(proto::List),
    GetSecretVersion(proto::Named),
    AccessSecretVersion(proto::Named),
    DisableSecretVersion(proto::Named),
    EnableSecretVersion(proto::Named),
    DestroySecretVersion(proto::Named),
}

/// A method's answer.
pub(super) enum Answer {
    Secrets(proto::ListSecretsResponse),
    Secret(proto::Secret),
    Versions(proto::ListSecretVersionsResponse),
    Version(proto::SecretVersion),
    Payload(proto::AccessSecretVersionResponse),
    Empty,
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Secrets(message) => message.encode_to_vec(),
            Self::Secret(message) => message.encode_to_vec(),
            Self::Versions(message) => message.encode_to_vec(),
            Self::Version(message) => message.encode_to_vec(),
            Self::Payload(message) => message.encode_to_vec(),
            Self::Empty => proto::Empty {}.encode_to_vec(),
        }
    }
}

impl Request {
    /// Reads the message of a gRPC method.
    pub(super) fn read(
        method: &str,
        request: &http::Request<bytes::Bytes>,
    ) -> Result<Self, ApiError> {
        use super::grpc::read;
        Ok(match method {
            "ListSecrets" => Self::ListSecrets(read(request)?),
            "CreateSecret" => Self::CreateSecret(read(request)?),
            "AddSecretVersion" => Self::AddSecretVersion(read(request)?),
            "GetSecret" => Self::GetSecret(read(request)?),
            "UpdateSecret" => Self::UpdateSecret(read(request)?),
            "DeleteSecret" => Self::DeleteSecret(read(request)?),
            "ListSecretVersions" => Self::ListSecretVersions(read(request)?),
            "GetSecretVersion" => Self::GetSecretVersion(read(request)?),
            "AccessSecretVersion" => Self::AccessSecretVersion(read(request)?),
            "DisableSecretVersion" => Self::DisableSecretVersion(read(request)?),
            "EnableSecretVersion" => Self::EnableSecretVersion(read(request)?),
            "DestroySecretVersion" => Self::DestroySecretVersion(read(request)?),
            _ => return Err(ApiError::new(Code::Unimplemented, "Method not found.")),
        })
    }

    /// The method's name.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::ListSecrets(_) => "ListSecrets",
            Self::CreateSecret(_) => "CreateSecret",
            Self::AddSecretVersion(_) => "AddSecretVersion",
            Self::GetSecret(_) => "GetSecret",
            Self::UpdateSecret(_) => "UpdateSecret",
            Self::DeleteSecret(_) => "DeleteSecret",
            Self::ListSecretVersions(_) => "ListSecretVersions",
            Self::GetSecretVersion(_) => "GetSecretVersion",
            Self::AccessSecretVersion(_) => "AccessSecretVersion",
            Self::DisableSecretVersion(_) => "DisableSecretVersion",
            Self::EnableSecretVersion(_) => "EnableSecretVersion",
            Self::DestroySecretVersion(_) => "DestroySecretVersion",
        }
    }

    /// The id of the secret that it means, for the journal.
    pub(super) fn secret(&self) -> Option<String> {
        let name = match self {
            Self::ListSecrets(_) => return None,
            Self::CreateSecret(request) => return Some(request.secret_id.clone()),
            Self::UpdateSecret(request) => &request.secret.as_ref()?.name,
            Self::AddSecretVersion(request) => &request.parent,
            Self::ListSecretVersions(request) => &request.parent,
            Self::GetSecret(request)
            | Self::DeleteSecret(request)
            | Self::GetSecretVersion(request)
            | Self::AccessSecretVersion(request)
            | Self::DisableSecretVersion(request)
            | Self::EnableSecretVersion(request)
            | Self::DestroySecretVersion(request) => &request.name,
        };
        Name::meant(name).map(str::to_owned)
    }
}

/// One call: who asks, of which project, when; and what the journal will say of it.
pub(super) struct Call<'a> {
    pub(super) project: &'a str,
    pub(super) number: &'a str,
    pub(super) store: &'a mut Store,
    pub(super) principal: &'a Principal,
    pub(super) now: Timestamp,
    pub(super) fingerprinter: &'a Fingerprinter,
    pub(super) served: &'a mut Served,
}

/// Runs a method.
pub(super) fn run(call: &mut Call<'_>, request: Request) -> Result<Answer, ApiError> {
    match request {
        Request::ListSecrets(request) => list::secrets(call, &request),
        Request::CreateSecret(request) => secrets::create(call, request),
        Request::AddSecretVersion(request) => versions::add(call, request),
        Request::GetSecret(request) => secrets::get(call, &request),
        Request::UpdateSecret(request) => update::update(call, request),
        Request::DeleteSecret(request) => secrets::delete(call, &request),
        Request::ListSecretVersions(request) => list::versions(call, &request),
        Request::GetSecretVersion(request) => versions::get(call, &request),
        Request::AccessSecretVersion(request) => versions::access(call, &request),
        Request::DisableSecretVersion(request) => versions::set_enabled(call, &request, false),
        Request::EnableSecretVersion(request) => versions::set_enabled(call, &request, true),
        Request::DestroySecretVersion(request) => versions::destroy(call, &request),
    }
}

impl Call<'_> {
    /// Refuses a caller without the permission; `resource` is the name as the request has it. A project that is not
    /// this one is refused alike, as one that the caller cannot see.
    fn permit(&self, permission: &str, name: &Name<'_>, resource: &str) -> Result<(), ApiError> {
        let permission = format!("secretmanager.{permission}");
        let ours = name.project == self.project || name.project == self.number;
        if ours && self.principal.may(&permission, name.secret) {
            return Ok(());
        }
        Err(ApiError::denied(&permission, resource))
    }

    fn missing(&self, name: &Name<'_>, id: &str) -> ApiError {
        let name = self.store.full_name(name, id);
        ApiError::not_found(format!("Secret [{name}] not found."))
    }

    fn secret(&self, name: &Name<'_>, id: &str) -> Result<&Secret, ApiError> {
        self.store
            .get(name, id)
            .ok_or_else(|| self.missing(name, id))
    }
}

/// Refuses a change by somebody who saw another state; an empty etag agrees to any.
fn agree(sent: &str, current: &str, what: &str) -> Result<(), ApiError> {
    if sent.is_empty() || sent == current {
        return Ok(());
    }
    Err(ApiError::precondition(format!(
        "The provided etag [{sent}] does not match the current etag [{current}] of {what}."
    )))
}
