//! Sets of field paths, in memory as in `fieldsV1`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of paths as a tree. An element is spelt as in `fieldsV1`: `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    /// Whether the path that leads here is in the set.
    pub(super) member: bool,
    pub(super) children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub(super) fn leaf() -> Self {
        Self {
            member: true,
            children: BTreeMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    /// Adds a child unless it holds nothing.
    pub(super) fn insert(&mut self, element: String, child: Self) {
        if !child.is_empty() {
            self.children.insert(element, child);
        }
    }

    /// Union.
    pub(super) fn add(&mut self, other: &Self) {
        self.member |= other.member;
        for (element, child) in &other.children {
            self.children.entry(element.clone()).or_default().add(child);
        }
    }

    /// This set without the members of `other`.
    pub(super) fn difference(&self, other: &Self) -> Self {
        self.combine(Some(other), |mine, theirs| mine && !theirs)
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.combine(Some(other), |mine, theirs| mine && theirs)
    }

    fn combine(&self, other: Option<&Self>, keep: fn(bool, bool) -> bool) -> Self {
        let mut result = Self {
            member: keep(self.member, other.is_some_and(|other| other.member)),
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let other = other.and_then(|other| other.children.get(element));
            result.insert(element.clone(), child.combine(other, keep));
        }
        result
    }

    /// This set without the leaves of `other` and everything below them: a container that is replaced as a whole
    /// takes what was owned inside with it.
    pub(super) fn without_subtrees(&self, other: &Self) -> Self {
        if other.member && other.children.is_empty() {
            return Self::default();
        }
        let mut result = Self {
            member: self.member && !other.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let left = match other.children.get(element) {
                Some(other) => child.without_subtrees(other),
                None => child.clone(),
            };
            result.insert(element.clone(), left);
        }
        result
    }

    /// Every path of the set, as Kubernetes prints it: `.spec.containers[name="a"].image`.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(&mut String::new(), &mut paths);
        paths
    }

    fn collect(&self, at: &mut String, paths: &mut Vec<String>) {
        if self.member {
            paths.push(at.clone());
        }
        for (element, child) in &self.children {
            let length = at.len();
            at.push_str(&printed(element));
            child.collect(at, paths);
            at.truncate(length);
        }
    }

    /// `fieldsV1`.
    pub(super) fn to_json(&self) -> Value {
        let mut object = Map::new();
        if self.member && !self.children.is_empty() {
            object.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            object.insert(element.clone(), child.to_json());
        }
        Value::Object(object)
    }

    /// Reads `fieldsV1`; anything ill-formed holds nothing.
    pub(super) fn from_json(fields: &Value) -> Self {
        let mut set = Self::read(fields);
        // The empty set is written as `{}`, which inside of a set is a leaf.
        if set.children.is_empty() {
            set.member = false;
        }
        set
    }

    fn read(fields: &Value) -> Self {
        let Value::Object(object) = fields else {
            return Self::default();
        };
        Self {
            member: object.is_empty() || object.contains_key("."),
            children: object
                .iter()
                .filter(|(element, _)| *element != ".")
                .map(|(element, child)| (element.clone(), Self::read(child)))
                .collect(),
        }
    }
}

fn printed(element: &str) -> String {
    if let Some(field) = element.strip_prefix("f:") {
        return format!(".{field}");
    }
    if let Some(value) = element.strip_prefix("v:") {
        return format!("[={value}]");
    }
    if let Some(index) = element.strip_prefix("i:") {
        return format!("[{index}]");
    }
    let keys = element.strip_prefix("k:").unwrap_or(element);
    match serde_json::from_str(keys) {
        Ok(Value::Object(keys)) => {
            let keys: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("[{}]", keys.join(","))
        }
        _ => format!("[{keys}]"),
    }
}
