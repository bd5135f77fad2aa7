//! The menu of a list's rows: one for all of them, filled for the person whose button was pressed. Without scripts, and
//! before they run, the button leads to the page with the same choices open (`?dialog=actions&user=`).

use leptos::{ev, html, prelude::*};
use policy::UserId;

use super::{button_link::ButtonLink, dialog::Dialog, list_address::ListAddress, menu::keys};
use crate::{api::list::ListQuery, markup::Markup};

/// The id of the menu, and that of the form of its buttons.
const MENU: &str = "row-menu";
const FORM: &str = "actions";

/// The menu: whom it is open for.
#[derive(Clone, Copy)]
pub(crate) struct RowMenu {
    open: RwSignal<Option<UserId>>,
    node: NodeRef<html::Div>,
}

impl RowMenu {
    pub(crate) fn new() -> Self {
        Self {
            open: RwSignal::new(None),
            node: NodeRef::new(),
        }
    }

    /// Whom it is open for. Follows changes.
    pub(crate) fn user(self) -> Option<UserId> {
        self.open.get()
    }
}

/// Writes the button of a row that opens the menu for a person.
pub(crate) fn write_menu_button(out: &mut Markup, user: UserId, name: &str) {
    out.open("button")
        .attribute("form", FORM)
        .attribute("name", "user")
        .attribute("value", &user.to_string())
        .attribute("aria-haspopup", "menu")
        .attribute("aria-label", &label(name))
        .attribute("class", "row-menu");
    out.raw("</button>");
}

fn label(name: &str) -> String {
    format!("Actions for {name}")
}

/// The form of the rows' buttons, which leads to the list as it is, with the choices open.
#[component]
pub(super) fn RowMenuForm() -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Once, since no script lets it be sent.
    let fields = untrack(|| address.query.with(fields));
    view! { <form id=FORM method="get" action=address.base.get_untracked() hidden=true inner_html=fields></form> }
}

fn fields(query: &ListQuery) -> String {
    let mut out = Markup::default();
    let pairs = query.pairs().into_iter().filter(|(_, value)| !value.is_empty());
    for (name, value) in pairs.chain([("dialog", "actions")]) {
        out.open("input")
            .attribute("type", "hidden")
            .attribute("name", name)
            .attribute("value", value);
    }
    out.into_html()
}

/// The menu, filled for whom it is open.
#[component]
pub(crate) fn RowMenuItems(
    menu: RowMenu,
    /// The name of the person.
    #[prop(into)]
    name: Signal<String>,
    /// Its items.
    children: Children,
) -> impl IntoView {
    view! {
        <div
            id=MENU
            class="menu"
            popover="auto"
            role="menu"
            aria-label=move || label(&name.get())
            node_ref=menu.node
            on:keydown=keys::walk
            on:toggle=move |_| browser::toggled(menu)
        >
            {children()}
        </div>
    }
}

/// The same choices as a dialog of the page.
#[component]
pub(crate) fn RowActionsDialog(
    /// The name of the person.
    name: String,
    /// The address of the page without the dialog.
    close: String,
    /// The items.
    children: Children,
) -> impl IntoView {
    let label = label(&name);
    view! {
        <Dialog title=label.clone() close=close.clone()>
            <div role="menu" aria-label=label class="menu-choices" on:keydown=keys::walk>{children()}</div>
            <div class="dialog-actions"><ButtonLink href=close>"Close"</ButtonLink></div>
        </Dialog>
    }
}

/// A click in a row, which may be one on its button.
pub(super) fn pressed(menu: RowMenu, event: &ev::MouseEvent) {
    browser::pressed(menu, event);
}

/// The rows have changed, and the button with them.
#[cfg(feature = "hydrate")]
pub(super) fn rows_changed(menu: RowMenu, body: &web_sys::Element) {
    browser::find_button(menu, body);
}

#[cfg(not(feature = "hydrate"))]
mod browser {
    use leptos::ev;

    use super::RowMenu;

