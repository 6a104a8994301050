#![doc = include_str!("../README.md")]

pub mod apply;
mod builtin;
mod controllers;
mod crd;
mod expiry;
mod http;
mod identity;
mod listen;
mod logs;
mod object;
mod openapi;
pub mod patch;
mod printers;
mod protobuf;
mod registry;
mod resource;
mod review;
pub mod schema;
mod selector;
mod server;
mod status;
mod store;
mod token;
mod typed;
mod write;

pub use http::{ApiBody, ApiService};
pub use listen::{Access, AccessError};
pub use logs::PodLogs;
pub use resource::{Plain, Resource, Strategy, Version};
pub use server::{ApiServer, Config};
pub use status::ApiError;
