//! Live screens: the server says that something changed, never what; what is shown is asked again.
//!
//! Without scripts there is no such thing, and nothing relies on it: every request reads what is true.

use leptos::prelude::*;
use policy::Slug;

use crate::{components::Post, flash::Done};

/// What a screen is about, and what its news are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// A project.
    Project(Slug),
    /// An organization.
    Organization(Slug),
}

/// What the live connection told.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    /// Grows whenever something about the project or the person changed.
    pub(crate) ticks: Memo<u32>,
    /// What the person has just lost access to.
    pub(crate) gone: Memo<Option<Followed>>,
    #[cfg(feature = "hydrate")]
    told_ticks: RwSignal<u32>,
    #[cfg(feature = "hydrate")]
    told_gone: RwSignal<Option<Followed>>,
    /// Whether news wait, because the person is doing something that may end their own access: its answer goes first.
    is_held: RwSignal<bool>,
    /// Whether the person is on the way out, and what is shown no matter any more.
    is_stopped: RwSignal<bool>,
}

impl Live {
    /// Makes it known to all screens.
    pub(crate) fn provide() -> Self {
        let (told_ticks, told_gone) = (RwSignal::new(0), RwSignal::new(None));
        let is_held = RwSignal::new(false);
        let live = Self {
            ticks: Memo::new(move |last| match last {
                Some(last) if is_held.get() => *last,
                Some(_) | None => told_ticks.get(),
            }),
            gone: Memo::new(move |_| if is_held.get() { None } else { told_gone.get() }),
            #[cfg(feature = "hydrate")]
            told_ticks,
            #[cfg(feature = "hydrate")]
            told_gone,
            is_held,
            is_stopped: RwSignal::new(false),
        };
        provide_context(live);
        live
    }

    /// Lets news wait while an action is under way that may be leaving: its answer goes first. If it was, they wait until
    /// something else is followed; they would only say what the person knows.
    pub(crate) fn hold_while(self, post: Post, is_leaving: fn(&Done) -> bool) {
        let pending = post.pending();
        Effect::new(move |_| {
            let is_pending = pending.get();
            let has_left = matches!(post.outcome().get_untracked(), Some(Ok(done)) if is_leaving(&done));
            self.is_held.set(is_pending || has_left);
        });
        // A screen that is left before its answer comes holds nothing any more.
        on_cleanup(move || {
            if pending.try_get_untracked() == Some(true) {
                self.is_held.try_set(false);
            }
        });
    }

    /// Has what is shown asked again, after a change that the followed thing gives no news of.
    pub(crate) fn refresh(self) {
        #[cfg(feature = "hydrate")]
        self.told_ticks.update(|n| *n = n.wrapping_add(1));
    }

    /// Follows nothing any more.
    pub(crate) fn stop(self) {
        self.is_stopped.set(true);
    }

    /// Follows what the URL is about, whatever it is.
    pub(crate) fn follow(self, followed: Memo<Option<Followed>>) {
        #[cfg(feature = "hydrate")]
        browser::follow(self, followed);
        #[cfg(not(feature = "hydrate"))]
        let _ = (self, followed);
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use futures::StreamExt;
    use gloo_net::eventsource::futures::EventSource;
    use leptos::{prelude::*, task::spawn_local};

    use super::{Followed, Live};

    pub(super) fn follow(live: Live, followed: Memo<Option<Followed>>) {
        // Kept here: an EventSource that is dropped is closed.
        let open = StoredValue::new_local(None::<EventSource>);
        let close = move || {
            if let Some(Some(source)) = open.try_update_value(Option::take) {
                source.close();
            }
        };
        Effect::new(move |_| {
            close();
            if live.is_stopped.get() {
                return;
            }
            let followed = followed.get();
            live.told_gone.set(None);
            live.is_held.set(false);
            let Some(followed) = followed else { return };
            let path = match &followed {
                Followed::Project(slug) => format!("/events?project={slug}"),
                Followed::Organization(slug) => format!("/events?organization={slug}"),
            };
            let Ok(mut source) = EventSource::new(&path) else {
                return;
            };
            let (Ok(mut changed), Ok(mut gone)) = (source.subscribe("changed"), source.subscribe("gone")) else {
                return;
            };
            open.set_value(Some(source));
            spawn_local(async move {
                while let Some(Ok(_)) = changed.next().await {
                    live.refresh();
                }
            });
            spawn_local(async move {
                if let Some(Ok(_)) = gone.next().await {
                    // Or the browser would knock again and again.
                    close();
                    live.told_gone.set(Some(followed));
                }
            });
        });
        on_cleanup(close);
    }
}