    pub(super) const fn toggled(_: RowMenu) {}
    pub(super) const fn pressed(_: RowMenu, _: &ev::MouseEvent) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::{ev, prelude::*};
    use policy::UserId;
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};

    use super::{FORM, MENU, RowMenu, keys};
    use crate::focus;

    /// Makes the button open the menu in place of sending its form: what a click does is looked up once it was handled.
    pub(super) fn pressed(menu: RowMenu, event: &ev::MouseEvent) {
        let button = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|target| target.closest(&format!("button[form={FORM}]")).ok().flatten());
        let Some(button) = button else { return };
        let user: Option<UserId> = button.get_attribute("value").and_then(|id| id.parse().ok());
        if menu.open.get_untracked() != user {
            hide(menu);
            release();
            bind(&button);
            menu.open.set(user);
        }
    }

    /// Once the menu is open its first item has the focus; once it is closed the button is as it was.
    pub(super) fn toggled(menu: RowMenu) {
        if is_open(menu) {
            enter(menu);
            return;
        }
        let button = bound().and_then(|button| button.dyn_into::<HtmlElement>().ok());
        release();
        menu.open.set(None);
        // The browser gives the focus back to the button that opened it; that one may have been replaced.
        if focus::is_lost()
            && let Some(button) = button
        {
            focus::quietly(&button);
        }
    }

    /// Binds the menu to the new button of the person it is open for. If they have none any more, it closes.
    pub(super) fn find_button(menu: RowMenu, body: &Element) {
        let Some(user) = menu.open.get_untracked() else { return };
        let button = body
            .query_selector(&format!("button[form={FORM}][value='{user}']"))
            .ok()
            .flatten();
        match button {
            Some(button) if button.has_attribute("popovertarget") => {}
            Some(button) => bind(&button),
            None => {
                hide(menu);
                focus::to_heading_if_lost();
                return;
            }
        }
        // What it offers may have changed as well, and the item that had the focus.
        request_animation_frame(move || {
            if is_open(menu) && focus::is_lost() {
                enter(menu);
            }
        });
    }

    fn enter(menu: RowMenu) {
        if let Some(menu) = element(menu) {
            keys::focus_first(&menu);
        }
    }

    /// A button that opens a popover by the browser's own means: it says whether the menu is open, a second click
    /// closes it, and Escape gives the focus back.
    fn bind(button: &Element) {
        drop(button.set_attribute("type", "button"));
        drop(button.set_attribute("popovertarget", MENU));
    }

    fn bound() -> Option<Element> {
        document()
            .query_selector(&format!("[popovertarget={MENU}]"))
            .ok()
            .flatten()
    }

    fn release() {
        if let Some(button) = bound() {
            drop(button.remove_attribute("popovertarget"));
            drop(button.remove_attribute("type"));
        }
    }

    fn element(menu: RowMenu) -> Option<HtmlElement> {
        menu.node.get_untracked().map(|node| node.unchecked_into())
    }

    fn is_open(menu: RowMenu) -> bool {
        element(menu).is_some_and(|menu| menu.matches(":popover-open").unwrap_or_default())
    }

    fn hide(menu: RowMenu) {
        if let Some(menu) = element(menu) {
            drop(menu.hide_popover());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fields, write_menu_button};
    use crate::{
        api::list::ListQuery,
        markup::{
            Markup,
            tests::{HOSTILE, Piece, read, shape},
        },
    };

    /// The names and the values of the fields.
    fn sent(query: &ListQuery) -> Vec<(String, String)> {
        let value = |attributes: &[(String, String)], name: &str| {
            attributes
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        read(&fields(query))
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Tag(_, attributes) => Some((value(&attributes, "name"), value(&attributes, "value"))),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn the_choices_are_those_of_the_list_as_it_is() {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(sent(&ListQuery::default()), [own("dialog", "actions")]);
        for q in HOSTILE {
            let query = ListQuery {
                q: q.to_owned(),
                sort: "added".to_owned(),
                ..ListQuery::default()
            };
            assert_eq!(
                sent(&query),
                [own("q", q), own("sort", "added"), own("dialog", "actions")]
            );
        }
    }

    #[test]
    fn a_button_names_whom_it_is_about() {
        let user = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let written = |name: &str| {
            let mut out = Markup::default();
            write_menu_button(&mut out, user, name);
            out.into_html()
        };
        assert!(written("Eve").contains("value=\"0192f0c1-2345-7abc-8def-0123456789ab\""));
        for name in HOSTILE {
            assert_eq!(shape(&written(name)), shape(&written("Eve")), "{name}");
        }
    }
}
