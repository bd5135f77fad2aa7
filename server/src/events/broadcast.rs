//! The hints of the database, handed to every open stream of this server, and the count of those streams.
//!
//! It must not know what a stream is asked to follow, or who may.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use directory::{Directory, Hint};
use policy::{OrganizationId, Quota, Quotas, Refusal, UserId};
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

/// Hands the database's hints to every open stream of this server.
#[derive(Clone, Debug)]
pub struct Broadcast {
    pub(super) hints: broadcast::Sender<Hint>,
    pub(super) stop: watch::Sender<bool>,
    open: Arc<Mutex<HashMap<Counted, u32>>>,
}

/// Whose open streams are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Counted {
    Person(UserId),
    Organization(OrganizationId),
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            hints: broadcast::channel(1024).0,
            stop: watch::channel(false).0,
            open: Arc::default(),
        }
    }
}

impl Broadcast {
    /// Listens to the database, for as long as the server runs.
    pub async fn listen(self, directory: Directory) {
        loop {
            if let Err(error) = self.relay(&directory).await {
                tracing::warn!(%error, "live updates pause: the database cannot be listened to");
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn relay(&self, directory: &Directory) -> directory::Result<()> {
        let mut hints = directory.hints().await?;
        // Some may have been missed while nobody listened.
        self.send(Hint::Everything);
        loop {
            self.send(hints.next().await?);
        }
    }

    fn send(&self, hint: Hint) {
        // An error means that no stream is open.
        drop(self.hints.send(hint));
    }

    /// The hints from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }

    /// Counts one more stream of this person about these organizations, until the seat is dropped (J12). Streams are
    /// limited because each queries the database at every hint.
    ///
    /// # Errors
    /// [`Refusal::QuotaReached`] if the quota of streams on this server is reached.
    pub(crate) fn seat(
        &self,
        user: UserId,
        organizations: impl Iterator<Item = OrganizationId>,
        quotas: &Quotas,
    ) -> Result<Seat, Refusal> {
        let organizations = organizations.collect::<BTreeSet<_>>().into_iter();
        let organizations = organizations.map(|id| (Counted::Organization(id), Quota::OrganizationStreams));
        let counted: Vec<_> = [(Counted::Person(user), Quota::Streams)]
            .into_iter()
            .chain(organizations)
            .collect();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, quota) in &counted {
            let (whose, quota) = (*whose, *quota);
            let limit = quotas.limit(quota);
            if open.get(&whose).is_some_and(|taken| *taken >= limit) {
                return Err(Refusal::QuotaReached { quota, limit });
            }
        }
        let counted: Vec<_> = counted.into_iter().map(|(whose, _)| whose).collect();
        for whose in &counted {
            *open.entry(*whose).or_default() += 1;
        }
        Ok(Seat {
            counted,
            open: Arc::clone(&self.open),
        })
    }

    /// How many streams are open. Each is one person's.
    pub(crate) fn count(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_people = open.iter().filter(|(whose, _)| matches!(whose, Counted::Person(_)));
        of_people.map(|(_, taken)| *taken as usize).sum()
    }

    /// Ends every stream, so that the server can stop.
    pub fn end(&self) {
        self.stop.send_replace(true);
    }
}

/// A place among the open streams.
#[derive(Debug)]
pub(crate) struct Seat {
    counted: Vec<Counted>,
    open: Arc<Mutex<HashMap<Counted, u32>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in &self.counted {
            if let Some(taken) = open.get_mut(whose) {
                *taken = taken.saturating_sub(1);
                if *taken == 0 {
                    open.remove(whose);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn j12_streams_are_counted_for_a_person_and_an_organization_while_they_are_open() {
        let broadcast = Broadcast::default();
        let quotas = Quotas {
            streams: 2,
            organization_streams: 3,
            ..Quotas::default()
        };
        let user = |number| UserId(Uuid::from_u128(number));
        let organization = |number| OrganizationId(Uuid::from_u128(number));
        let seat = |who, of| broadcast.seat(user(who), [organization(of)].into_iter(), &quotas);
        let refused = |who, of| seat(who, of).err();
        let first = seat(1, 1).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let _second = seat(1, 1);
        let streams = Refusal::QuotaReached {
            quota: Quota::Streams,
            limit: 2,
        };
        assert_eq!(refused(1, 2), Some(streams), "whatever it is about");
        let _third = seat(2, 1);
        let all = Refusal::QuotaReached {
            quota: Quota::OrganizationStreams,
            limit: 3,
        };
        assert_eq!(refused(3, 1), Some(all), "whoever asks");
        assert_eq!(refused(3, 2), None);
        assert_eq!(broadcast.count(), 3, "each once");
        drop(first);
        assert_eq!(refused(1, 1), None, "a stream that ended makes room");
    }
}
