//! Google's errors: a canonical code with its message and, where clients read it, an `ErrorInfo`.

use std::collections::BTreeMap;

use http::StatusCode;
use prost::Message;
use serde_json::{Value, json};

use super::proto::{Any, ErrorInfo, RpcStatus};

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// The canonical codes in use (`google/rpc/code.proto`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument = 3,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unauthenticated = 16,
}

impl Code {
    /// As REST answers and journals spell it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The HTTP status of a REST answer, as `code.proto` maps it.
    pub(super) fn http(self) -> StatusCode {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists => StatusCode::CONFLICT,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
        }
    }
}

/// An error of one operation, whichever protocol carries it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    pub(super) code: Code,
    pub(super) message: String,
    info: Option<Box<ErrorInfo>>,
}

impl ApiError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            info: None,
        }
    }

    fn with_info(mut self, reason: &str, domain: &str, metadata: &[(&str, &str)]) -> Self {
        let text = |text: &str| text.to_owned();
        self.info = Some(Box::new(ErrorInfo {
            reason: text(reason),
            domain: text(domain),
            metadata: metadata.iter().map(|(k, v)| (text(k), text(v))).collect(),
        }));
        self
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(super) fn precondition(message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// A permission that no role of the caller has on the resource, as the request names it.
    pub(super) fn denied(permission: &str, resource: &str) -> Self {
        Self::new(
            Code::PermissionDenied,
            format!(
                "Permission '{permission}' denied for resource '{resource}' (or it may not exist)."
            ),
        )
        .with_info(
            "IAM_PERMISSION_DENIED",
            "iam.googleapis.com",
            &[("permission", permission), ("resource", resource)],
        )
    }

    /// What IAM says where a service account does not trust the caller, or is not there.
    pub(super) fn no_access_token() -> Self {
        const PERMISSION: &str = "iam.serviceAccounts.getAccessToken";
        Self::new(
            Code::PermissionDenied,
            format!("Permission '{PERMISSION}' denied on resource (or it may not exist)."),
        )
        .with_info(
            "IAM_PERMISSION_DENIED",
            "iam.googleapis.com",
            &[("permission", PERMISSION)],
        )
    }

    /// No credentials at all.
    pub(super) fn missing_credentials(service: &str) -> Self {
        Self::unauthenticated("is missing required", "CREDENTIALS_MISSING", service)
    }

    /// A token that is garbage, revoked or expired: the message is the same.
    pub(super) fn bad_credentials(service: &str) -> Self {
        Self::unauthenticated("had invalid", "ACCESS_TOKEN_TYPE_UNSUPPORTED", service)
    }

    fn unauthenticated(what: &str, reason: &str, service: &str) -> Self {
        // "is missing required ... credential", "had invalid ... credentials".
        let plural = if what.starts_with("had") { "s" } else { "" };
        Self::new(
            Code::Unauthenticated,
            format!(
                "Request {what} authentication credential{plural}. Expected OAuth 2 access token, login cookie or \
                 other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
            ),
        )
        .with_info(reason, "googleapis.com", &[("service", service)])
    }

    /// `grpc-status-details-bin`, where there is more than code and message.
    pub(super) fn details(&self) -> Option<Vec<u8>> {
        let info = self.info.as_ref()?;
        let status = RpcStatus {
            code: self.code as i32,
            message: self.message.clone(),
            details: vec![Any {
                type_url: ERROR_INFO.to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        Some(status.encode_to_vec())
    }

    /// The body of a REST answer.
    pub(super) fn json(&self) -> Value {
        let mut error = json!({
            "code": self.code.http().as_u16(),
            "message": self.message,
            "status": self.code.as_str(),
        });
        if let Some(info) = &self.info {
            let metadata: &BTreeMap<String, String> = &info.metadata;
            error["details"] = json!([{
                "@type": ERROR_INFO, "reason": info.reason, "domain": info.domain, "metadata": metadata,
            }]);
        }
        json!({ "error": error })
    }
}
