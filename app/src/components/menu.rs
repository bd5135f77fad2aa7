//! A menu button and its menu (WAI-ARIA APG, menu button), over the browser's popover: opens and closes without
//! scripts; with them the arrow keys move through it.

use leptos::{ev::KeyboardEvent, prelude::*};

#[component]
pub(crate) fn Menu(
    /// The menu's id, unique in the page.
    #[prop(into)]
    id: String,
    /// The accessible name of the button.
    #[prop(into)]
    label: Signal<String>,
    class: &'static str,
    /// The content of the button.
    #[prop(into)]
    face: ViewFn,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="menu-anchor">
            <button
                type="button"
                class=class
                popovertarget=id.clone()
                aria-haspopup="menu"
                aria-label=move || label.get()
                on:keydown=keys::open
            >
                {face.run()}
            </button>
            <div
                id=id
                class="menu"
                popover="auto"
                role="menu"
                aria-label=move || label.get()
                on:keydown=keys::walk
                on:toggle=keys::enter
            >
                {children()}
            </div>
        </div>
    }
}

/// A button and a popover, for content that does not fit a menu. Opens and closes without scripts too.
#[component]
pub(crate) fn Popover(
    /// The popover's id, unique in the page.
    #[prop(into)]
    id: String,
    /// The accessible name of the button.
    #[prop(into)]
    label: Signal<String>,
    class: &'static str,
    /// The content of the button.
    #[prop(into)]
    face: ViewFn,
    /// The content of the popover.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="menu-anchor">
            <button
                type="button"
                class=class
                popovertarget=id.clone()
                aria-haspopup="dialog"
                aria-label=move || label.get()
            >
                {face.run()}
            </button>
            <div
                id=id
                class="menu popover"
                popover="auto"
                role="dialog"
                aria-label=move || label.get()
                on:toggle=keys::enter_popover
                on:click=keys::leave_popover
            >
                {children()}
            </div>
        </div>
    }
}

/// An item of a menu that is a link.
#[component]
pub(crate) fn MenuLink(
    #[prop(into)] href: Signal<String>,
    /// Whether what it leads to is dangerous, such as deleting.
    #[prop(optional)]
    is_dangerous: bool,
    /// Whether it leads to the current page.
    #[prop(optional, into)]
    is_current: Signal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <a
            class="menu-item"
            class:is-dangerous=is_dangerous
            role="menuitem"
            href=move || href.get()
            aria-current=move || is_current.get().then_some("true")
            on:click=|event| keys::close(&event)
        >
            {children()}
        </a>
    }
}

/// An item of a menu that sends the form around it.
#[component]
pub(crate) fn MenuForm(children: Children) -> impl IntoView {
    view! {
        <button type="submit" class="menu-item" role="menuitem" on:click=|event| keys::close(&event)>
            {children()}
        </button>
    }
}

/// An item that says why an action is not in the menu.
#[component]
pub(crate) fn MenuExplanation(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="menu-explanation" role="menuitem" aria-disabled="true" tabindex="-1">{text}</p> }
}

/// Handles keys and focus in the browser; does nothing on the server.
pub(super) mod keys {
    use super::KeyboardEvent;

    #[cfg(not(feature = "hydrate"))]
    mod browser {
        use super::KeyboardEvent;

        pub(crate) fn open(_: KeyboardEvent) {}
        pub(crate) fn walk(_: KeyboardEvent) {}
        pub(crate) fn enter(_: leptos::ev::Event) {}
        pub(crate) fn enter_popover(_: leptos::ev::Event) {}
        pub(crate) fn leave_popover(_: leptos::ev::MouseEvent) {}
        pub(crate) fn close(_: &leptos::ev::MouseEvent) {}
    }

    #[cfg(feature = "hydrate")]
    mod browser {
        use leptos::{ev, prelude::*};
        use wasm_bindgen::JsCast;
        use web_sys::{Element, HtmlElement};

        use super::KeyboardEvent;

        /// Opens the menu by the arrow down on its button.
        pub(crate) fn open(event: KeyboardEvent) {
            if event.key() == "ArrowDown" {
                event.prevent_default();
                if let Some(button) = event
                    .current_target()
                    .and_then(|target| target.dyn_into::<HtmlElement>().ok())
                {
                    button.click();
                }
            }
        }

        /// Focuses the first item once the menu is open.
        pub(crate) fn enter(event: ev::Event) {
            if let Some(menu) = event.target().and_then(|target| target.dyn_into::<Element>().ok())
                && menu.matches(":popover-open").unwrap_or(false)
            {
                focus_first(&menu);
            }
        }

        /// Focuses the first item.
        pub(crate) fn focus_first(menu: &Element) {
            if let Some(first) = items(menu).first() {
                drop(first.focus());
            }
        }

        /// Focuses the text field once the popover is open.
        pub(crate) fn enter_popover(event: ev::Event) {
            if let Some(popover) = event.target().and_then(|target| target.dyn_into::<Element>().ok())
                && popover.matches(":popover-open").unwrap_or(false)
                && let Ok(Some(field)) = popover.query_selector("input")
                && let Ok(field) = field.dyn_into::<HtmlElement>()
            {
                drop(field.focus());
            }
        }

        /// Closes the popover when a link in it is followed.
        pub(crate) fn leave_popover(event: ev::MouseEvent) {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let is_link = target.is_some_and(|target| target.closest("a").is_ok_and(|link| link.is_some()));
            if is_link
                && let Some(popover) = event
                    .current_target()
                    .and_then(|target| target.dyn_into::<HtmlElement>().ok())
            {
                request_animation_frame(move || drop(popover.hide_popover()));
            }
        }

        /// Moves the focus by the arrow keys, Home and End; Tab closes the menu.
        pub(crate) fn walk(event: KeyboardEvent) {
            let Some(menu) = event
                .current_target()
                .and_then(|target| target.dyn_into::<HtmlElement>().ok())
            else {
                return;
            };
            let items = items(&menu);
            let Some(last) = items.len().checked_sub(1) else { return };
            let active = document().active_element();
            let here = items.iter().position(|item| active.as_ref() == Some(item.as_ref()));
            let next = match event.key().as_str() {
                "ArrowDown" => here.map_or(0, |here| if here == last { 0 } else { here + 1 }),
                "ArrowUp" => here.map_or(last, |here| if here == 0 { last } else { here - 1 }),
                "Home" => 0,
                "End" => last,
                "Tab" => {
                    drop(menu.hide_popover());
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            drop(items[next].focus());
        }

        /// Closes the menu when an item is chosen, and returns the focus to its button.
        pub(crate) fn close(event: &ev::MouseEvent) {
            let menu = event
                .current_target()
                .and_then(|target| target.dyn_into::<Element>().ok())
                .and_then(|item| item.closest("[popover]").ok().flatten())
                .and_then(|menu| menu.dyn_into::<HtmlElement>().ok());
            if let Some(menu) = menu {
                // After the click was handled: a hidden button would not send its form.
                request_animation_frame(move || drop(menu.hide_popover()));
            }
        }

        fn items(menu: &Element) -> Vec<HtmlElement> {
            let Ok(found) = menu.query_selector_all("[role=menuitem]") else {
                return Vec::new();
            };
            (0..found.length())
                .filter_map(|at| found.get(at)?.dyn_into().ok())
                .collect()
        }
    }

    #[cfg(feature = "hydrate")]
    pub(crate) use browser::focus_first;
    pub(crate) use browser::walk;
    pub(super) use browser::{close, enter, enter_popover, leave_popover, open};
}
