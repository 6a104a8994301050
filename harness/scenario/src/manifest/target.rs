//! What a template does to the keys of the Secret that an ExternalSecret makes.

use serde_json::Value;

use super::object::{list, text};

/// The keys of a target Secret, seen from its template.
pub(super) enum Shape {
    /// The data as fetched.
    Plain,
    /// A template makes keys.
    Templated {
        /// The keys that it names.
        keys: Vec<String>,
        /// Whether it may make others (`templateFrom`).
        open: bool,
        /// Whether the fetched data is there too (`mergePolicy: Merge`).
        passes: bool,
    },
}

/// A template without `data` and `templateFrom` leaves the fetched data as it is.
pub(super) fn shape(template: Option<&Value>) -> Shape {
    let Some(template) = template else {
        return Shape::Plain;
    };
    let keys: Vec<String> = template
        .get("data")
        .and_then(Value::as_object)
        .map(|data| data.keys().cloned().collect())
        .unwrap_or_default();
    let open = !list(template, "/templateFrom").is_empty();
    if keys.is_empty() && !open {
        return Shape::Plain;
    }
    Shape::Templated {
        keys,
        open,
        passes: text(template, "/mergePolicy") == Some("Merge"),
    }
}
