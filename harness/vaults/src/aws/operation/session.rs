//! What AssumeRole and AssumeRoleWithWebIdentity have in common: checks of the request, and the answer's parts.

use http::StatusCode;

use super::super::error::ApiError;
use super::super::identities::Issued;
use super::super::xml::escape;
use super::StsCall;

/// The default `MaxSessionDuration` of a role.
const ROLE_LIMIT: i64 = 3600;

/// STS's `ValidationError`.
pub(super) fn invalid(member: &str, value: Option<&str>, constraint: &str) -> ApiError {
    ApiError {
        code: "ValidationError",
        ..ApiError::validation(member, value, constraint)
    }
}

/// Checks `RoleArn`, and returns it.
pub(super) fn role_arn<'a>(call: &'a StsCall<'_>) -> Result<&'a str, ApiError> {
    let arn = call.required("RoleArn", "roleArn")?;
    if arn.len() < 20 {
        return Err(invalid(
            "roleArn",
            Some(arn),
            "Member must have length greater than or equal to 20",
        ));
    }
    let mut parts = arn.splitn(6, ':');
    let form = [parts.next(), parts.next(), parts.next(), parts.next()];
    let account = parts.next().unwrap_or_default();
    let is_role = parts.next().is_some_and(|name| name.starts_with("role/"));
    let is_iam = form == [Some("arn"), Some("aws"), Some("iam"), Some("")];
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if is_iam && is_account && is_role {
        return Ok(arn);
    }
    Err(ApiError {
        code: "ValidationError",
        status: StatusCode::BAD_REQUEST,
        message: format!("{arn} is invalid"),
        from_front_end: false,
    })
}

/// Checks `RoleSessionName`, and returns it.
pub(super) fn name<'a>(call: &'a StsCall<'_>) -> Result<&'a str, ApiError> {
    let name = call.required("RoleSessionName", "roleSessionName")?;
    let member = "roleSessionName";
    match name.len() {
        ..2 => Err(invalid(
            member,
            Some(name),
            "Member must have length greater than or equal to 2",
        )),
        65.. => Err(invalid(
            member,
            Some(name),
            "Member must have length less than or equal to 64",
        )),
        _ if name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)) =>
        {
            Ok(name)
        }
        _ => Err(invalid(
            member,
            Some(name),
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        )),
    }
}

/// Checks `DurationSeconds`, and returns it.
pub(super) fn seconds(call: &StsCall<'_>) -> Result<i64, ApiError> {
    let Some(text) = call.form.get("DurationSeconds") else {
        return Ok(ROLE_LIMIT);
    };
    let member = "durationSeconds";
    match text.parse::<i64>() {
        Ok(..900) => Err(invalid(
            member,
            Some(text),
            "Member must have value greater than or equal to 900",
        )),
        Ok(900..=ROLE_LIMIT) => Ok(text.parse().unwrap_or(ROLE_LIMIT)),
        Ok(43_201..) => Err(invalid(
            member,
            Some(text),
            "Member must have value less than or equal to 43200",
        )),
        Ok(_) => Err(ApiError {
            code: "ValidationError",
            status: StatusCode::BAD_REQUEST,
            message:
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                    .into(),
            from_front_end: false,
        }),
        Err(_) => Err(ApiError::bad_request("MalformedInput", "")),
    }
}

/// `<Credentials>` and `<AssumedRoleUser>`.
pub(super) fn parts(issued: &Issued) -> String {
    let text = |value: &rotaproof_base::SecretValue| escape(value.expose_str().unwrap_or_default());
    let token = issued
        .credentials
        .session_token
        .as_ref()
        .map(text)
        .unwrap_or_default();
    format!(
        "<AssumedRoleUser><AssumedRoleId>{id}</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>",
        id = escape(&issued.principal.id),
        arn = escape(&issued.principal.arn),
        key = issued.credentials.access_key_id,
        secret = text(&issued.credentials.secret_access_key),
        expires = issued.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
}
