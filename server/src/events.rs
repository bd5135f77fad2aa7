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
use policy::{OrganizationId, ProjectId, Refusal, Slug, UserId};
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

/// As many streams may one person have open on this server: more pages than anybody reads at once. Each asks the database at
/// every hint.
const MOST_STREAMS: usize = 32;

/// Hands the database's hints to every open stream of this server.
#[derive(Clone, Debug)]
pub struct Broadcast {
    hints: broadcast::Sender<Hint>,
    stop: watch::Sender<bool>,
    open: Arc<Mutex<HashMap<UserId, usize>>>,
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

    /// A place for one more stream of this person, until it is dropped.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] if they have as many as they may.
    fn seat(&self, user: UserId) -> Result<Seat, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = open.entry(user).or_default();
        if *taken >= MOST_STREAMS {
            return Err(Refusal::TooManyAttempts { retry_after: 60 });
        }
        *taken += 1;
        Ok(Seat {
            user,
            open: Arc::clone(&self.open),
        })
    }

    /// Ends every stream, so that the server can stop.
    pub fn end(&self) {
        self.stop.send_replace(true);
    }
}

/// A place among a person's open streams.
struct Seat {
    user: UserId,
    open: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = open.get_mut(&self.user) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                open.remove(&self.user);
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
    let seat = console.broadcast.seat(reader.session.user)?;
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
