//! Whose password a form is about, for password managers: they save and offer passwords by it.

use leptos::prelude::*;

/// The address of whoever is signed in. The frame provides it.
#[derive(Clone, Copy)]
pub(crate) struct OwnAddress(RwSignal<String>);

impl OwnAddress {
    /// Makes it known to everything in the frame. On the server it is known at once, in the browser when the frame
    /// is.
    pub(crate) fn provide() -> Self {
        #[cfg(feature = "ssr")]
        let address = crate::request_context::signed_in()
            .map(|(_, session)| session.email.to_string())
            .unwrap_or_default();
        #[cfg(not(feature = "ssr"))]
        let address = String::new();
        let own = Self(RwSignal::new(address));
        provide_context(own);
        own
    }

    /// The frame has come to know it.
    pub(crate) fn set(self, address: String) {
        self.0.set(address);
    }

    /// The address, where there is a frame.
    pub(crate) fn here() -> Signal<String> {
        use_context::<Self>().map_or_else(|| Signal::stored(String::new()), |own| own.0.into())
    }
}

/// A field that nobody sees, and that isn't sent. It stands before the password in its form.
#[component]
pub(crate) fn Username(
    /// The address the person signs in with.
    #[prop(into)]
    email: Signal<String>,
    /// Its id, unique in the page.
    #[prop(into)]
    id: String,
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
