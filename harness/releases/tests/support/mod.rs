//! Programs, images and servers that the tests make themselves.
#![allow(dead_code, reason = "each test takes what it needs of it")]

pub(crate) mod crds;
pub(crate) mod elf;
pub(crate) mod image;
pub(crate) mod server;
