//! AWS's errors: their codes, HTTP statuses and words.

use http::StatusCode;

/// An error of one operation, independent of the protocol that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The front end spells the member `message`, Secrets Manager itself `Message`.
    pub(super) from_front_end: bool,
}

impl ApiError {
    fn new(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
            from_front_end: false,
        }
    }

    fn front_end(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            from_front_end: true,
            ..Self::new(code, status, message)
        }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, StatusCode::FORBIDDEN, message)
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::bad_request("InvalidParameterException", message)
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self::bad_request("InvalidRequestException", message)
    }

    pub(super) fn exists(message: impl Into<String>) -> Self {
        Self::bad_request("ResourceExistsException", message)
    }

    pub(super) fn secret_not_found() -> Self {
        Self::bad_request(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        )
    }

    pub(super) fn value_not_found(what: impl std::fmt::Display) -> Self {
        Self::bad_request(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}"),
        )
    }

    pub(super) fn version_not_found() -> Self {
        Self::bad_request(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret version.",
        )
    }

    pub(super) fn marked_for_deletion() -> Self {
        Self::invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    }

    pub(super) fn validation(member: &str, value: Option<&str>, constraint: &str) -> Self {
        let value = match value {
            Some(value) => format!("Value '{value}'"),
            None => "Value null".into(),
        };
        Self::front_end(
            "ValidationException",
            StatusCode::BAD_REQUEST,
            format!(
                "1 validation error detected: {value} at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }

    /// As [`ApiError::validation`], for a member that AWS never repeats in an error.
    pub(super) fn validation_of_sensitive(member: &str, constraint: &str) -> Self {
        Self::front_end(
            "ValidationException",
            StatusCode::BAD_REQUEST,
            format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }

    pub(super) fn unknown_operation() -> Self {
        Self::front_end("UnknownOperationException", StatusCode::BAD_REQUEST, "")
    }

    pub(super) fn serialization() -> Self {
        Self::front_end("SerializationException", StatusCode::BAD_REQUEST, "")
    }
}

/// Why a request's signature was not accepted. Each protocol has its own codes for these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unauthenticated {
    /// No Authorization header.
    Missing,
    /// A part of the header is missing or malformed.
    Incomplete(String),
    /// No such access key, or not this session token.
    UnknownKey,
    /// The session is over.
    Expired,
    /// The signature, its scope or its date is wrong.
    Mismatch(String),
}

const UNKNOWN_KEY: &str = "The security token included in the request is invalid.";
const EXPIRED: &str = "The security token included in the request is expired";

impl Unauthenticated {
    pub(super) fn in_json(self) -> ApiError {
        let (code, message) = match self {
            Self::Missing => (
                "MissingAuthenticationTokenException",
                "Missing Authentication Token".into(),
            ),
            Self::Incomplete(message) => ("IncompleteSignatureException", message),
            Self::UnknownKey => ("UnrecognizedClientException", UNKNOWN_KEY.into()),
            Self::Expired => ("ExpiredTokenException", EXPIRED.into()),
            Self::Mismatch(message) => ("InvalidSignatureException", message),
        };
        ApiError::front_end(code, StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn in_query(self) -> ApiError {
        match self {
            Self::Missing => ApiError::forbidden(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            Self::Incomplete(message) => ApiError::bad_request("IncompleteSignature", message),
            Self::UnknownKey => ApiError::forbidden("InvalidClientTokenId", UNKNOWN_KEY),
            Self::Expired => ApiError::forbidden("ExpiredToken", EXPIRED),
            Self::Mismatch(message) => ApiError::forbidden("SignatureDoesNotMatch", message),
        }
    }
}
