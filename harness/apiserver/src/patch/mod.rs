//! The four patch formats of the Kubernetes API, as pure functions over JSON (apply is its own module).

mod merge_keys;
mod strategic;

use serde_json::Value;

pub(crate) use merge_keys::ListStrategy;
pub use merge_keys::MergeKeys;
pub use strategic::strategic_merge_patch;

/// Why a patch could not be applied; the API answers 422 to a failed operation and 400 to a malformed patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch itself is not of its format.
    #[error("{0}")]
    Malformed(String),
    /// What kube-apiserver passes on without a reason (code 500).
    #[error("{0}")]
    Unknown(String),
    /// The patch is well formed, but an operation cannot be applied to this object.
    #[error("the server rejected our request due to an error in our request: {0}")]
    Failed(String),
}

/// Applies an RFC 6902 patch; all operations, or none.
pub fn json_patch(target: &Value, patch: &Value) -> Result<Value, PatchError> {
    if !patch.is_array() {
        let why = "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp";
        return Err(PatchError::Malformed(why.to_owned()));
    }
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| PatchError::Failed(error.to_string()))?;
    let mut result = target.clone();
    json_patch::patch(&mut result, &patch)
        .map_err(|error| PatchError::Failed(error.to_string()))?;
    Ok(result)
}

/// Applies an RFC 7386 patch: `null` deletes, objects merge, anything else replaces.
pub fn merge_patch(target: &Value, patch: &Value) -> Value {
    let mut result = target.clone();
    json_patch::merge(&mut result, patch);
    result
}

#[cfg(test)]
mod tests;
