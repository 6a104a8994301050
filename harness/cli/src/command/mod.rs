//! One file per command.

pub(crate) mod completions;
mod interrupt;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod select;
pub(crate) mod soak;
pub(crate) mod up;
