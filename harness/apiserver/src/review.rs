//! Reviews: objects that are posted to ask something, and never stored.

use serde_json::{Value, json};

use crate::identity::User;
use crate::server::Inner;
use crate::status::ApiError;
use crate::token;

pub(crate) const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// Why everything is allowed.
const REASON: &str = "RBAC is not enforced by this API server";

/// A kind of review; all are `v1` and can only be created.
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
    answer: fn(&Inner, Option<&User>, &Value) -> Result<Value, ApiError>,
}

/// The members of the answer beside its kind: `spec` and `status`.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        group: AUTHENTICATION,
        plural: "selfsubjectreviews",
        kind: "SelfSubjectReview",
        namespaced: false,
        answer: who_am_i,
    },
    Kind {
        group: AUTHENTICATION,
        plural: "tokenreviews",
        kind: "TokenReview",
        namespaced: false,
        answer: |api, _, body| token::review(api, body),
    },
    Kind {
        group: AUTHORIZATION,
        plural: "localsubjectaccessreviews",
        kind: "LocalSubjectAccessReview",
        namespaced: true,
        answer: allowed,
    },
    Kind {
        group: AUTHORIZATION,
        plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
        namespaced: false,
        answer: allowed,
    },
    Kind {
        group: AUTHORIZATION,
        plural: "selfsubjectrulesreviews",
        kind: "SelfSubjectRulesReview",
        namespaced: false,
        answer: all_rules,
    },
    Kind {
        group: AUTHORIZATION,
        plural: "subjectaccessreviews",
        kind: "SubjectAccessReview",
        namespaced: false,
        answer: allowed,
    },
];

impl Kind {
    pub(crate) fn find(
        group: &str,
        version: &str,
        plural: &str,
        namespaced: bool,
    ) -> Option<&'static Self> {
        KINDS.iter().find(|kind| {
            version == "v1"
                && kind.group == group
                && kind.plural == plural
                && kind.namespaced == namespaced
        })
    }

    /// The reviewed object.
    pub(crate) fn answer(
        &self,
        api: &Inner,
        user: Option<&User>,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let kind = body.get("kind").and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != self.kind) {
            let message = format!("the request body is not a {}", self.kind);
            return Err(ApiError::bad_request(message));
        }
        let mut review =
            json!({"kind": self.kind, "apiVersion": format!("{}/v1", self.group), "metadata": {}});
        let answer = (self.answer)(api, user, body)?;
        for member in ["spec", "status"] {
            if let Some(value) = answer.get(member) {
                review[member] = value.clone();
            }
        }
        Ok(review)
    }
}

fn who_am_i(_: &Inner, user: Option<&User>, _: &Value) -> Result<Value, ApiError> {
    let user = user.ok_or_else(|| ApiError::bad_request("no user present on request"))?;
    Ok(json!({"status": {"userInfo": user.to_value()}}))
}

fn allowed(_: &Inner, _: Option<&User>, body: &Value) -> Result<Value, ApiError> {
    Ok(json!({"spec": body.get("spec"), "status": {"allowed": true, "reason": REASON}}))
}

fn all_rules(_: &Inner, _: Option<&User>, body: &Value) -> Result<Value, ApiError> {
    Ok(json!({"spec": body.get("spec"), "status": {
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": false,
    }}))
}
