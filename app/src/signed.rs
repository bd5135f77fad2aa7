//! For whom a page was made. Every form on it says so, and the server takes none from anybody else's session: in another
//! tab of the same browser somebody else may have signed in meanwhile, whom the form knows nothing of.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use policy::UserId;

use crate::{
    Problem,
    components::{Icon, Sign},
    messages, paths,
};

/// What became of the session the page was made in, as far as the page has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// It is over.
    Over,
    /// Somebody else is signed in; their name.
    Another(String),
}

/// Whom the page was made for.
#[derive(Clone, Copy)]
pub(crate) struct Signed {
    user: StoredValue<Option<UserId>>,
    /// The name of the page: a form that is sent from it twice at once is one form.
    page: StoredValue<String>,
    now: RwSignal<Option<Now>>,
}

impl Signed {
    /// Takes the person from the request that is being answered, and lets the browser's copy of the page know them.
    pub(crate) fn provide() {
        #[cfg(feature = "ssr")]
        let read = || (crate::request_context::user(), crate::request_context::page_name());
        #[cfg(not(feature = "ssr"))]
        let read = || (None, String::new());
        let (user, page): (Option<UserId>, String) = SharedValue::new(read).into_inner();
        provide_context(Self {
            user: StoredValue::new(user),
            page: StoredValue::new(page),
            now: RwSignal::new(None),
        });
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

/// Says, above the page, that its session is over or another's, with the way on. What is typed there stays.
#[component]
pub(crate) fn SignedBanner() -> impl IntoView {
    let now = expect_context::<Signed>().now;
    move || {
        now.get().map(|now| {
            view! {
                <div class="banner banner-session" role="alert">
                    <Icon sign=Sign::Alert/>
                    <p>{say(now)}</p>
                </div>
            }
        })
    }
}

/// What went wrong with a form that somebody else filled in, or whose session is over, with the way on; none for any other
/// problem.
pub(crate) fn way_on(problem: Problem) -> Option<impl IntoView> {
    let now = match problem {
        Problem::Refused(policy::Refusal::SignedOut) => Now::Over,
        Problem::Refused(policy::Refusal::FilledInByAnother) => {
            let signed = expect_context::<Signed>();
            signed.now.get().unwrap_or(Now::Another(String::new()))
        }
        Problem::Refused(_) | Problem::Unavailable | Problem::Busy | Problem::Internal | Problem::Unreachable => {
            return None;
        }
    };
    Some(say(now))
}

fn say(now: Now) -> impl IntoView {
    let (pathname, search) = (use_location().pathname, use_location().search);
    let here = move || {
        let (path, search) = (pathname.get(), search.get());
        if search.is_empty() {
            path
        } else {
            format!("{path}?{}", search.trim_start_matches('?'))
        }
    };
    let (text, href, way, rest) = match now {
        Now::Over => (
            "You’re signed out.".to_owned(),
            Signal::derive(move || paths::sign_in_and_return(&here())),
            "Sign in",
            " to go on.",
        ),
        Now::Another(name) => (
            messages::another(&name),
            Signal::derive(here),
            "Reload",
            " to go on as who is signed in.",
        ),
    };
    view! { {text}" "<a href=move || href.get() rel="external">{way}</a>{rest} }
}
