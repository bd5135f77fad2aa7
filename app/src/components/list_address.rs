//! What the URL of a page says about its list and its dialogs, and the links and navigations that change it.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use history::{step_back, step_to};

use crate::{
    address::use_query,
    api::list::ListQuery,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    paths,
};

/// The state that the URL holds: of the list, and of the dialog that is open.
#[derive(Clone, Copy)]
pub(crate) struct ListAddress {
    /// The path of the list.
    pub(super) base: Signal<String>,
    /// Search, filters, order and cursor.
    pub(crate) query: Memo<ListQuery>,
    /// The dialog that is open, if any.
    dialog: Memo<Option<DialogQuery>>,
    /// Whether the dialog was opened from the page behind it, which is then one step back in the browser's history.
    is_step: StoredValue<bool>,
}

impl ListAddress {
    /// Reads the URL of the current page, whose dialogs are `D`, and provides it to the page's components.
    pub(crate) fn provide<D: DialogUrl>(base: Signal<String>) -> Self {
        let [q, role, kind, state] = ["q", "role", "kind", "state"].map(use_query);
        let [sort, order, after] = ["sort", "order", "after"].map(use_query);
        let query = Memo::new(move |_| ListQuery {
            q: q.get(),
            role: role.get(),
            kind: kind.get(),
            state: state.get(),
            sort: sort.get(),
            order: order.get(),
            after: after.get(),
        });
        let [dialog, user, key] = ["dialog", "user", "key"].map(use_query);
        let dialog = Memo::new(move |_| {
            let subject = DialogSubject {
                user: user.get().parse().ok(),
                key: key.get().parse().ok(),
            };
            D::from_query(&dialog.get(), subject).map(D::to_query)
        });
        let address = Self {
            base,
            query,
            dialog,
            is_step: StoredValue::new(false),
        };
        provide_context(address);
        Effect::new(move |was_open: Option<bool>| {
            let now = dialog.get();
            let is_open = now.is_some();
            match was_open {
                Some(false) if is_open => {
                    address.is_step.set_value(true);
                    step_to(&untrack(|| address.link_with(&query.get(), now)));
                }
                // A dialog that replaces another belongs to the same step of the history.
                Some(true) if is_open => {}
                Some(_) | None => address.is_step.set_value(false),
            }
            is_open
        });
        address
    }

    /// Returns the open dialog, as one of the screen's dialogs `D`. Tracks changes.
    pub(crate) fn dialog<D: DialogUrl>(self) -> Option<D> {
        let DialogQuery { name, subject } = self.dialog.get()?;
        D::from_query(name, subject)
    }

    /// Returns whether no dialog is open. Tracks changes.
    pub(crate) fn is_closed(self) -> bool {
        self.dialog.with(Option::is_none)
    }

    /// Returns the address of the list with another query and no dialog.
    pub(crate) fn link(self, query: &ListQuery) -> String {
        self.link_with(query, None)
    }

    fn link_with(self, query: &ListQuery, dialog: Option<DialogQuery>) -> String {
        self.base.with(|base| paths::with_query(base, query, dialog))
    }

    /// Returns the address of the current list with this dialog open.
    pub(crate) fn to<D: DialogUrl>(self, dialog: D) -> Signal<String> {
        let dialog = dialog.to_query();
        Signal::derive(move || self.link_to(dialog))
    }

    /// The same as it is now. Tracks changes.
    pub(crate) fn link_to(self, dialog: DialogQuery) -> String {
        self.query.with(|query| self.link_with(query, Some(dialog)))
    }

    /// Returns the address of the current list with no dialog open.
    pub(crate) fn closed(self) -> Signal<String> {
        Signal::derive(move || self.link(&self.query.get()))
    }

    /// Returns the address of the list as a CSV file: all pages, with the current search, filters and order.
    pub(crate) fn export(self) -> String {
        let query = ListQuery {
            after: String::new(),
            ..self.query.get()
        };
        self.base
            .with(|base| paths::with_query(&format!("{base}.csv"), &query, None))
    }

    /// Returns a function that opens another dialog by script, or closes the open one if given `None`.
    pub(crate) fn switch<D: DialogUrl>(self) -> impl Fn(Option<D>) + Clone + 'static {
        let show = self.show();
        move |dialog| show(dialog.map(D::to_query))
    }

    /// Returns a function that closes the open dialog by script.
    pub(crate) fn closer(self) -> impl Fn() + Clone + 'static {
        let show = self.show();
        move || show(None)
    }

    /// Returns a function that navigates to a dialog, or to none. A dialog that was opened by a step in the history is
    /// closed by a step back: otherwise the back button would lead to the page that is already shown.
    fn show(self) -> impl Fn(Option<DialogQuery>) + Clone + 'static {
        let navigate = use_navigate();
        move |dialog| {
            if dialog.is_none() && self.is_step.get_value() {
                // Only once: going back takes a moment, and a second step would leave the page.
                self.is_step.set_value(false);
                step_back();
            } else if self.dialog.get_untracked() != dialog {
                let options = NavigateOptions {
                    replace: dialog.is_none() || self.dialog.get_untracked().is_some(),
                    scroll: false,
                    ..NavigateOptions::default()
                };
                navigate(&untrack(|| self.link_with(&self.query.get(), dialog)), options);
            }
        }
    }
}

/// Steps in the browser's history that the router does not make.
#[cfg(feature = "hydrate")]
mod history {
    use leptos::prelude::window;
    use wasm_bindgen::JsValue;

    pub(super) fn step_back() {
        if let Ok(history) = window().history() {
            drop(history.back());
        }
    }

    /// Makes sure that opening a dialog added a step to the history. The router skips the step if the address equals
    /// the last one it noted: the same dialog, opened again after a step back that the router did not see.
    pub(super) fn step_to(link: &str) {
        let is_noted = window()
            .location()
            .search()
            .is_ok_and(|search| search.contains("dialog="));
        if !is_noted && let Ok(history) = window().history() {
            drop(history.push_state_with_url(&JsValue::NULL, "", Some(link)));
        }
    }
}

#[cfg(not(feature = "hydrate"))]
mod history {
    pub(super) const fn step_back() {}

    pub(super) const fn step_to(_: &str) {}
}
