//! GCP Secret Manager through gRPC and REST: what is asked, and exactly what is answered.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod grpc;
mod identity;
mod lab;
mod listing;
mod secrets;
mod versions;
mod writer;
