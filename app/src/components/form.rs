//! A form that posts to a server function: by the browser without scripts, by `fetch` with them.
//!
//! The fields are sent as the browser would send them. So one piece of code serves every form, and the browser's
//! program need not know the arguments of each server function.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{Problem, outcome::Outcome, signed::Signed};

/// Sends a form to its server function, and holds the outcome.
#[derive(Clone, Copy)]
pub(crate) struct FormSender {
    path: &'static str,
    /// The person the page was made for.
    signed: Signed,
    pending: RwSignal<bool>,
    outcome: RwSignal<Option<Outcome>>,
    /// The fields that were sent last.
    #[cfg(feature = "hydrate")]
    sent: StoredValue<Option<String>>,
    /// The fields to send once the request that is under way is answered.
    #[cfg(feature = "hydrate")]
    next: StoredValue<Option<String>>,
}

impl FormSender {
    /// Returns the sender of this server function's form.
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

    /// Returns whether a request is under way, as a value of `aria-busy`.
    pub(crate) fn busy(self) -> String {
        self.pending.get().to_string()
    }

    /// Returns whether a request is under way.
    pub(crate) fn pending(self) -> Signal<bool> {
        self.pending.into()
    }

    /// Returns the latest outcome.
    pub(crate) fn outcome(self) -> Signal<Option<Outcome>> {
        self.outcome.into()
    }

    /// Forgets the latest outcome.
    pub(crate) fn forget(self) {
        self.outcome.set(None);
    }
}

/// The form. While a request is under way, sending the same fields again does nothing, so a double click counts once;
/// other fields are sent after it.
#[component]
pub(crate) fn PostForm(
    action: FormSender,
    #[prop(optional)] class: &'static str,
    /// Its id, for buttons that stand elsewhere.
    #[prop(optional)]
    id: Option<&'static str>,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView {
    // `novalidate`, since the server checks and shows its own messages: the browser's would duplicate them.
    view! {
        <form
            id=id
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
    use web_sys::{FormData, HtmlElement, HtmlFormElement, UrlSearchParams};

    use super::FormSender;
    use crate::{
        Problem, answers, focus,
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
        let Some(mut fields) = encode(&form, event.submitter().as_ref()) else {
            return;
        };
        if sender.pending.get_untracked() {
            if sender.sent.with_value(|sent| sent.as_ref() != Some(&fields)) {
                sender.next.set_value(Some(fields));
            }
            return;
        }
        sender.pending.set(true);
        // What was asked for ahead may be out of date now.
        answers::expire();
        spawn_local(async move {
            loop {
                sender.sent.try_set_value(Some(fields.clone()));
                let outcome = ask(sender.path, fields, sender.signed).await;
                let is_refused = outcome.is_err();
                // The screen may have been left meanwhile: then its signals are gone, and the outcome is dropped.
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

    /// Returns the fields of a form, and what the button that sends it says.
    fn encode(form: &HtmlFormElement, button: Option<&HtmlElement>) -> Option<String> {
        let data = FormData::new_with_form(form).ok()?;
        let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
        let said = |name| button.and_then(|button| button.get_attribute(name));
        if let (Some(name), Some(value)) = (said("name"), said("value")) {
            fields.append(&name, &value);
        }
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
        // The header names who is signed in now, if that is not who filled the form in.
        if let Some(name) = response.headers().get(paths::SIGNED_IN) {
            let name = percent_encoding::percent_decode_str(&name).decode_utf8_lossy();
            signed.set(Now::Another(name.into_owned()));
        }
        let answer = response.binary().await.map_err(|_| Problem::Unreachable)?;
        let outcome = if response.ok() {
            answers::decode(&answer).unwrap_or(Err(Problem::Unreachable))
        } else {
            Err(answers::decode(&answer).unwrap_or(Problem::Unreachable))
        };
        if outcome == Err(Problem::Refused(Refusal::SignedOut)) {
            signed.set(Now::Over);
        }
        outcome
    }
}
