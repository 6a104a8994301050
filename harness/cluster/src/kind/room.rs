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

    /// Waits for one that no scenario has; one whose cluster is there already, if there is a choice.
    pub(super) async fn free(rooms: &[Self]) -> (&Self, Turn) {
        let turns = rooms
            .iter()
            .map(|room| room.turn.clone().lock_owned().boxed());
        let (turn, index, _) = select_all(turns).await;
        (&rooms[index], turn)
    }

    /// Its cluster.
    pub(super) async fn site(&self, entropy: &Entropy) -> Result<Arc<Site>, Error> {
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
}
