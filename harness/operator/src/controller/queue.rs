//! The work queue of client-go (0.34.1 and 0.36, `util/workqueue`): an item is queued once however often it is added, and
//! never worked on twice at a time; an item that is added meanwhile is queued again afterwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Key;
use super::backoff::Backoff;

/// A queue of keys with delays, on tokio's clock.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    order: VecDeque<Key>,
    dirty: BTreeSet<Key>,
    processing: BTreeSet<Key>,
    /// When a delayed key is due, with a number that keeps the order of keys that are due together.
    waiting: BTreeMap<(Instant, u64), Key>,
    due: BTreeMap<Key, (Instant, u64)>,
    counter: u64,
    backoff: Backoff,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                order: VecDeque::new(),
                dirty: BTreeSet::new(),
                processing: BTreeSet::new(),
                waiting: BTreeMap::new(),
                due: BTreeMap::new(),
                counter: 0,
                backoff: Backoff::new(Instant::now()),
            }),
            changed: Notify::new(),
        }
    }

    /// Queues a key now.
    pub(crate) fn add(&self, key: Key) {
        let mut state = self.lock();
        state.add(key);
        self.changed.notify_one();
    }

    /// Queues a key after a delay. Of two delays of one key, the one that ends first counts.
    pub(crate) fn add_after(&self, key: Key, delay: Duration) {
        let mut state = self.lock();
        if delay.is_zero() {
            state.add(key);
        } else {
            state.wait(key, Instant::now() + delay);
        }
        self.changed.notify_one();
    }

    /// Queues a key after the delay that its failures and all other traffic call for.
    pub(crate) fn add_rate_limited(&self, key: Key) {
        let delay = self.lock().backoff.next(&key, Instant::now());
        self.add_after(key, delay);
    }

    /// Forgets a key's failures.
    pub(crate) fn forget(&self, key: &Key) {
        self.lock().backoff.forget(key);
    }

    /// Waits until there is a key to work on, and leaves it where it is.
    pub(crate) async fn ready(&self) {
        self.until(|state| (!state.order.is_empty()).then_some(()))
            .await;
    }

    /// The next key; it counts as worked on until [`Queue::done`].
    pub(crate) async fn get(&self) -> Key {
        self.until(|state| {
            let key = state.order.pop_front()?;
            state.dirty.remove(&key);
            state.processing.insert(key.clone());
            Some(key)
        })
        .await
    }

    async fn until<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let next = {
                let mut state = self.lock();
                state.promote();
                if let Some(found) = found(&mut state) {
                    // Another worker may wait for what is left.
                    if !state.order.is_empty() {
                        self.changed.notify_one();
                    }
                    return found;
                }
                state.waiting.keys().next().map(|(due, _)| *due)
            };
            match next {
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = self.changed.notified() => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Ends the work on a key.
    pub(crate) fn done(&self, key: &Key) {
        let mut state = self.lock();
        state.promote();
        state.processing.remove(key);
        if state.dirty.contains(key) {
            state.order.push_back(key.clone());
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, key: Key) {
        // What was due before comes before.
        self.promote();
        self.push(key);
    }

    fn push(&mut self, key: Key) {
        if !self.dirty.insert(key.clone()) || self.processing.contains(&key) {
            return;
        }
        self.order.push_back(key);
    }

    fn wait(&mut self, key: Key, due: Instant) {
        // A delay that ended while the key was worked on is over, and stands in the way of no further one.
        self.promote();
        if let Some(known) = self.due.get(&key).copied() {
            if known.0 <= due {
                return;
            }
            self.waiting.remove(&known);
        }
        self.counter += 1;
        self.due.insert(key.clone(), (due, self.counter));
        self.waiting.insert((due, self.counter), key);
    }

    fn promote(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            self.due.remove(&key);
            self.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("ns", name)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_added_twice_is_worked_on_once() {
        let queue = Queue::new();
        queue.add(key("a"));
        queue.add(key("a"));
        queue.add(key("b"));
        assert_eq!(queue.get().await, key("a"));
        assert_eq!(queue.get().await, key("b"));
        assert!(
            tokio::time::timeout(Duration::from_secs(9), queue.get())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_added_while_it_is_worked_on_comes_again_once_it_is_done() {
        let queue = Queue::new();
        queue.add(key("a"));
        let working = queue.get().await;
        queue.add(key("a"));
        queue.add(key("b"));
        assert_eq!(queue.get().await, key("b"));
        queue.done(&working);
        assert_eq!(queue.get().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_ready_stays_until_it_is_taken() {
        let queue = Queue::new();
        queue.add_after(key("a"), Duration::from_secs(3));
        let start = Instant::now();
        queue.ready().await;
        queue.ready().await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        assert_eq!(queue.get().await, key("a"));
        let idle = tokio::time::timeout(Duration::from_secs(9), queue.ready());
        assert!(idle.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_delays_of_a_key_the_sooner_one_counts_and_the_other_is_gone() {
        let queue = Queue::new();
        let start = Instant::now();
        queue.add_after(key("a"), Duration::from_secs(3600));
        queue.add_after(key("a"), Duration::from_secs(60));
        queue.add_after(key("a"), Duration::from_secs(120));
        queue.get().await;
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        queue.done(&key("a"));
        assert!(
            tokio::time::timeout(Duration::from_secs(9999), queue.get())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_that_ended_during_the_work_does_not_swallow_the_next_one() {
        let queue = Queue::new();
        queue.add(key("a"));
        queue.get().await;
        queue.add_after(key("a"), Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(4)).await;
        let start = Instant::now();
        queue.add_after(key("a"), Duration::from_secs(2));
        queue.done(&key("a"));
        queue.get().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        queue.done(&key("a"));
        queue.get().await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_key_comes_back_in_doubling_gaps_until_it_is_forgotten() {
        let queue = Queue::new();
        let mut gaps = Vec::new();
        for _ in 0..3 {
            let before = Instant::now();
            queue.add_rate_limited(key("a"));
            queue.get().await;
            queue.done(&key("a"));
            gaps.push(before.elapsed().as_secs());
        }
        assert_eq!(gaps, [1, 2, 4]);
        queue.forget(&key("a"));
        let before = Instant::now();
        queue.add_rate_limited(key("a"));
        queue.get().await;
        assert_eq!(before.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_became_due_while_the_worker_hung_precedes_one_that_was_added_later() {
        let queue = Queue::new();
        queue.add(key("hung"));
        let hung = queue.get().await;
        queue.add_after(key("due"), Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(60)).await;
        queue.add(key("later"));
        queue.done(&hung);
        assert_eq!(queue.get().await, key("due"));
        assert_eq!(queue.get().await, key("later"));
    }

    proptest::proptest! {
        #[test]
        fn no_key_is_lost_and_none_is_worked_on_twice_at_a_time(
            steps in proptest::collection::vec((0u8..4, 0u8..3, 0u64..5), 0..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let queue = Queue::new();
                let mut wanted = BTreeSet::new();
                let mut working = BTreeSet::new();
                for (step, name, delay) in steps {
                    let key = key(&name.to_string());
                    match step {
                        0 => queue.add(key.clone()),
                        1 => queue.add_after(key.clone(), Duration::from_secs(delay)),
                        2 => {
                            let next = tokio::time::timeout(Duration::from_secs(delay), queue.get());
                            if let Ok(next) = next.await {
                                wanted.remove(&next);
                                assert!(working.insert(next), "worked on twice");
                            }
                            continue;
                        }
                        _ => {
                            if working.remove(&key) {
                                queue.done(&key);
                            }
                            continue;
                        }
                    }
                    wanted.insert(key);
                }
                for key in working {
                    queue.done(&key);
                }
                while let Ok(next) = tokio::time::timeout(Duration::from_secs(9), queue.get()).await {
                    wanted.remove(&next);
                    queue.done(&next);
                }
                assert!(wanted.is_empty(), "lost: {wanted:?}");
            });
        }
    }
}
