//! The provider against the built-in vault.
