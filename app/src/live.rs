//! Live screens: the server says that something changed, never what; what is shown is asked again.
//!
//! All tabs of a browser share one connection ([`hub`]): browsers allow six to a host. Without scripts there is no such
//! thing, and nothing relies on it: every request reads what is true.

#[cfg(feature = "hydrate")]
mod channel;
#[cfg(feature = "hydrate")]
mod hub;

use leptos::prelude::*;
use policy::Slug;

use crate::{components::FormSender, outcome::Done};

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

    /// Lets news wait while an action is under way that may be leaving: its answer goes first. If it was, they wait
    /// until something else is followed; they would only say what the person knows.
    pub(crate) fn hold_while(self, sender: FormSender, is_leaving: fn(&Done) -> bool) {
        let pending = sender.pending();
        Effect::new(move |_| {
            let is_pending = pending.get();
            let has_left = matches!(sender.outcome().get_untracked(), Some(Ok(done)) if is_leaving(&done));
            self.is_held.set(is_pending || has_left);
        });
        // A screen that is left before its answer comes holds nothing any more.
        on_cleanup(move || {
            if pending.try_get_untracked() == Some(true) {
                self.is_held.try_set(false);
            }
        });
    }

    /// Loads the screen again, after a change for which the server sends no news.
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
        self.listen(followed);
        #[cfg(not(feature = "hydrate"))]
        let _ = (self, followed);
    }

    #[cfg(feature = "hydrate")]
    fn listen(self, followed: Memo<Option<Followed>>) {
        let hub = hub::Hub::of_this_page();
        hub.tell(move |news| match news {
            hub::News::Changed => {
                self.told_ticks.try_update(|n| *n = n.wrapping_add(1));
            }
            hub::News::Gone => {
                self.told_gone.try_set(followed.try_get_untracked().flatten());
            }
        });
        Effect::new(move |_| {
            let topic = followed.get().filter(|_| !self.is_stopped.get());
            self.told_gone.set(None);
            self.is_held.set(false);
            hub::Hub::of_this_page().follow(topic.as_ref().map(Followed::name));
        });
        on_cleanup(|| hub::Hub::of_this_page().follow(None));
    }
}

#[cfg(feature = "hydrate")]
impl Followed {
    /// As the server's events name it.
    fn name(&self) -> String {
        match self {
            Self::Project(slug) => format!("project:{slug}"),
            Self::Organization(slug) => format!("organization:{slug}"),
        }
    }
}
