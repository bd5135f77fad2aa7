//! Live events (`GET /events`): tells an open page that something changed, or that its reader's access is gone (E5).
//!
//! Each stream asks the directory itself whether its reader may still look, at every hint about them and now and then
//! without one: an end date gives no hint.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    time::Duration,
};

use app::{Problem, request_context::SessionContext};
use axum::{
    extract::{Extension, RawQuery, State},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use directory::{Directory, Hint, Principal, Session};
use policy::{OrganizationId, ProjectId, Refusal, Slug};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    http::{layers::is_utf8, problem::ApiError},
    state::AppState,
};

/// How often a stream without hints checks its access and sends a comment, so that proxies keep it open.
const BEAT: Duration = Duration::from_secs(15);

/// Hints within this time are answered together.
const TOGETHER: Duration = Duration::from_millis(25);

/// How soon hints are looked into again that the database could not answer.
const SOON: Duration = Duration::from_millis(250);

/// The most projects and organizations that one stream follows. The tabs of a browser share a stream.
const MOST_FOLLOWED: usize = 32;

/// What is asked for: `project=` or `organization=` alone, or any number of `follow=project:{slug}` and
/// `follow=organization:{slug}`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Thing {
    Project(String),
    Organization(String),
}

/// Something followed.
struct Topic {
    /// What an event says it is about: as it was asked for, or no more than that.
    changed: String,
    gone: String,
    organization: OrganizationId,
    /// None where the organization itself is looked at.
    project: Option<ProjectId>,
}

/// A reader and what they look at, by number.
struct Reader {
    directory: Directory,
    principal: Principal,
    session: Session,
    topics: BTreeMap<usize, Topic>,
}

/// Opens a stream for projects and organizations.
pub(crate) async fn events(
    State(state): State<AppState>,
    Extension(context): Extension<SessionContext>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    // Subscribes before the first look, so that no hint is missed in between.
    let (hints, stop) = (state.broadcast.subscribe(), state.broadcast.stop.subscribe());
    let (reader, hidden) = open(context, query.as_deref().unwrap_or_default()).await?;
    let quotas = reader.directory.settings().quotas;
    let organizations = reader.topics.values().map(|topic| topic.organization);
    let seat = state.broadcast.seat(reader.session.user, organizations, &quotas)?;
    let (events, stream) = mpsc::channel(4);
    tokio::spawn(async move {
        // What is hidden is reported as gone, without ending the stream: it serves several pages.
        for name in hidden {
            if events.send(Ok(event("gone", &name))).await.is_err() {
                return;
            }
        }
        follow(reader, hints, stop, &events).await;
        drop(seat);
    });
    // A proxy that collects answers would hold events back.
    Ok(([("x-accel-buffering", "no")], Sse::new(ReceiverStream::new(stream))).into_response())
}

/// Finds what is to be followed. Returns the names of what is hidden beside it; if everything is hidden, that is the
/// error.
async fn open(context: SessionContext, query: &str) -> Result<(Reader, Vec<String>), Problem> {
    let session = context.session.ok_or(Refusal::SignedOut)?;
    let principal = session.principal(context.origin);
    let (mut topics, mut hidden) = (BTreeMap::new(), Vec::new());
    for (number, (name, thing)) in asked(query)?.into_iter().enumerate() {
        match find(&context.directory, &principal, &name, &thing).await {
            Ok(topic) => drop(topics.insert(number, topic)),
            Err(Problem::Refused(Refusal::Hidden)) => hidden.push(name),
            Err(problem) => return Err(problem),
        }
    }
    if topics.is_empty() {
        return Err(Refusal::Hidden.into());
    }
    let reader = Reader {
        directory: context.directory,
        principal,
        session,
        topics,
    };
    Ok((reader, hidden))
}

/// What a query asks for, each once, with its name in events; that is empty where one thing alone is asked for.
fn asked(query: &str) -> Result<Vec<(String, Thing)>, Refusal> {
    if !is_utf8(query.as_bytes()) {
        return Err(Refusal::Malformed);
    }
    let mut things: Vec<(String, Thing)> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let (name, thing) = match (&*key, value.split_once(':')) {
            ("project", _) => (String::new(), Thing::Project(value.into_owned())),
            ("organization", _) => (String::new(), Thing::Organization(value.into_owned())),
            ("follow", Some(("project", slug))) => (value.to_string(), Thing::Project(slug.to_owned())),
            ("follow", Some(("organization", slug))) => (value.to_string(), Thing::Organization(slug.to_owned())),
            _ => return Err(Refusal::Malformed),
        };
        if !things.contains(&(name.clone(), thing.clone())) {
            things.push((name, thing));
        }
    }
    let is_alone = things.iter().any(|(name, _)| name.is_empty());
    if things.is_empty() || things.len() > MOST_FOLLOWED || (is_alone && things.len() > 1) {
        return Err(Refusal::Malformed);
    }
    Ok(things)
}

async fn find(directory: &Directory, principal: &Principal, name: &str, thing: &Thing) -> Result<Topic, Problem> {
    let (Thing::Project(slug) | Thing::Organization(slug)) = thing;
    let slug: Slug = slug.parse().map_err(|_| Refusal::Hidden)?;
    let (organization, project) = match thing {
        Thing::Project(_) => {
            let (organization, project) = directory.project_ids(principal, &slug).await?;
            (organization, Some(project))
        }
        Thing::Organization(_) => (directory.organization(principal, &slug).await?.id, None),
    };
    let event_of = |plain: &str| if name.is_empty() { plain } else { name }.to_owned();
    Ok(Topic {
        changed: event_of("project"),
        gone: event_of("access"),
        organization,
        project,
    })
}

