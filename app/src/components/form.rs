//! A form that posts to a server function: by itself without scripts, in place with them.

use leptos::{
    form::ActionForm,
    prelude::*,
    server_fn::{Http, ServerFn, client::Client, codec::PostUrl, request::ClientReq},
};
use serde::de::DeserializeOwned;

/// The form. While an answer is under way, sending it again does nothing: a double click is one click.
#[component]
pub(crate) fn PostForm<S, Output>(
    /// What it does.
    action: ServerAction<S>,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView
where
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, Output>> + Clone + Send + Sync + 'static,
    <<S::Client as Client<S::Error>>::Request as ClientReq<S::Error>>::FormData: From<web_sys::FormData>,
    S::Output: Send + Sync + 'static,
    S::Error: Send + Sync + 'static,
    <S as ServerFn>::Client: Client<<S as ServerFn>::Error>,
{
    let pending = action.pending();
    let once = move |event: leptos::ev::SubmitEvent| {
        if pending.try_get_untracked() == Some(true) {
            event.prevent_default();
        }
    };
    // The server checks, and says what is wrong in words of its own: the browser's bubbles would only be in the way.
    view! {
        <ActionForm action=action attr:class=class attr:novalidate=true on:submit:capture=once>
            {children()}
        </ActionForm>
    }
}
