//! CreateSecret, GetSecret, DeleteSecret.

use jiff::SignedDuration;

use super::super::error::{ApiError, Code};
use super::super::name::Name;
use super::super::proto;
use super::super::state::Secret;
use super::{Answer, Call, agree, time, update};

/// The longest time that a duration of the API may have: a hundred years, in seconds.
pub(super) const FOREVER: i64 = 3_153_600_000;
/// A day: the shortest delay of a destruction; and a thousand of them, the longest.
const DAY: i64 = 86_400;

pub(super) fn create(
    call: &mut Call<'_>,
    request: proto::CreateSecret,
) -> Result<Answer, ApiError> {
    let parent = Name::parent(&request.parent)?;
    call.served.secret = Some(request.secret_id.clone());
    call.permit("secrets.create", &parent, &request.parent)?;
    let id = request.secret_id;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > 255 || !id.bytes().all(legal) {
        return Err(ApiError::invalid(format!(
            "The provided Secret ID [{id}] does not match the expected format [[a-zA-Z_0-9\\-]+]"
        )));
    }
    let sent = request.secret.unwrap_or_default();
    replication(&sent, parent.location)?;
    update::check(&sent)?;
    let name = call.store.full_name(&parent, &id);
    if call.store.get(&parent, &id).is_some() {
        return Err(ApiError::new(
            Code::AlreadyExists,
            format!("Secret [{name}] already exists."),
        ));
    }
    let secret = Secret {
        name,
        id,
        serial: call.store.next_serial(),
        replication: sent.replication.clone(),
        created: call.now,
        expires: update::expiry(call.now, &sent)?,
        destroy_after: destroy_after(&sent)?,
        labels: sent.labels,
        annotations: sent.annotations,
        topics: sent.topics,
        rotation: sent.rotation,
        aliases: sent.version_aliases,
        etag: call.store.etag(call.now),
        versions: Vec::new(),
    };
    if let Some((alias, number)) = secret.aliases.iter().next() {
        return Err(ApiError::invalid(format!(
            "The alias [{alias}] names version {number}, which does not exist."
        )));
    }
    let shown = show(&secret);
    call.store.insert(&parent, secret);
    Ok(Answer::Secret(shown))
}

/// A global secret says where it is replicated; a regional one cannot.
fn replication(sent: &proto::Secret, location: Option<&str>) -> Result<(), ApiError> {
    let replication = sent.replication.clone().unwrap_or_default();
    match (location, replication.automatic, replication.user_managed) {
        (Some(_), None, None) | (None, Some(_), None) => Ok(()),
        (None, None, Some(managed)) if !managed.replicas.is_empty() => Ok(()),
        (None, None, Some(_)) => Err(ApiError::invalid(
            "A user-managed replication policy must name at least one replica.",
        )),
        (None, ..) => Err(ApiError::invalid(
            "The secret must have exactly one replication policy: automatic or user_managed.",
        )),
        (Some(_), ..) => Err(ApiError::invalid(
            "A regional secret cannot have a replication policy.",
        )),
    }
}

pub(super) fn destroy_after(sent: &proto::Secret) -> Result<Option<SignedDuration>, ApiError> {
    let ttl = sent.version_destroy_ttl.as_ref();
    ttl.map(|ttl| time::duration(ttl, "version_destroy_ttl", DAY..=1000 * DAY))
        .transpose()
}

pub(super) fn get(call: &mut Call<'_>, request: &proto::Named) -> Result<Answer, ApiError> {
    let (name, id) = Name::secret(&request.name)?;
    call.permit("secrets.get", &name, &request.name)?;
    Ok(Answer::Secret(show(call.secret(&name, id)?)))
}

pub(super) fn delete(call: &mut Call<'_>, request: &proto::Named) -> Result<Answer, ApiError> {
    let (name, id) = Name::secret(&request.name)?;
    call.permit("secrets.delete", &name, &request.name)?;
    let secret = call.secret(&name, id)?;
    agree(&request.etag, &secret.etag, &secret.name)?;
    call.store.remove(&name, id);
    Ok(Answer::Empty)
}

/// A secret as answers show it.
pub(super) fn show(secret: &Secret) -> proto::Secret {
    proto::Secret {
        name: secret.name.clone(),
        replication: secret.replication.clone(),
        create_time: Some(time::to_wire(secret.created)),
        labels: secret.labels.clone(),
        topics: secret.topics.clone(),
        expire_time: secret.expires.map(time::to_wire),
        ttl: None,
        etag: secret.etag.clone(),
        rotation: secret.rotation.clone(),
        version_aliases: secret.aliases.clone(),
        annotations: secret.annotations.clone(),
        version_destroy_ttl: secret.destroy_after.map(|wait| proto::Duration {
            seconds: wait.as_secs(),
            nanos: 0,
        }),
    }
}
