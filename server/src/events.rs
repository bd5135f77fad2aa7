//! Live events (`GET /events`): tells an open page that something changed, or that its reader's access is gone (E5).
//!
//! Each stream asks the directory itself whether its reader may still look, at every hint about them and now and then
//! without one: an end date gives no hint.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{Problem, gate::Visit};
use axum::{
    extract::{Extension, Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use directory::{Directory, Hint, Session};
use policy::{OrganizationId, ProjectId, Quota, Quotas, Refusal, Slug, UserId};
use serde::Deserialize;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{Console, rest::problem::Fault};

/// A quiet stream is checked, and kept from being taken for dead, this often.
const BEAT: Duration = Duration::from_secs(15);

/// Hints that come within this are about one change.
const TOGETHER: Duration = Duration::from_millis(25);

/// News that could not be looked into are looked into again after this.
const SOON: Duration = Duration::from_millis(250);

/// Hands the database's hints to every open stream of this server.
#[derive(Clone, Debug)]
pub struct Broadcast {
    hints: broadcast::Sender<Hint>,
    stop: watch::Sender<bool>,
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
        // Nobody looking is no error.
        drop(self.hints.send(hint));
    }

    /// The hints from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }

    /// A place for one more stream of this person about this organization, until it is dropped (J12). Each stream asks the
    /// database at every hint.
    ///
    /// # Errors
    /// [`Refusal::QuotaReached`] if there are as many as there may be on this server.
    fn seat(&self, user: UserId, organization: OrganizationId, quotas: &Quotas) -> Result<Seat, Refusal> {
        let counted = [
            (Counted::Person(user), Quota::Streams),
            (Counted::Organization(organization), Quota::OrganizationStreams),
        ];
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, quota) in counted {
            let limit = quotas.limit(quota);
            if open.get(&whose).is_some_and(|taken| *taken >= limit) {
                return Err(Refusal::QuotaReached { quota, limit });
            }
        }
        let counted = counted.map(|(whose, _)| whose);
        for whose in counted {
            *open.entry(whose).or_default() += 1;
        }
        Ok(Seat {
            counted,
            open: Arc::clone(&self.open),
        })
    }

    /// Ends every stream, so that the server can stop.
    pub fn end(&self) {
        self.stop.send_replace(true);
    }
}

/// A place among the open streams.
struct Seat {
    counted: [Counted; 2],
    open: Arc<Mutex<HashMap<Counted, u32>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in self.counted {
            if let Some(taken) = open.get_mut(&whose) {
                *taken = taken.saturating_sub(1);
                if *taken == 0 {
                    open.remove(&whose);
                }
            }
        }
    }
}

/// What to follow: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Followed {
    project: Option<String>,
    organization: Option<String>,
}

/// A reader and what they look at.
struct Reader {
    directory: Directory,
    session: Session,
    organization: OrganizationId,
    /// None where the organization itself is looked at.
    project: Option<ProjectId>,
}

/// What a reader finds when looking again.
enum Look {
    /// They may still look.
    Fine,
    /// They have no access any more.
    Gone,
    /// They are signed in no more.
    SignedOut,
    /// The database does not say.
    Unknown,
}

/// Opens a stream for a project or an organization.
pub(crate) async fn events(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    followed: Result<Query<Followed>, QueryRejection>,
) -> Result<Response, Fault> {
    // Before the first look, so that nothing falls between.
    let (hints, stop) = (console.broadcast.subscribe(), console.broadcast.stop.subscribe());
    let reader = open(visit, followed).await?;
    let quotas = reader.directory.settings().quotas;
    let seat = console
        .broadcast
        .seat(reader.session.user, reader.organization, &quotas)?;
    let (events, stream) = mpsc::channel(4);
    tokio::spawn(async move {
        follow(reader, hints, stop, events).await;
        drop(seat);
    });
    // A proxy that collects answers would hold events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(ReceiverStream::new(stream))).into_response())
}

async fn open(visit: Visit, followed: Result<Query<Followed>, QueryRejection>) -> Result<Reader, Problem> {
    let session = visit.session.ok_or(Refusal::SignedOut)?;
    // The extractor's own answer would be words from inside.
    let Query(followed) = followed.map_err(|_| Refusal::Malformed)?;
    let slug = |text: String| text.parse::<Slug>().map_err(|_| Refusal::Hidden);
    let (organization, project) = match (followed.project, followed.organization) {
        (Some(project), None) => {
            let (organization, project) = visit.directory.project_ids(session.user, &slug(project)?).await?;
            (organization, Some(project))
        }
        (None, Some(organization)) => {
            let organization = visit.directory.organization(session.user, &slug(organization)?).await?;
            (organization.id, None)
        }
        (Some(_), Some(_)) | (None, None) => return Err(Refusal::Malformed.into()),
    };
    Ok(Reader {
        directory: visit.directory,
        session,
        organization,
        project,
    })
}

async fn follow(
    reader: Reader,
    mut hints: broadcast::Receiver<Hint>,
    mut stop: watch::Receiver<bool>,
    events: mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // News that could not be looked into, because the database was busy.
    let mut is_owed = false;
    loop {
        let is_news = tokio::select! {
            () = sleep(SOON), if is_owed => true,
            hint = hints.recv() => match hint {
                Ok(hint) if reader.is_concerned(hint) => true,
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = beat.tick() => false,
            _ = stop.wait_for(|stop| *stop) => return,
            () = events.closed() => return,
        };
        if is_news {
            // One change often gives several hints: they are told as one.
            sleep(TOGETHER).await;
            while hints.try_recv().is_ok() {}
        }
        let look = reader.look().await;
        is_owed = is_news && matches!(look, Look::Unknown);
        let (event, is_last) = match (look, is_news) {
            (Look::Gone, _) => (Event::default().event("gone").data("access"), true),
            // Asking again will send them to sign in.
            (Look::SignedOut, _) => (Event::default().event("changed").data("session"), true),
            (Look::Fine, true) => (Event::default().event("changed").data("project"), false),
            (Look::Fine | Look::Unknown, _) => (Event::default().comment("still here"), false),
        };
        if events.send(Ok(event)).await.is_err() || is_last {
            return;
        }
    }
}

impl Reader {
    fn is_concerned(&self, hint: Hint) -> bool {
        match hint {
            Hint::Organization(id) => id == self.organization,
            Hint::Project(id) => Some(id) == self.project,
            Hint::Invitations(id) => self.project.is_none() && id == self.organization,
            Hint::Mail => false,
            Hint::User(id) => id == self.session.user,
            Hint::Everything => true,
        }
    }

    async fn look(&self) -> Look {
        let lives = self.directory.session_lives(self.session.id).await;
        let (user, organization) = (self.session.user, self.organization);
        let access = match self.project {
            Some(project) => self.directory.has_access(user, organization, project).await,
            None => self.directory.is_member(user, organization).await,
        };
        match (lives, access) {
            (Ok(false), _) => Look::SignedOut,
            (Ok(true), Ok(false)) => Look::Gone,
            (Ok(true), Ok(true)) => Look::Fine,
            (Err(_), _) | (_, Err(_)) => Look::Unknown,
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
        let seat = |who, of| broadcast.seat(user(who), organization(of), &quotas);
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
        drop(first);
        assert_eq!(refused(1, 1), None, "a stream that ended makes room");
    }
}
