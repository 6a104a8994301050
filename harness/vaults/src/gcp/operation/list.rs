//! ListSecrets and ListSecretVersions.

use super::super::error::ApiError;
use super::super::name::Name;
use super::super::proto;
use super::filter::Filter;
use super::{Answer, Call, page, secrets, versions};

pub(super) fn secrets(call: &mut Call<'_>, request: &proto::List) -> Result<Answer, ApiError> {
    let parent = Name::parent(&request.parent)?;
    call.permit("secrets.list", &parent, &request.parent)?;
    let filter = Filter::parse(&request.filter)?;
    let mut found = call.store.newest_first(parent.location);
    let mut outcome = Ok(());
    found.retain(|secret| {
        filter
            .matches(|field| match field.split_once('.') {
                Some(("labels", key)) => Some(secret.labels.get(key).cloned()),
                Some(("annotations", key)) => Some(secret.annotations.get(key).cloned()),
                None if field == "name" => Some(Some(secret.id.clone())),
                _ => None,
            })
            .unwrap_or_else(|error| {
                outcome = Err(error);
                false
            })
    });
    outcome?;
    let (page, next_page_token, total_size) = page::cut(request, found, |secret| secret.serial)?;
    Ok(Answer::Secrets(proto::ListSecretsResponse {
        secrets: page.into_iter().map(secrets::show).collect(),
        next_page_token,
        total_size,
    }))
}

pub(super) fn versions(call: &mut Call<'_>, request: &proto::List) -> Result<Answer, ApiError> {
    let (name, id) = Name::secret(&request.parent)?;
    call.permit("versions.list", &name, &request.parent)?;
    let filter = Filter::parse(&request.filter)?;
    let secret = call.secret(&name, id)?;
    let mut found = Vec::new();
    for number in (1..=secret.newest()).rev() {
        let Some(version) = secret.version(number) else {
            continue;
        };
        let matches = filter.matches(|field| match field {
            "state" => Some(Some(version.state().as_str().to_owned())),
            "name" => Some(Some(number.to_string())),
            _ => None,
        })?;
        if matches {
            found.push(number);
        }
    }
    let (page, next_page_token, total_size) = page::cut(request, found, |number| *number)?;
    let versions: Result<Vec<_>, _> = page
        .into_iter()
        .map(|number| versions::show(secret, number))
        .collect();
    Ok(Answer::Versions(proto::ListSecretVersionsResponse {
        versions: versions?,
        next_page_token,
        total_size,
    }))
}
