//! The AWS provider against the AWS vault, through the gateway: what ESO would send, read and say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod account;
mod authentication;
mod faults;
mod reading;
