//! One file per command.

mod artifacts;
pub(crate) mod compare;
pub(crate) mod completions;
mod detach;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod fault;
pub(crate) mod gc;
pub(crate) mod heal;
mod interrupt;
mod journal_line;
mod lane;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod new;
mod release;
pub(crate) mod rotate;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod select;
pub(crate) mod soak;
pub(crate) mod status;
mod summary;
pub(crate) mod up;
mod versions;
mod which_lab;
