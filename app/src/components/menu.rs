//! A button and its menu (WAI-ARIA APG, menu button), over the browser's popover: opens and closes without scripts;
//! with them the arrow keys move through it.

use leptos::{ev::KeyboardEvent, prelude::*};

/// The button with its menu.
#[component]
pub(crate) fn Menu(
    /// The menu's id, unique in the page.
    #[prop(into)]
    id: String,
    /// What the button is called.
    #[prop(into)]
    label: Signal<String>,
    /// The button's class.
    #[prop(default = "icon-button")]
    class: &'static str,
    /// The content of the button.
    #[prop(into)]
    face: ViewFn,
    /// The items.
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

/// A button and a small window with more than a menu has room for. Without scripts it opens and closes as well.
#[component]
pub(crate) fn Popover(
    /// The window's id, unique in the page.
    #[prop(into)]
    id: String,
    /// What the button is called.
    #[prop(into)]
    label: Signal<String>,
    /// The button's class.
    class: &'static str,
    /// The content of the button.
    #[prop(into)]
    face: ViewFn,
    /// The content of the window.
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

/// An item that leads somewhere.
#[component]
pub(crate) fn MenuLink(
    /// Where to.
    #[prop(into)]
    href: Signal<String>,
    /// Whether it is dangerous.
    #[prop(optional)]
    is_dangerous: bool,
    /// Whether it is where the reader is.
    #[prop(optional, into)]
    is_current: Signal<bool>,
    /// Its text.
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

/// An item that sends the form around it.
#[component]
pub(crate) fn MenuForm(
    /// Its text.
    children: Children,
) -> impl IntoView {
    view! {
        <button type="submit" class="menu-item" role="menuitem" on:click=|event| keys::close(&event)>
            {children()}
        </button>
    }
}

/// Why something is not in the menu.
#[component]
pub(crate) fn MenuExplanation(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="menu-explanation" role="menuitem" aria-disabled="true" tabindex="-1">{text}</p> }
}

/// Keys and focus.
mod keys {
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

        /// Arrow down on the button opens the menu.
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

        /// The first item has the focus once the menu is open.
        pub(crate) fn enter(event: ev::Event) {
            if let Some(menu) = event.target().and_then(|target| target.dyn_into::<Element>().ok())
                && menu.matches(":popover-open").unwrap_or(false)
                && let Some(first) = items(&menu).first()
            {
                drop(first.focus());
            }
        }

        /// What is typed into has the focus once the window is open.
        pub(crate) fn enter_popover(event: ev::Event) {
            if let Some(popover) = event.target().and_then(|target| target.dyn_into::<Element>().ok())
                && popover.matches(":popover-open").unwrap_or(false)
                && let Ok(Some(field)) = popover.query_selector("input")
                && let Ok(field) = field.dyn_into::<HtmlElement>()
            {
                drop(field.focus());
            }
        }

        /// A link in the window leads away from it.
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

        /// Arrows, Home and End move; Tab closes.
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

        /// Choosing an item closes the menu, and gives the focus back to its button.
        pub(crate) fn close(event: &ev::MouseEvent) {
            let menu = event
                .current_target()
                .and_then(|target| target.dyn_into::<Element>().ok())
                .and_then(|item| item.closest("[popover]").ok().flatten())
                .and_then(|menu| menu.dyn_into::<HtmlElement>().ok());
            if let Some(menu) = menu {
                // After the click has done its work: a hidden button would not send its form.
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

    pub(super) use browser::{close, enter, enter_popover, leave_popover, open, walk};
}
