//! The AWS emulator and its writer, judged by AWS's own SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod admission;
mod identity;
mod lab;
mod listing;
mod secrets;
mod sign;
mod signature;
mod writer;
