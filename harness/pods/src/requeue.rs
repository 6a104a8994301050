//! When a controller has to look at an object again without having been told of a change.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// Objects and the moment at which each is due; the earliest moment asked for wins.
pub(crate) struct Requeue<K>(BTreeMap<K, Instant>);

impl<K: Ord + Clone> Requeue<K> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Replaces what was asked for this object.
    pub(crate) fn set(&mut self, key: K, due: Option<Instant>) {
        match due {
            Some(due) => self.0.insert(key, due),
            None => self.0.remove(&key),
        };
    }

    /// Waits until an object is due and takes it; for ever where none is.
    pub(crate) async fn next(&mut self) -> K {
        let first = self.0.iter().min_by_key(|(_, due)| **due);
        let Some((key, due)) = first.map(|(key, due)| (key.clone(), *due)) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(due).await;
        self.0.remove(&key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn objects_come_in_the_order_in_which_they_are_due() {
        let now = Instant::now();
        let mut queue = Requeue::new();
        queue.set("late", Some(now + Duration::from_secs(20)));
        queue.set("early", Some(now + Duration::from_secs(10)));
        queue.set("never", Some(now));
        queue.set("never", None);
        assert_eq!(queue.next().await, "early");
        assert_eq!(queue.next().await, "late");
        assert_eq!(now.elapsed(), Duration::from_secs(20));
    }
}
