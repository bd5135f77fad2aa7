//! A form that posts to a server function: by itself without scripts, in place with them.
//!
//! What is in it is sent as the browser would send it. So the one piece of code serves every form: the browser's
//! program need not know what each of them takes.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{Problem, outcome::Outcome, signed::Signed};

/// A form's way to its server function, and what came of it.
#[derive(Clone, Copy)]
pub(crate) struct FormSender {
    path: &'static str,
    /// Whom the page was made for.
    signed: Signed,
    pending: RwSignal<bool>,
    outcome: RwSignal<Option<Outcome>>,
    /// What was sent last.
    #[cfg(feature = "hydrate")]
    sent: StoredValue<Option<String>>,
    /// The fields to send once the request under way is answered.
    #[cfg(feature = "hydrate")]
    next: StoredValue<Option<String>>,
}

impl FormSender {
    /// The way to this server function.
    pub(crate) fn to<S: ServerFn<Output = Outcome, Error = Problem>>() -> Self {
        Self {
            path: S::PATH,
            signed: expect_context(),
            pending: RwSignal::new(false),
            outcome: RwSignal::new(None),
            #[cfg(feature = "hydrate")]
            sent: StoredValue::new(None),
            #[cfg(feature = "hydrate")]
            next: StoredValue::new(None),
        }
    }

    /// Whether an answer is under way; for `aria-busy`.
    pub(crate) fn busy(self) -> String {
        self.pending.get().to_string()
    }

    /// Whether an answer is under way.
    pub(crate) fn pending(self) -> Signal<bool> {
        self.pending.into()
    }

    /// What came of it last.
    pub(crate) fn outcome(self) -> Signal<Option<Outcome>> {
        self.outcome.into()
    }

    /// Forgets what came of it.
    pub(crate) fn forget(self) {
        self.outcome.set(None);
    }
}

/// The form. While an answer is under way, sending the same again does nothing: a double click is one click. Anything
/// else waits for its turn.
#[component]
pub(crate) fn PostForm(
    /// Sends it.
    action: FormSender,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView {
    // The server checks, and says what is wrong in words of its own: the browser's bubbles would only be in the way.
    view! {
        <form
            method="post"
            action={action.signed.form(action.path)}
            class=class
            novalidate=true
            on:submit=move |event| send(action, &event)
        >
            {children()}
        </form>
    }
}

#[cfg(not(feature = "hydrate"))]
const fn send(_: FormSender, _: &leptos::ev::SubmitEvent) {}

#[cfg(feature = "hydrate")]
use browser::send;

#[cfg(feature = "hydrate")]
mod browser {
    use gloo_net::http::Request;
    use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
    use policy::Refusal;
    use wasm_bindgen::JsCast;
    use web_sys::{FormData, HtmlFormElement, UrlSearchParams};

    use super::FormSender;
    use crate::{
        Problem, focus,
        outcome::Outcome,
        paths,
        signed::{Now, Signed},
    };

    /// Sends the form in place of the browser.
    pub(super) fn send(sender: FormSender, event: &SubmitEvent) {
        event.prevent_default();
        let form = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form else { return };
        let Some(mut fields) = encode(&form) else { return };
        if sender.pending.get_untracked() {
            if sender.sent.with_value(|sent| sent.as_ref() != Some(&fields)) {
                sender.next.set_value(Some(fields));
            }
            return;
        }
        sender.pending.set(true);
        spawn_local(async move {
            loop {
                sender.sent.try_set_value(Some(fields.clone()));
                let outcome = ask(sender.path, fields, sender.signed).await;
                let is_refused = outcome.is_err();
                // Of a screen that was left, nobody wants to know.
                sender.outcome.try_set(Some(outcome));
                if is_refused {
                    focus::lead_to_error(form.clone());
                }
                match sender.next.try_update_value(Option::take).flatten() {
                    Some(next) => fields = next,
                    None => break,
                }
            }
            sender.pending.try_set(false);
        });
    }

    fn encode(form: &HtmlFormElement) -> Option<String> {
        let data = FormData::new_with_form(form).ok()?;
        let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
        Some(fields.to_string().into())
    }

    async fn ask(path: &str, fields: String, signed: Signed) -> Outcome {
        let filled_in_by = signed.user();
        let request = filled_in_by.iter().fold(Request::post(path), |request, user| {
            request.header(paths::FILLED_IN_BY_HEADER, user)
        });
        let request = request
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields)
            .map_err(|_| Problem::Unreachable)?;
        let response = request.send().await.map_err(|_| Problem::Unreachable)?;
        // Who is signed in now, if that is not who filled the form in.
        if let Some(name) = response.headers().get(paths::SIGNED_IN) {
            let name = percent_encoding::percent_decode_str(&name).decode_utf8_lossy();
            signed.set(Now::Another(name.into_owned()));
        }
        let answer = response.binary().await.map_err(|_| Problem::Unreachable)?;
        let outcome = if response.ok() {
            serde_json::from_slice(&answer).unwrap_or(Err(Problem::Unreachable))
        } else {
            Err(serde_json::from_slice(&answer).unwrap_or(Problem::Unreachable))
        };
        if outcome == Err(Problem::Refused(Refusal::SignedOut)) {
            signed.set(Now::Over);
        }
        outcome
    }
}
