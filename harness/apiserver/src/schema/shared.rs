//! Compiled schemas are kept for the process: the servers of its tests all get the same CustomResourceDefinitions, and
//! a server that gets one compiles it in two places.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::{SchemaError, Structural};

/// Schemas kept; all are dropped for one more, so that a process that makes up schemas does not grow.
const MOST: usize = 512;

/// Filled by the first who asks, while others who ask for the same schema wait.
type Slot = Arc<OnceLock<Result<Arc<Structural>, SchemaError>>>;

/// By the text of the schema.
static COMPILED: LazyLock<Mutex<HashMap<String, Slot>>> = LazyLock::new(Mutex::default);

/// As [`Structural::compile`], once per schema and process.
pub(super) fn compile(schema: &Value) -> Result<Arc<Structural>, SchemaError> {
    slot(schema.to_string())
        .get_or_init(|| Structural::compile(schema).map(Arc::new))
        .clone()
}

fn slot(text: String) -> Slot {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() >= MOST && !compiled.contains_key(&text) {
        compiled.clear();
    }
    compiled.entry(text).or_default().clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_schema_is_compiled_once_and_another_one_is_another() {
        let schema = |most: u32| json!({"type": "string", "maxLength": most});
        let first = compile(&schema(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &compile(&schema(1)).unwrap()));
        assert!(!Arc::ptr_eq(&first, &compile(&schema(2)).unwrap()));
    }

    #[test]
    fn a_schema_that_cannot_work_is_refused_each_time() {
        let wrong = json!({"type": "string", "pattern": "("});
        assert_eq!(
            compile(&wrong).err().unwrap(),
            compile(&wrong).err().unwrap()
        );
    }
}