fn event(kind: &str, about: &str) -> Event {
    Event::default().event(kind).data(about)
}

async fn follow(
    mut reader: Reader,
    mut hints: broadcast::Receiver<Hint>,
    mut stop: watch::Receiver<bool>,
    events: &mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // News that could not be looked into, because the database was busy.
    let mut owed = BTreeSet::new();
    while !reader.topics.is_empty() {
        let mut news = tokio::select! {
            () = sleep(SOON), if !owed.is_empty() => std::mem::take(&mut owed),
            hint = hints.recv() => match reader.concerned(hint) {
                Some(news) if news.is_empty() => continue,
                Some(news) => news,
                None => return,
            },
            _ = beat.tick() => BTreeSet::new(),
            _ = stop.wait_for(|stop| *stop) => return,
            () = events.closed() => return,
        };
        if !news.is_empty() {
            // One change often gives several hints: they are told as one.
            sleep(TOGETHER).await;
            while let Some(more) = more(hints.try_recv()) {
                news.extend(reader.concerned(more).unwrap_or_default());
            }
        }
        let (due, is_over) = reader.look(&news, &mut owed).await;
        for event in due {
            if events.send(Ok(event)).await.is_err() {
                return;
            }
        }
        if is_over {
            return;
        }
    }
}

/// The next hint that is already in the channel.
fn more(hint: Result<Hint, broadcast::error::TryRecvError>) -> Option<Result<Hint, broadcast::error::RecvError>> {
    match hint {
        Ok(hint) => Some(Ok(hint)),
        Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Err(broadcast::error::RecvError::Lagged(missed))),
        Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
    }
}

impl Reader {
    /// The numbers of what a hint is about; all, if some hints were missed, and none any more if there will be no hint.
    fn concerned(&self, hint: Result<Hint, broadcast::error::RecvError>) -> Option<BTreeSet<usize>> {
        let is_about = |topic: &Topic| match hint {
            Ok(Hint::Organization(id)) => id == topic.organization,
            Ok(Hint::Project(id)) => Some(id) == topic.project,
            Ok(Hint::Invitations(id)) => topic.project.is_none() && id == topic.organization,
            Ok(Hint::Mail) => false,
            Ok(Hint::User(id)) => id == self.session.user,
            Ok(Hint::Everything) | Err(_) => true,
        };
        if matches!(hint, Err(broadcast::error::RecvError::Closed)) {
            return None;
        }
        let topics = self.topics.iter().filter(|(_, topic)| is_about(topic));
        Some(topics.map(|(number, _)| *number).collect())
    }

    /// Checks the topics in `news`, or all of them if it is empty. Returns the events to send, and whether the stream
    /// ends with them. Topics that the database cannot answer now are added to `owed`.
    async fn look(&mut self, news: &BTreeSet<usize>, owed: &mut BTreeSet<usize>) -> (Vec<Event>, bool) {
        match self.directory.session_lives(self.session.id).await {
            Ok(true) => {}
            // Asking again will send them to sign in.
            Ok(false) => return (vec![event("changed", "session")], true),
            Err(_) => {
                owed.extend(news);
                return (vec![still_here()], false);
            }
        }
        let mut due = Vec::new();
        let mut lost = Vec::new();
        for (number, topic) in &self.topics {
            let is_use_due = news.contains(number);
            if !news.is_empty() && !is_use_due {
                continue;
            }
            match self.may_follow(topic).await {
                Ok(true) if is_use_due => due.push(event("changed", &topic.changed)),
                Ok(true) => {}
                Ok(false) => {
                    due.push(event("gone", &topic.gone));
                    lost.push(*number);
                }
                Err(_) if is_use_due => drop(owed.insert(*number)),
                Err(_) => {}
            }
        }
        for number in lost {
            self.topics.remove(&number);
        }
        if due.is_empty() {
            due.push(still_here());
        }
        (due, false)
    }

    async fn may_follow(&self, topic: &Topic) -> directory::Result<bool> {
        match topic.project {
            Some(project) => {
                self.directory
                    .has_access(&self.principal, topic.organization, project)
                    .await
            }
            None => self.directory.is_member(&self.principal, topic.organization).await,
        }
    }
}

/// A comment that keeps the connection alive.
fn still_here() -> Event {
    Event::default().comment("still here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_followed_is_said_in_one_of_two_ways() {
        let names = |query| asked(query).map(|things| things.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(names("project=ml"), Ok(vec![String::new()]));
        assert_eq!(names("organization=acme"), Ok(vec![String::new()]));
        let both = "follow=project%3Aml&follow=organization:acme&follow=project:ml";
        assert_eq!(
            names(both),
            Ok(vec!["project:ml".to_owned(), "organization:acme".to_owned()])
        );
        let many: String = (0..33).map(|number| format!("follow=project:p{number}&")).collect();
        for wrong in [
            "",
            "x=y",
            "project=a&organization=b",
            "project=a&project=b",
            "project=a&follow=project:b",
            "follow=a",
            "follow=user:a",
            "project=%ff",
            &many,
        ] {
            assert_eq!(names(wrong), Err(Refusal::Malformed), "{wrong}");
        }
    }
}
