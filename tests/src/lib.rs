//! The workspace tests live in this crate's `tests` targets.
