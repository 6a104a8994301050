//! The path of a field while a tree is walked: one buffer, grown and cut.

/// `spec.data[0].remoteRef`.
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Runs `inside` one field deeper.
    pub(crate) fn field<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        let result = inside(self);
        self.0.truncate(length);
        result
    }

    /// Runs `inside` one list item deeper.
    pub(crate) fn index<T>(&mut self, index: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.0.push('[');
        self.0.push_str(&index.to_string());
        self.0.push(']');
        let result = inside(self);
        self.0.truncate(length);
        result
    }
}
