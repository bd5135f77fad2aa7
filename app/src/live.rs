//! Live screens: the server says that something changed, never what; the screen then loads its data again.
//!
//! All tabs of a browser share one connection ([`hub`]), since browsers allow six to a host. Nothing relies on live
//! events, which don't exist without scripts: every request reads the current state.

#[cfg(feature = "hydrate")]
mod channel;
#[cfg(feature = "hydrate")]
mod hub;

use leptos::prelude::*;
use policy::Slug;

use crate::{components::FormSender, outcome::Done};

/// What a screen is about, and which its events are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// A project.
    Project(Slug),
    /// An organization.
    Organization(Slug),
}

/// What the live connection reported.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    /// Increases with every event about the followed project or organization, or about the person.
    pub(crate) ticks: Memo<u32>,
    /// What the person has just lost access to.
    pub(crate) gone: Memo<Option<Followed>>,
    #[cfg(feature = "hydrate")]
    received_ticks: RwSignal<u32>,
    #[cfg(feature = "hydrate")]
    received_gone: RwSignal<Option<Followed>>,
    /// Whether events are held back, because an action is under way that may end the person's own access: its answer
    /// has precedence.
    is_held: RwSignal<bool>,
    /// Whether nothing is followed any more, because the person is leaving.
    is_stopped: RwSignal<bool>,
}

impl Live {
    /// Provides it to all screens.
    pub(crate) fn provide() -> Self {
        let (received_ticks, received_gone) = (RwSignal::new(0), RwSignal::new(None));
        let is_held = RwSignal::new(false);
        let live = Self {
            ticks: Memo::new(move |last| match last {
                Some(last) if is_held.get() => *last,
                Some(_) | None => received_ticks.get(),
            }),
            gone: Memo::new(move |_| if is_held.get() { None } else { received_gone.get() }),
            #[cfg(feature = "hydrate")]
            received_ticks,
            #[cfg(feature = "hydrate")]
            received_gone,
            is_held,
            is_stopped: RwSignal::new(false),
        };
        provide_context(live);
        live
    }

    /// Holds events back while an action is under way that may end the person's own access: its answer has precedence.
    /// If it did end it, they stay held back until something else is followed, since they would only repeat it.
    pub(crate) fn hold_while(self, sender: FormSender, is_leaving: fn(&Done) -> bool) {
        let pending = sender.pending();
        Effect::new(move |_| {
            let is_pending = pending.get();
            let has_left = matches!(sender.outcome().get_untracked(), Some(Ok(done)) if is_leaving(&done));
            self.is_held.set(is_pending || has_left);
        });
        // A screen that is left before the answer arrives no longer holds events back.
        on_cleanup(move || {
            if pending.try_get_untracked() == Some(true) {
                self.is_held.try_set(false);
            }
        });
    }

    /// Loads the screen again, after a change that the server sends no event for.
    pub(crate) fn refresh(self) {
        #[cfg(feature = "hydrate")]
        self.received_ticks.update(|n| *n = n.wrapping_add(1));
    }

    /// Follows nothing from now on.
    pub(crate) fn stop(self) {
        self.is_stopped.set(true);
    }

    /// Follows what the URL is about, and changes with it.
    pub(crate) fn follow(self, followed: Memo<Option<Followed>>) {
        #[cfg(feature = "hydrate")]
        self.listen(followed);
        #[cfg(not(feature = "hydrate"))]
        let _ = (self, followed);
    }

    #[cfg(feature = "hydrate")]
    fn listen(self, followed: Memo<Option<Followed>>) {
        let hub = hub::Hub::of_this_page();
        hub.listen(move |news| match news {
            hub::News::Changed => {
                self.received_ticks.try_update(|n| *n = n.wrapping_add(1));
            }
            hub::News::Gone => {
                self.received_gone.try_set(followed.try_get_untracked().flatten());
            }
        });
        Effect::new(move |_| {
            let topic = followed.get().filter(|_| !self.is_stopped.get());
            self.received_gone.set(None);
            self.is_held.set(false);
            hub::Hub::of_this_page().follow(topic.as_ref().map(Followed::name));
        });
        on_cleanup(|| hub::Hub::of_this_page().follow(None));
    }
}

#[cfg(feature = "hydrate")]
impl Followed {
    /// Returns the name that the server's events have for it.
    fn name(&self) -> String {
        match self {
            Self::Project(slug) => format!("project:{slug}"),
            Self::Organization(slug) => format!("organization:{slug}"),
        }
    }
}
