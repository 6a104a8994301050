//! DELETE of one object and of a collection.

use http::StatusCode;
use serde_json::{Value, json};

use super::endpoints::{Answer, Request};
use super::{answer, list, negotiate};
use crate::object;
use crate::status::ApiError;
use crate::write::{DeleteOptions, Deleted};

impl Request<'_> {
    fn delete_options(&self) -> Result<DeleteOptions, ApiError> {
        let body = match self.body.is_empty() {
            true => Value::Null,
            // A kube-apiserver passes these errors on as they are.
            false => negotiate::body(&self.parts.headers, self.body)
                .map_err(|error| ApiError::unknown(error.to_string()))?,
        };
        let kind = body.get("kind").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "" | "DeleteOptions") {
            let version = body.get("apiVersion").and_then(Value::as_str);
            let version = version.unwrap_or_default();
            let why = format!("no kind {kind:?} is registered for version {version:?}");
            return Err(ApiError::unknown(why));
        }
        self.query.delete_options(&body)
    }

    pub(super) fn delete(&self, name: &str) -> Answer {
        let options = self.delete_options()?;
        let resource = &self.target.resource;
        match self.api.delete(&self.target, &self.key(name), &options)? {
            Deleted::Marked(object) => self.shown(StatusCode::OK, &object),
            // Pods answer with themselves, everything else with a Status.
            Deleted::Gone(object) if resource.qualified() == "pods" => {
                self.shown(StatusCode::OK, &object)
            }
            Deleted::Gone(object) => {
                let mut details = json!({"name": name, "kind": resource.plural()});
                if !resource.group().is_empty() {
                    details["group"] = resource.group().into();
                }
                details["uid"] = object::meta_text(&object.value, "uid").into();
                Ok(answer::json(
                    StatusCode::OK,
                    &json!({
                        "kind": "Status", "apiVersion": "v1", "metadata": {},
                        "status": "Success", "details": details,
                    }),
                ))
            }
        }
    }

    pub(super) fn delete_collection(&self) -> Answer {
        if self.namespace.is_none() && self.target.resource.is_namespaced() {
            return Err(ApiError::method_not_allowed());
        }
        let options = self.delete_options()?;
        let (snapshot, body) = list::selected(self)?;
        for (key, _) in &snapshot.objects {
            match self.api.delete(&self.target, key, &options) {
                Err(error) if error.reason() == "NotFound" => {}
                done => drop(done?),
            }
        }
        Ok(answer::body(body))
    }
}
