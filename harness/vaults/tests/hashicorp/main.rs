//! HashiCorp Vault through its HTTP API: what is asked, and exactly what is answered.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests

mod kv1;
mod kv2;
mod lab;
mod logins;
mod router;
mod tokens;
mod writer;
