//! Tells password managers whose password a form is about: they save and offer passwords by the user name.

use leptos::prelude::*;

/// The address of the person who is signed in. The frame provides it.
#[derive(Clone, Copy)]
pub(crate) struct OwnAddress(RwSignal<String>);

impl OwnAddress {
    /// Provides it to everything in the frame. On the server it is known at once, in the browser once the frame is
    /// loaded.
    pub(crate) fn provide() -> Self {
        #[cfg(feature = "ssr")]
        let address = crate::request_context::signed_in()
            .map(|(_, session, _)| session.email.to_string())
            .unwrap_or_default();
        #[cfg(not(feature = "ssr"))]
        let address = String::new();
        let own = Self(RwSignal::new(address));
        provide_context(own);
        own
    }

    /// Sets it, once the frame is loaded.
    pub(crate) fn set(self, address: String) {
        self.0.set(address);
    }

    /// Returns the address, or an empty text outside of a frame.
    pub(crate) fn here() -> Signal<String> {
        use_context::<Self>().map_or_else(|| Signal::stored(String::new()), |own| own.0.into())
    }
}

/// A hidden field with the user name, which is not sent. It stands before the password in its form.
#[component]
pub(crate) fn Username(
    /// The address the person signs in with.
    #[prop(into)]
    email: Signal<String>,
    #[prop(into)] id: String,
) -> impl IntoView {
    view! {
        <input
            id=id
            type="text"
            class="visually-hidden"
            autocomplete="username"
            value=move || email.get()
            readonly=true
            tabindex="-1"
            aria-hidden="true"
        />
    }
}
