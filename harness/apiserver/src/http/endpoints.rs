//! From a request to its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::Value;

use super::discovery::{self, Discovery};
use super::negotiate::{self, Form};
use super::query::Query;
use super::route::{ObjectRoute, Route};
use super::table::Table;
use super::{ApiBody, answer, duplicates, list, log, openapi, watch};
use crate::identity::User;
use crate::openapi::GroupVersion;
use crate::resource::Resource;
use crate::review;
use crate::schema::{FieldError, FieldErrorReason};
use crate::server::Inner;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::token;
use crate::write::{Edit, FieldValidation, Part, PatchType, Target, WriteOptions, Written};

pub(super) type Answer = Result<Response<ApiBody>, ApiError>;

pub(super) fn answer(api: &Arc<Inner>, parts: &Parts, body: &Bytes) -> Answer {
    let route = Route::parse(parts.uri.path());
    if let Route::Object(route) = route {
        return object(api, parts, body, &route);
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(match route {
            Route::Unknown => ApiError::no_such_path(),
            _ => ApiError::method_not_allowed(),
        });
    }
    let discovery = || Discovery::of(&api.registry);
    let document = match route {
        Route::Health => return Ok(health(parts)),
        Route::Version => discovery::version(),
        Route::Root => discovery().paths(),
        Route::CoreVersions => match discovery::edition(&parts.headers) {
            Some(edition) => {
                let document = discovery().aggregated_core(edition);
                return Ok(kept(parts, edition.media_type(), &document));
            }
            None => discovery().core_versions(),
        },
        Route::Groups => match discovery::edition(&parts.headers) {
            Some(edition) => {
                let document = discovery().aggregated_groups(edition);
                return Ok(kept(parts, edition.media_type(), &document));
            }
            None => discovery().group_list(),
        },
        Route::Group(group) => discovery().group(&group)?,
        Route::Resources { group, version } => discovery().resource_list(&group, &version)?,
        Route::OpenApiV2 => return openapi::v2(api, parts),
        Route::OpenApiIndex => api.openapi.index(&api.registry),
        Route::OpenApiV3 { group, version } => {
            return openapi::v3(api, parts, &GroupVersion { group, version });
        }
        Route::OpenId => token::openid_configuration(&api.issuer),
        Route::Jwks => api.issuer.jwks().clone(),
        Route::Object(_) | Route::Unknown => return Err(ApiError::no_such_path()),
    };
    Ok(kept(parts, "application/json", &document))
}

fn kept(parts: &Parts, content_type: &'static str, document: &Value) -> Response<ApiBody> {
    let body = Bytes::from(document.to_string());
    answer::cacheable(&parts.headers, content_type, body)
}

fn health(parts: &Parts) -> Response<ApiBody> {
    let path = parts.uri.path();
    let check = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let text = match Query::of(parts).names("verbose") {
        true => format!("[+]ping ok\n{check} check passed\n"),
        false => "ok".to_owned(),
    };
    answer::bytes(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        Bytes::from(text),
    )
}

fn object(api: &Arc<Inner>, parts: &Parts, body: &Bytes, route: &ObjectRoute) -> Answer {
    let namespaced = route.namespace.is_some();
    if let Some(kind) = review::Kind::find(&route.group, &route.version, &route.plural, namespaced)
    {
        return reviewed(api, parts, body, route, kind);
    }
    let resource = api
        .registry
        .get(&route.group, &route.plural)
        .ok_or_else(|| unserved(api, route))?;
    let version = resource
        .served(&route.version)
        .cloned()
        .ok_or_else(|| unserved(api, route))?;
    let scope_fits = match &route.namespace {
        Some(_) => resource.is_namespaced(),
        // Without a namespace, only the collection of all namespaces has a meaning.
        None => !resource.is_namespaced() || route.name.is_none(),
    };
    if !scope_fits {
        return Err(ApiError::unknown_resource());
    }
    let target = Target { resource, version };
    let request = Request {
        api,
        parts,
        body,
        query: Query::of(parts),
        target,
        namespace: route.namespace.clone(),
    };
    let deprecation = request.target.version.deprecation.clone();
    let answer = request.routed(route);
    // A refusal is warned of as well.
    Ok(answer::with_warnings(
        answer.unwrap_or_else(|error| answer::status(&error)),
        deprecation.as_slice(),
    ))
}

