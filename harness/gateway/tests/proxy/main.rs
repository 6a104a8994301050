//! The gateway as its clients see it, in virtual time over streams in memory.

#![allow(clippy::unwrap_used, reason = "a test stops at the first failure")]

mod certificates;
mod direct;
mod faults;
mod journal;
mod malformed;
mod round_trip;
mod tools;
mod world;
