//! The promises of [`rotaproof::Lab`].

mod rotation;
