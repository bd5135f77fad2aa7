//! Loads the data of a screen: once on the server with the page, then again in the browser whenever its key changes.
//! The old data stays on the screen until the new answer is there.

use std::future::Future;

use codee::{Decoder, Encoder};
use leptos::{either::EitherOf3, prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "hydrate")]
use {
    crate::signed::{Now, Signed},
    policy::Refusal,
};

use crate::{Problem, components::ProblemScreen};

pub(crate) use crate::loaded::Loaded;

/// What comes with the page, as JSON. Read as bytes, as answers of the server are: each type has one reader in the
/// browser's program, rather than two.
struct Json;

impl<T: Serialize> Encoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        serde_json::from_slice(text.as_bytes())
    }
}

/// Shows what `fetch` answers for `key` through `render`, and a problem screen where it answers with a problem.
/// `render` runs once; what it made follows [`Loaded`].
pub(crate) fn load<K, T, Fut, V>(
    key: impl Fn() -> K + Copy + Send + Sync + 'static,
    fetch: impl Fn(K) -> Fut + Copy + Send + Sync + 'static,
    render: impl Fn(Loaded<T>) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Problem>> + Send + 'static,
    V: IntoView + 'static,
{
    load_or(key, fetch, render, |problem| view! { <ProblemScreen problem/> })
}

/// The same as [`load`], with another view for a problem than the problem screen.
pub(crate) fn load_or<K, T, Fut, V, P>(
    key: impl Fn() -> K + Copy + Send + Sync + 'static,
    fetch: impl Fn(K) -> Fut + Copy + Send + Sync + 'static,
    render: impl Fn(Loaded<T>) -> V + Copy + Send + Sync + 'static,
    render_problem: impl Fn(Problem) -> P + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Problem>> + Send + 'static,
    V: IntoView + 'static,
    P: IntoView + 'static,
{
    let first = OnceResource::<_, Json>::new_with_options(fetch(untrack(key)), true);
    let value = RwSignal::new(None::<T>);
    let problem = RwSignal::new(None::<Problem>);
    let loaded = Loaded {
        value,
        again: RwSignal::new(0),
        then_heading: StoredValue::new(false),
        busy: RwSignal::new(false),
    };
    load_again(key, fetch, loaded, problem);

    // Memos, so that `render` does not run again when only the data changes.
    let shown_problem = Memo::new(move |_| problem.get());
    let has_value = Memo::new(move |_| value.with(Option::is_some));
    view! {
        <Suspense fallback=|| view! {
            <div class="loading" role="status"><span class="visually-hidden">"Loading"</span></div>
        }>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(loaded) => value.set(Some(loaded)),
                    Err(refused) => problem.set(Some(refused)),
                }
                move || match (shown_problem.get(), has_value.get()) {
                    (Some(problem), _) => EitherOf3::A(render_problem(problem)),
                    (None, true) => EitherOf3::B(render(loaded)),
                    (None, false) => EitherOf3::C(()),
                }
            })}
        </Suspense>
    }
}

/// Asks again whenever the key changes or a reload is asked for, and puts the answer into `loaded` or `problem`. Only
/// the answer to the latest request counts. Effects run in the browser alone; the first run is for what came with the
/// page.
fn load_again<K, T, Fut>(
    key: impl Fn() -> K + Copy + Send + Sync + 'static,
    fetch: impl Fn(K) -> Fut + Copy + Send + Sync + 'static,
    loaded: Loaded<T>,
    problem: RwSignal<Option<Problem>>,
) where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Send + Sync + 'static,
    Fut: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let latest = StoredValue::new(0_u32);
    #[cfg(feature = "hydrate")]
    let signed = use_context::<Signed>();
    Effect::new(move |before: Option<(K, u32)>| {
        let now = (key(), loaded.again.get());
        if before.is_some_and(|before| before != now) {
            let number = latest.get_value().wrapping_add(1);
            latest.set_value(number);
            loaded.busy.set(true);
            let asked = fetch(now.0.clone());
            spawn_local(async move {
                let answer = asked.await;
                // Dropped if a later request was sent, or if the screen was left.
                if latest.try_get_value() != Some(number) {
                    return;
                }
                loaded.busy.set(false);
                match answer {
                    Ok(newer) => {
                        loaded.value.set(Some(newer));
                        problem.set(None);
                        if loaded.then_heading.get_value() {
                            loaded.then_heading.set_value(false);
                            focus_heading();
                        }
                    }
                    // A problem screen would remove what is typed: the banner says that the session is over instead.
                    #[cfg(feature = "hydrate")]
                    Err(Problem::Refused(Refusal::SignedOut)) if crate::focus::is_typed_in() => {
                        if let Some(signed) = signed {
                            signed.set(Now::Over);
                        }
                    }
                    Err(newer) => problem.set(Some(newer)),
                }
            });
        }
        now
    });
}

/// Gives the focus to the page's heading, once the page is up to date.
fn focus_heading() {
    #[cfg(feature = "hydrate")]
    request_animation_frame(|| {
        if let Some(heading) = crate::focus::heading() {
            drop(heading.focus());
        }
    });
}
