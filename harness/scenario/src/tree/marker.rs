//! Names by which a type asks its deserializer for more than serde can say. They pass where serde passes a type's name.

/// A [`crate::Located`]: the visitor gets the span (four numbers) and the value, as a sequence.
pub(crate) const LOCATED: &str = "$located";
/// A scalar is handed over as its text as written; a mapping as a map.
pub(crate) const TEXT_OR: &str = "$text-or";
/// As [`TEXT_OR`], but a mapping whose `generate` is a scalar is handed over as a newtype.
pub(crate) const TEXT_OR_GENERATOR: &str = "$text-or-generator";
/// A mapping is split in two, and handed over as a sequence: the keys named after the colon, and the others.
pub(crate) const SPLIT: &str = "$split:";
/// The tense of an expectation, and the rest.
pub(crate) const SPLIT_TENSE: &str = "$split:within,throughout";
/// The model of a fault, and the rest.
pub(crate) const SPLIT_FAULT: &str = "$split:latency,status,reset,hang";
/// The target of a heal, and the rest.
pub(crate) const SPLIT_HEAL: &str = "$split:fault,vault";
/// An enum told apart by the value of the field named after the colon.
pub(crate) const BY: &str = "$by:";
/// An enum told apart by which of its variants is a key of the mapping; what it is called follows the colon.
pub(crate) const KEY_OF: &str = "$key-of:";
