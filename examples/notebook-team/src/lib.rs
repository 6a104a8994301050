//! The notebook team's credentials: the manifests that sync them are in `manifests/`, the proof that they rotate in
//! `scenarios/` and `tests/`.
