//! Live screens: the server says that something changed, never what; what is shown is asked again.
//!
//! Without scripts there is no such thing, and nothing relies on it: every request reads what is true.

use leptos::prelude::*;
use policy::Slug;

/// What the live connection told.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    /// Grows whenever something about the project or the person changed.
    pub(crate) ticks: Memo<u32>,
    /// The project the person has just lost.
    pub(crate) gone: Memo<Option<Slug>>,
    told_ticks: RwSignal<u32>,
    told_gone: RwSignal<Option<Slug>>,
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
            told_ticks,
            told_gone,
            is_held,
            is_stopped: RwSignal::new(false),
        };
        provide_context(live);
        live
    }

    /// Lets news wait, until they are released or another project is followed.
    pub(crate) fn hold(self) {
        self.is_held.set(true);
    }

    /// Lets the news that waited through.
    pub(crate) fn release(self) {
        self.is_held.set(false);
    }

    /// Follows nothing any more.
    pub(crate) fn stop(self) {
        self.is_stopped.set(true);
    }

    /// Follows the project in the URL, whichever it is.
    pub(crate) fn follow(self, project: Memo<Option<Slug>>) {
        #[cfg(feature = "hydrate")]
        browser::follow(self, project);
        #[cfg(not(feature = "hydrate"))]
        let _ = (self, project);
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use futures::StreamExt;
    use gloo_net::eventsource::futures::EventSource;
    use leptos::{prelude::*, task::spawn_local};
    use policy::Slug;

    use super::Live;

    pub(super) fn follow(live: Live, project: Memo<Option<Slug>>) {
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
            let slug = project.get();
            live.told_gone.set(None);
            live.release();
            let Some(slug) = slug else { return };
            let Ok(mut source) = EventSource::new(&format!("/events?project={slug}")) else {
                return;
            };
            let (Ok(mut changed), Ok(mut gone)) = (source.subscribe("changed"), source.subscribe("gone")) else {
                return;
            };
            open.set_value(Some(source));
            spawn_local(async move {
                while let Some(Ok(_)) = changed.next().await {
                    live.told_ticks.update(|n| *n = n.wrapping_add(1));
                }
            });
            spawn_local(async move {
                if let Some(Ok(_)) = gone.next().await {
                    // Or the browser would knock again and again.
                    close();
                    live.told_gone.set(Some(slug));
                }
            });
        });
        on_cleanup(close);
    }
}
