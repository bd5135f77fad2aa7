//! Loads the data of a screen: with the page that the server renders, before another page is opened, and again whenever
//! the page's address or something live changes. The old data stays on the screen until the new answer is there.

use leptos::{either::EitherOf3, prelude::*};

use crate::{
    Problem,
    address::{PageAddress, use_address},
    components::ProblemScreen,
    page_data::asks,
    readable::{Ask, Readable},
};

pub(crate) use crate::loaded::Loaded;

/// Shows what the server function `S` answers for the page's address through `render`, and a problem screen where it
/// answers with a problem. It is asked again when `ticks` changes. `render` runs once; what it made follows [`Loaded`].
pub(crate) fn load<S: Readable, V: IntoView + 'static>(
    ticks: impl Fn() -> u32 + Copy + Send + Sync + 'static,
    render: impl Fn(Loaded<S::Output>) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView {
    load_or::<S, _, _>(
        use_address(),
        ticks,
        render,
        |problem| view! { <ProblemScreen problem/> },
    )
}

/// For a screen that is not live: a form that changes while somebody types into it is worse than one that is slightly
/// out of date.
pub(crate) const fn once() -> u32 {
    0
}

/// The same as [`load`], for this address, and with another view for a problem than the problem screen.
pub(crate) fn load_or<S: Readable, V: IntoView + 'static, P: IntoView + 'static>(
    address: Memo<PageAddress>,
    ticks: impl Fn() -> u32 + Copy + Send + Sync + 'static,
    render: impl Fn(Loaded<S::Output>) -> V + Copy + Send + Sync + 'static,
    render_problem: impl Fn(Problem) -> P + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let ask = follow(address, S::PATH);
    let value = RwSignal::new(None::<S::Output>);
    let problem = RwSignal::new(None::<Problem>);
    let loaded = Loaded {
        value,
        again: RwSignal::new(0),
        then_heading: StoredValue::new(false),
        busy: RwSignal::new(false),
    };
    begin(ask, loaded, problem, ticks);

    // Memos, so that `render` does not run again when only the data changes.
    let shown_problem = Memo::new(move |_| problem.get());
    let has_value = Memo::new(move |_| value.with(Option::is_some));
    move || match (shown_problem.get(), has_value.get()) {
        (Some(problem), _) => EitherOf3::A(render_problem(problem)),
        (None, true) => EitherOf3::B(render(loaded)),
        (None, false) => EitherOf3::C(view! {
            <div class="loading" role="status"><span class="visually-hidden">"Loading"</span></div>
        }),
    }
}

/// What a page asks of this server function. On the way to a page that asks for something else it stays as it was.
fn follow(address: Memo<PageAddress>, path: &'static str) -> Memo<Option<Ask>> {
    Memo::new(move |before: Option<&Option<Ask>>| {
        let mut asked = address.with(asks).all();
        asked.find(|ask| ask.path == path).or_else(|| before.cloned().flatten())
    })
}

/// On the server everything that a page asks for was answered before it is rendered.
#[cfg(not(feature = "hydrate"))]
fn begin<T: Clone + Send + Sync + 'static>(
    ask: Memo<Option<Ask>>,
    loaded: Loaded<T>,
    problem: RwSignal<Option<Problem>>,
    _ticks: impl Fn() -> u32 + Copy + Send + Sync + 'static,
) {
    #[cfg(feature = "ssr")]
    {
        let answer = ask.get_untracked().and_then(|ask| crate::answers::first::<T>(&ask));
        debug_assert!(answer.is_some(), "a screen shows what its page did not ask for");
        match answer.unwrap_or(Err(Problem::Internal)) {
            Ok(first) => loaded.value.set(Some(first)),
            Err(refused) => problem.set(Some(refused)),
        }
    }
    #[cfg(not(feature = "ssr"))]
    let _ = (ask, loaded, problem);
}

#[cfg(feature = "hydrate")]
use browser::begin;

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::{prelude::*, task::spawn_local};
    use policy::Refusal;
    use serde::de::DeserializeOwned;

    use super::Loaded;
    use crate::{
        Problem, answers, focus,
        readable::Ask,
        signed::{Now, Signed},
    };

    /// Begins with the answer that is there, and asks again whenever what is asked for changes, a tick comes, or a
    /// reload is asked for. Only the answer to the latest request counts.
    pub(super) fn begin<T: Clone + DeserializeOwned + Send + Sync + 'static>(
        ask: Memo<Option<Ask>>,
        loaded: Loaded<T>,
        problem: RwSignal<Option<Problem>>,
        ticks: impl Fn() -> u32 + Copy + Send + Sync + 'static,
    ) {
        let key = ask.with_untracked(|ask| ask.as_ref().map(Ask::key).unwrap_or_default());
        let first = answers::first::<T>(&key);
        let has_first = first.is_some();
        match first {
            Some(Ok(first)) => loaded.value.set(Some(first)),
            Some(Err(refused)) => problem.set(Some(refused)),
            None => loaded.value.set(answers::last(&key)),
        }
        let latest = StoredValue::new(0_u32);
        let signed = use_context::<Signed>();
        let put = move |answer: Result<T, Problem>| match answer {
            Ok(newer) => {
                loaded.value.set(Some(newer));
                problem.set(None);
                if loaded.then_heading.get_value() {
                    loaded.then_heading.set_value(false);
                    focus_heading();
                }
            }
            // A problem screen would remove what is typed: the banner says that the session is over instead.
            Err(Problem::Refused(Refusal::SignedOut)) if focus::is_typed_in() => {
                if let Some(signed) = signed {
                    signed.set(Now::Over);
                }
            }
            Err(newer) => problem.set(Some(newer)),
        };
        Effect::new(move |before: Option<(Option<Ask>, u32, u32)>| {
            let now = (ask.get(), ticks(), loaded.again.get());
            let is_new = before.map_or(!has_first, |before| before != now);
            if is_new && let Some(ask) = &now.0 {
                if ask.is_secret {
                    // Its answer comes with its page alone.
                    drop(window().location().reload());
                    return now;
                }
                let number = latest.get_value().wrapping_add(1);
                latest.set_value(number);
                loaded.busy.set(true);
                let asked = answers::ask(ask.key());
                spawn_local(async move {
                    let answer = asked.await;
                    // Dropped if a later request was sent, or if the screen was left.
                    if latest.try_get_value() == Some(number) {
                        loaded.busy.set(false);
                        put(answer);
                    }
                });
            }
            now
        });
    }

    /// Gives the focus to the page's heading, once the page is up to date.
    fn focus_heading() {
        request_animation_frame(|| {
            if let Some(heading) = focus::heading() {
                drop(heading.focus());
            }
        });
    }
}