/// A resource that is not served: the server of the built-in groups says so; nobody answers for others.
fn unserved(api: &Inner, route: &ObjectRoute) -> ApiError {
    let (group, version) = (route.group.as_str(), route.version.as_str());
    let built_in = |resource: &Arc<Resource>| {
        !resource.is_custom() && resource.group() == group && resource.served(version).is_some()
    };
    match group.is_empty() || api.registry.all().iter().any(built_in) {
        true => ApiError::unknown_resource(),
        false => ApiError::no_such_path(),
    }
}

fn reviewed(
    api: &Inner,
    parts: &Parts,
    body: &[u8],
    route: &ObjectRoute,
    kind: &review::Kind,
) -> Answer {
    if route.name.is_some() {
        return Err(ApiError::unknown_resource());
    }
    if parts.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let user = parts.extensions.get::<Arc<User>>();
    let body = negotiate::body(&parts.headers, body)?;
    let review = kind.answer(api, user.map(Arc::as_ref), &body)?;
    Ok(answer::json(StatusCode::CREATED, &review))
}

/// A request whose resource is known.
pub(super) struct Request<'a> {
    pub(super) api: &'a Arc<Inner>,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) query: Query,
    pub(super) target: Target,
    pub(super) namespace: Option<String>,
}

impl Request<'_> {
    pub(super) fn key(&self, name: &str) -> Key {
        Key::new(self.namespace.clone().unwrap_or_default(), name)
    }

    fn routed(&self, route: &ObjectRoute) -> Answer {
        match (&route.name, route.subresource.as_deref()) {
            (None, _) => self.collection(),
            (Some(name), None) => self.named(name),
            (Some(name), Some("status")) if self.target.version.status => self.status(name),
            (Some(name), Some(sub)) if self.target.resource.extra_subresources.contains(&sub) => {
                match sub {
                    "log" => log::answer(self.api, self.parts, &self.query, &self.key(name)),
                    "token" => self.token(name),
                    "finalize" if self.parts.method == Method::PUT => {
                        self.update(name, Part::Finalize)
                    }
                    "finalize" => Err(ApiError::method_not_allowed()),
                    _ => Err(ApiError::unknown_resource()),
                }
            }
            _ => Err(ApiError::unknown_resource()),
        }
    }

    fn collection(&self) -> Answer {
        match self.parts.method {
            Method::GET if self.query.flag("watch") => watch::answer(self),
            Method::GET => list::answer(self),
            Method::POST => self.create(),
            Method::DELETE => self.delete_collection(),
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    fn named(&self, name: &str) -> Answer {
        match self.parts.method {
            Method::GET => self.get(name),
            Method::PUT => self.update(name, Part::Main),
            Method::PATCH => self.patch(name, Part::Main),
            Method::DELETE => self.delete(name),
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    fn status(&self, name: &str) -> Answer {
        match self.parts.method {
            Method::GET => self.get(name),
            Method::PUT => self.update(name, Part::Status),
            Method::PATCH => self.patch(name, Part::Status),
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    /// The form in which the client takes objects.
    pub(super) fn form(&self) -> Result<Form, ApiError> {
        Form::accepted(&self.parts.headers, &self.query)
    }

    pub(super) fn shown(&self, code: StatusCode, object: &Object) -> Answer {
        let body = match self.form()? {
            Form::Object => object.json(&self.target.api_version()),
            Form::Metadata => object.partial(),
            Form::Table(include) => Table {
                target: &self.target,
                include,
                headers: true,
                now: self.api.clock.now(),
            }
            .of(object),
        };
        Ok(answer::bytes(code, "application/json", body))
    }

    fn written(&self, written: &Written) -> Answer {
        let code = match written.created {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        let response = self.shown(code, &written.object)?;
        Ok(answer::with_warnings(response, &written.warnings))
    }

    fn get(&self, name: &str) -> Answer {
        self.form()?;
        let resource = &self.target.resource;
        let object = self
            .api
            .store
            .get(resource.id(), &self.key(name))
            .ok_or_else(|| ApiError::not_found(resource, name))?;
        self.shown(StatusCode::OK, &object)
    }

    fn create(&self) -> Answer {
        self.form()?;
        let options = self.write_options("CreateOptions")?;
        let object = negotiate::body(&self.parts.headers, self.body)?;
        let namespace = match &self.namespace {
            Some(namespace) => namespace.clone(),
            None if !self.target.resource.is_namespaced() => String::new(),
            // POST to the collection of all namespaces.
            None => return Err(ApiError::method_not_allowed()),
        };
        self.written(
            &self
                .api
                .create(&self.target, &namespace, object, &options)?,
        )
    }

    fn update(&self, name: &str, part: Part) -> Answer {
        self.form()?;
        let options = self.write_options("UpdateOptions")?;
        let object = negotiate::body(&self.parts.headers, self.body)?;
        let edit = Edit {
            target: &self.target,
            key: &self.key(name),
            part,
            options: &options,
        };
        self.written(&self.api.update(&edit, object)?)
    }

    fn patch(&self, name: &str, part: Part) -> Answer {
        self.form()?;
        let mut options = self.write_options("PatchOptions")?;
        let custom = self.target.resource.is_custom();
        let (format, patch) = match negotiate::media_type(&self.parts.headers) {
            "application/json-patch+json" => (PatchType::Json, negotiate::json(self.body)?),
            "application/merge-patch+json" => (PatchType::Merge, negotiate::json(self.body)?),
            "application/strategic-merge-patch+json" if !custom => {
                (PatchType::Strategic, negotiate::json(self.body)?)
            }
            "application/apply-patch+yaml" => {
                // Required of an apply, and never guessed from the user agent.
                options.manager = self.query.text("fieldManager").to_owned();
                options.applies = true;
                let force = self.query.flag("force");
                (PatchType::Apply { force }, negotiate::yaml(self.body)?)
            }
            _ => {
                return Err(match custom {
                    true => ApiError::unsupported_media_type(
                        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                    ),
                    false => ApiError::unsupported_patch(),
                });
            }
        };
        if self.query.flag("force") && !matches!(format, PatchType::Apply { .. }) {
            return Err(ApiError::invalid_options(
                "PatchOptions",
                FieldError {
                    field: "force".to_owned(),
                    reason: FieldErrorReason::Forbidden,
                    detail: "Forbidden: may not be specified for non-apply patch".to_owned(),
                },
            ));
        }
        let edit = Edit {
            target: &self.target,
            key: &self.key(name),
            part,
            options: &options,
        };
        self.written(&self.api.patch(&edit, format, &patch)?)
    }

    fn write_options(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        let mut options = self.query.write_options(kind, self.parts)?;
        let json = negotiate::media_type(&self.parts.headers).ends_with("json");
        if json && options.field_validation != FieldValidation::Ignore {
            options.strict_errors = duplicates::find(self.body);
        }
        Ok(options)
    }

    fn token(&self, name: &str) -> Answer {
        if self.parts.method != Method::POST {
            return Err(ApiError::method_not_allowed());
        }
        let body: Value = negotiate::body(&self.parts.headers, self.body)?;
        let manager = self.query.manager(self.parts);
        let key = self.key(name);
        let answer = token::request(self.api, &self.target, &key, &body, &manager)?;
        Ok(answer::json(StatusCode::CREATED, &answer))
    }
}
