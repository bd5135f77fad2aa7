//! The person a page was rendered for. Every form on the page names them, and the server refuses a form that comes with
//! the session of somebody else: another person may have signed in in another tab of the same browser.

use leptos::prelude::*;
use policy::UserId;

use crate::{answers::PageState, paths};

/// What the page has learned about the session it was rendered in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// It is over.
    Over,
    /// Somebody else is signed in; their name.
    Another(String),
}

/// The person the page was rendered for.
#[derive(Clone, Copy)]
pub(crate) struct Signed {
    user: StoredValue<Option<UserId>>,
    /// The name of the page: a form that is sent from it twice at once is one form.
    page: StoredValue<String>,
    now: RwSignal<Option<Now>>,
}

impl Signed {
    /// Takes the person from what the page knows of its request.
    pub(crate) fn provide(state: &PageState) {
        provide_context(Self {
            user: StoredValue::new(state.user),
            page: StoredValue::new(state.page.clone()),
            now: RwSignal::new(None),
        });
    }

    /// What became of the session; none as far as nothing has changed. Follows changes.
    pub(crate) fn now(self) -> Option<Now> {
        self.now.get()
    }

    /// Where a form goes: to the server function, with word of who filled it in, and on which page.
    pub(crate) fn form(self, path: &str) -> String {
        match self.user.get_value() {
            Some(user) => {
                let page = self.page.get_value();
                format!("{path}?{}={user}&{}={page}", paths::FILLED_IN_BY, paths::PAGE)
            }
            None => path.to_owned(),
        }
    }

    /// Who fills a form in, as a script says it in a header.
    #[cfg(feature = "hydrate")]
    pub(crate) fn user(self) -> Option<String> {
        self.user.get_value().map(|user| user.to_string())
    }

    /// Notes that the session is over, or that there is another one now.
    #[cfg(feature = "hydrate")]
    pub(crate) fn set(self, now: Now) {
        self.now.set(Some(now));
    }

    /// Notes who is signed in, as the frame was just told.
    pub(crate) fn seen(self, user: UserId, name: String) {
        let is_another = self.user.get_value().is_some_and(|own| own != user);
        self.now.set(is_another.then_some(Now::Another(name)));
    }
}
