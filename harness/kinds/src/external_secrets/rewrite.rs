//! `rewrite` of `spec.dataFrom`: changes to the keys that were fetched.

use crate::record::record;

record! {
    /// One change to the keys; exactly one of its fields is set.
    #[derive(Default)]
    Rewrite {
        optional {
            /// Joins nested objects.
            merge: RewriteMerge,
            /// By regular expression.
            regexp: RewriteRegexp,
            /// By template.
            transform: RewriteTransform,
        }
    }
}

record! {
    /// Joins the fields of JSON values into one map.
    #[derive(Default)]
    RewriteMerge {
        optional {
            /// The key that takes the joined JSON, with strategy `JSON`.
            into: String,
            /// `Extract` (default) or `JSON`.
            strategy: String,
            /// `Error` (default) or `Ignore`.
            conflict_policy: String,
            /// `Strict` (default) or `IgnoreNotFound`.
            priority_policy: String,
        }
        lists {
            /// Keys whose fields win, the last one most.
            priority: String,
        }
    }
}

record! {
    /// Renames keys by a regular expression.
    RewriteRegexp { required {
        /// The expression.
        source: String,
        /// The replacement, with `$1`.
        target: String,
    } }
}

record! {
    /// Renames keys by a template over `.value`.
    RewriteTransform { required {
        /// The template.
        template: String,
    } }
}
