//! An in-process Kubernetes API: store, watch, patch, apply, CustomResourceDefinitions, service account tokens.
//!
//! [`ApiServer::service`] is a [`tower::Service`] that `kube::Client::new` takes as it is; no socket, no thread, no
//! external process, and time comes from tokio, so that it lives under a paused clock as well as under a real one.
//!
//! Requests carry no identity here: authentication and RBAC are not enforced.

pub mod apply;
mod builtin;
mod controllers;
mod crd;
mod http;
mod logs;
mod object;
pub mod patch;
mod registry;
mod resource;
pub mod schema;
mod selector;
mod server;
mod status;
mod store;
mod token;
mod write;

pub use http::{ApiBody, ApiService};
pub use logs::PodLogs;
pub use resource::{Plain, Resource, Strategy, Version};
pub use server::{ApiServer, Config};
pub use status::ApiError;
