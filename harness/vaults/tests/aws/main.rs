//! The AWS emulator and its writer, judged by AWS's own SDK.

mod identity;
mod lab;
mod secrets;
mod sign;
mod signature;
mod writer;
