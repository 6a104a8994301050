//! The methods on one version: Add, Get, Access, Disable, Enable, Destroy.

use rotaproof_base::SecretValue;

use super::super::checksum::crc32c;
use super::super::error::ApiError;
use super::super::name::Name;
use super::super::proto::{self, VersionState};
use super::super::state::{Payload, Secret, Version};
use super::{Answer, Call, agree, time};
use crate::ServedVersion;

/// The largest payload, in bytes.
const MAX_PAYLOAD: usize = 64 * 1024;
const LATEST: &str = "latest";

pub(super) fn add(
    call: &mut Call<'_>,
    request: proto::AddSecretVersion,
) -> Result<Answer, ApiError> {
    let (name, id) = Name::secret(&request.parent)?;
    call.permit("versions.add", &name, &request.parent)?;
    let Some(payload) = request.payload else {
        return Err(ApiError::invalid("The request must have a payload."));
    };
    if payload.data.len() > MAX_PAYLOAD {
        return Err(ApiError::invalid(format!(
            "The payload of {} bytes exceeds the limit of {MAX_PAYLOAD} bytes.",
            payload.data.len()
        )));
    }
    let crc = crc32c(&payload.data);
    if payload
        .data_crc32c
        .is_some_and(|sent| sent != i64::from(crc))
    {
        return Err(ApiError::invalid(
            "The data_crc32c of the payload does not match its data.",
        ));
    }
    call.secret(&name, id)?;
    let etag = call.store.etag(call.now);
    let version = Version {
        created: call.now,
        enabled: true,
        destroyed: None,
        scheduled: None,
        etag,
        client_checksum: payload.data_crc32c.is_some(),
        payload: Some(Payload {
            fingerprint: call.fingerprinter.of(&payload.data),
            data: SecretValue::new(payload.data),
            crc32c: crc,
        }),
    };
    let missing = call.missing(&name, id);
    let secret = call.store.get_mut(&name, id).ok_or(missing)?;
    secret.versions.push(version);
    let number = secret.newest();
    show(secret, number).map(Answer::Version)
}

pub(super) fn get(call: &mut Call<'_>, request: &proto::Named) -> Result<Answer, ApiError> {
    let (name, id, version) = Name::version(&request.name)?;
    call.permit("versions.get", &name, &request.name)?;
    let number = resolve(call, &name, id, version)?;
    show(call.secret(&name, id)?, number).map(Answer::Version)
}

pub(super) fn access(call: &mut Call<'_>, request: &proto::Named) -> Result<Answer, ApiError> {
    let (name, id, version) = Name::version(&request.name)?;
    call.permit("versions.access", &name, &request.name)?;
    let number = resolve(call, &name, id, version)?;
    let secret = call.secret(&name, id)?;
    let found = version_of(secret, number)?;
    let payload = match &found.payload {
        Some(payload) if found.enabled => payload,
        _ => return Err(wrong_state(secret, number, found.state())),
    };
    let answer = proto::AccessSecretVersionResponse {
        name: secret.version_name(number),
        payload: Some(proto::SecretPayload {
            data: payload.data.expose().to_vec(),
            data_crc32c: Some(i64::from(payload.crc32c)),
        }),
    };
    let shown = ServedVersion {
        secret: id.to_owned(),
        version: number.to_string(),
        value: payload.fingerprint.clone(),
    };
    call.served.versions.push(shown);
    Ok(Answer::Payload(answer))
}

/// EnableSecretVersion and DisableSecretVersion; either one takes a version out of a scheduled destruction.
pub(super) fn set_enabled(
    call: &mut Call<'_>,
    request: &proto::Named,
    enabled: bool,
) -> Result<Answer, ApiError> {
    let permission = if enabled {
        "versions.enable"
    } else {
        "versions.disable"
    };
    change(call, request, permission, |_, version| {
        version.enabled = enabled;
        version.scheduled = None;
    })
}

pub(super) fn destroy(call: &mut Call<'_>, request: &proto::Named) -> Result<Answer, ApiError> {
    let now = call.now;
    change(
        call,
        request,
        "versions.destroy",
        |delay, version| match delay {
            Some(wait) => {
                version.enabled = false;
                version.scheduled = Some(time::after(now, wait));
            }
            None => version.destroy(now),
        },
    )
}

/// Changes a version that is not destroyed, under its etag.
fn change(
    call: &mut Call<'_>,
    request: &proto::Named,
    permission: &str,
    how: impl FnOnce(Option<jiff::SignedDuration>, &mut Version),
) -> Result<Answer, ApiError> {
    let (name, id, version) = Name::version(&request.name)?;
    call.permit(permission, &name, &request.name)?;
    let number = resolve(call, &name, id, version)?;
    let secret = call.secret(&name, id)?;
    let found = version_of(secret, number)?;
    agree(&request.etag, &found.etag, &secret.version_name(number))?;
    if found.state() == VersionState::Destroyed {
        return Err(wrong_state(secret, number, VersionState::Destroyed));
    }
    let etag = call.store.etag(call.now);
    let missing = call.missing(&name, id);
    let secret = call.store.get_mut(&name, id).ok_or(missing)?;
    let delay = secret.destroy_after;
    if let Some(version) = secret.version_mut(number) {
        how(delay, version);
        version.etag = etag;
    }
    show(secret, number).map(Answer::Version)
}

/// The number behind a number, an alias or `latest`: the newest version, whatever its state.
fn resolve(call: &Call<'_>, name: &Name<'_>, id: &str, version: &str) -> Result<u64, ApiError> {
    let Some(secret) = call.store.get(name, id) else {
        let full = call.store.full_name(name, id);
        return Err(ApiError::not_found(if version == LATEST {
            format!("Secret [{full}] not found or has no versions.")
        } else {
            format!("Secret Version [{full}/versions/{version}] not found.")
        }));
    };
    if version == LATEST {
        return match secret.newest() {
            0 => Err(ApiError::not_found(format!(
                "Secret [{}] not found or has no versions.",
                secret.name
            ))),
            newest => Ok(newest),
        };
    }
    let aliased = || {
        let number = secret.aliases.get(version)?;
        u64::try_from(*number).ok()
    };
    version
        .parse()
        .ok()
        .or_else(aliased)
        .filter(|number| secret.version(*number).is_some())
        .ok_or_else(|| {
            ApiError::not_found(format!(
                "Secret Version [{}/versions/{version}] not found.",
                secret.name
            ))
        })
}

fn version_of(secret: &Secret, number: u64) -> Result<&Version, ApiError> {
    secret.version(number).ok_or_else(|| {
        ApiError::not_found(format!(
            "Secret Version [{}] not found.",
            secret.version_name(number)
        ))
    })
}

/// The words that ESO looks for: "DISABLED state", "DESTROYED state".
fn wrong_state(secret: &Secret, number: u64, state: VersionState) -> ApiError {
    ApiError::precondition(format!(
        "Secret Version [{}] is in {} state.",
        secret.version_name(number),
        state.as_str()
    ))
}

/// A version as answers show it.
pub(super) fn show(secret: &Secret, number: u64) -> Result<proto::SecretVersion, ApiError> {
    let version = version_of(secret, number)?;
    Ok(proto::SecretVersion {
        name: secret.version_name(number),
        create_time: Some(time::to_wire(version.created)),
        destroy_time: version.destroyed.map(time::to_wire),
        state: version.state().into(),
        replication_status: secret.replication.clone(),
        etag: version.etag.clone(),
        client_specified_payload_checksum: version.client_checksum,
        scheduled_destroy_time: version.scheduled.map(time::to_wire),
    })
}
