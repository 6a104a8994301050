//! Room for one scenario at a time: a cluster, made when the first scenario wants it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::select_all;
use rotaproof_base::Entropy;
use tokio::sync::{Mutex, OnceCell};

use super::settings::KindSettings;
use super::site::Site;
use crate::Error;
use crate::real::Turn;

/// A cluster of the run.
pub(super) struct Room {
    settings: KindSettings,
    /// Which of the run's clusters, from 0.
    ordinal: usize,
    turn: Arc<Mutex<()>>,
    /// The cluster, from the first scenario on; or why there is none.
    site: OnceCell<Result<Arc<Site>, Error>>,
}

impl Room {
    /// As many as the settings want, at least one.
    pub(super) fn all(settings: KindSettings) -> Vec<Self> {
        let room = |ordinal| Self {
            settings: settings.clone(),
            ordinal,
            turn: Arc::default(),
            site: OnceCell::new(),
        };
        (0..settings.clusters.get()).map(room).collect()
    }

    /// Waits for one that no scenario has, and its cluster. One whose cluster cannot be had is left out from then on, as
    /// long as there is another.
    ///
    /// # Errors
    /// Where no cluster can be had.
    pub(super) async fn take(
        rooms: &[Self],
        entropy: &Entropy,
    ) -> Result<(Arc<Site>, Turn), Error> {
        loop {
            let (room, turn) = Self::free(rooms).await;
            let is_new = room.site.get().is_none();
            match room.site(entropy).await {
                Ok(site) => return Ok((site, turn)),
                Err(error) if rooms.iter().all(Self::is_unavailable) => return Err(error),
                Err(error) if is_new => (room.settings.tell)(&format!(
                    "kind cluster {} of {} cannot be had, and the others take its scenarios: {}",
                    room.ordinal + 1,
                    rooms.len(),
                    error.reason
                )),
                Err(_) => {}
            }
        }
    }

    /// Waits for the first that no scenario has; one that is unavailable only where all are.
    async fn free(rooms: &[Self]) -> (&Self, Turn) {
        let all = rooms.iter().all(Self::is_unavailable);
        let usable = rooms.iter().filter(|room| all || !room.is_unavailable());
        let turns = usable.map(|room| {
            let turn = room.turn.clone().lock_owned();
            turn.map(move |turn| (room, turn)).boxed()
        });
        select_all(turns).await.0
    }

    fn is_unavailable(&self) -> bool {
        matches!(self.site.get(), Some(Err(_)))
    }

    /// Its cluster.
    async fn site(&self, entropy: &Entropy) -> Result<Arc<Site>, Error> {
        let begin = async || {
            let site = Site::begin(self.settings.clone(), self.ordinal, entropy).await;
            site.map(Arc::new)
        };
        self.site.get_or_init(begin).await.clone()
    }

    /// Removes what it made.
    pub(super) fn end(&self) {
        if let Some(Ok(site)) = self.site.get() {
            site.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(count: usize) -> Vec<Room> {
        let mut settings = KindSettings::pinned().unwrap();
        settings.clusters = count.try_into().unwrap();
        Room::all(settings)
    }

    #[tokio::test]
    async fn each_scenario_has_a_room_to_itself_and_the_first_ones_are_taken_first() {
        let rooms = rooms(2);
        let (first, turn) = Room::free(&rooms).await;
        let (second, _other) = Room::free(&rooms).await;
        assert_eq!((first.ordinal, second.ordinal), (0, 1));
        assert!(
            Room::free(&rooms).now_or_never().is_none(),
            "a third has to wait"
        );
        drop(turn);
        let (again, _turn) = Room::free(&rooms).await;
        assert_eq!(again.ordinal, 0);
    }

    #[tokio::test]
    async fn a_room_without_a_cluster_is_left_out_while_there_is_another() {
        let rooms = rooms(2);
        let fail = |room: &Room| {
            let none = Error::starting("the kind cluster")("none");
            assert!(room.site.set(Err(none)).is_ok());
        };
        fail(&rooms[0]);
        let (room, turn) = Room::free(&rooms).await;
        assert_eq!(room.ordinal, 1);
        drop(turn);
        fail(&rooms[1]);
        let entropy = Entropy::from_seed(7);
        let refused = Room::take(&rooms, &entropy).await;
        assert!(refused.is_err_and(|error| error.reason == "none"));
    }
}
