//! A list as a table: its rows, which are text, or what is said of an empty list, and the links to other pages. What
//! happens in a row is heard at the table.

use leptos::{either::Either, ev, html, prelude::*};

use super::{
    icon::{Icon, Sign},
    list_address::ListAddress,
    row_menu::{self, RowMenu, RowMenuForm},
    rows::Rows,
};
use crate::api::list::ListQuery;

/// A list as a table: its rows or the text of the empty list, and the links to other pages.
#[component]
pub(crate) fn Listing(
    rows: Memo<Rows>,
    /// The cursor of the next page.
    next: Signal<Option<String>>,
    /// Whether a newer list is under way.
    busy: RwSignal<bool>,
    #[prop(default = "table listing rows")] class: &'static str,
    empty: Empty,
    /// What to do first, if the list is empty without a search (N5).
    #[prop(optional, into)]
    begin: Option<ViewFn>,
    /// The cells of the table's head.
    #[prop(into)]
    head: ViewFn,
    /// The menu of its rows.
    #[prop(optional)]
    menu: Option<RowMenu>,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| rows.with(|rows| rows.len() == 0));
    let announced = announce_changes(busy, move || {
        how_many(rows.with_untracked(Rows::len), untrack(|| next.get()).is_some())
    });
    let table = Table::new(rows, menu);
    view! {
        <p class="visually-hidden" role="status">{move || announced.get()}</p>
        <div class="table-frame" aria-busy=move || busy.get().to_string()>
            {move || if is_empty.get() {
                Either::Left(view! { <EmptyList says=empty begin=begin.clone()/> })
            } else {
                Either::Right(view! {
                    // The roles are written out, since a narrow window has the parts of a row beneath each other.
                    <table class=class role="table" aria-labelledby="heading">
                        <thead role="rowgroup">
                            <tr role="row">{head.run()}</tr>
                        </thead>
                        <tbody
                            role="rowgroup"
                            node_ref=table.body
                            inner_html=table.begin()
                            on:click=move |event| table.clicked(&event)
                            on:keydown=pressed
                        ></tbody>
                    </table>
                })
            }}
        </div>
        {menu.map(|_| view! { <RowMenuForm/> })}
        <Pager next/>
    }
}

/// The body of the table.
#[derive(Clone, Copy)]
struct Table {
    rows: Memo<Rows>,
    menu: Option<RowMenu>,
    body: NodeRef<html::Tbody>,
    /// The rows that are on the page.
    #[cfg(feature = "hydrate")]
    shown: StoredValue<Rows>,
}

impl Table {
    fn new(rows: Memo<Rows>, menu: Option<RowMenu>) -> Self {
        let table = Self {
            rows,
            menu,
            body: NodeRef::new(),
            #[cfg(feature = "hydrate")]
            shown: StoredValue::new(Rows::default()),
        };
        #[cfg(feature = "hydrate")]
        Effect::new(move |_| table.update());
        table
    }

    /// The rows the body begins with: those that are there, in a page that the server rendered.
    fn begin(self) -> String {
        #[cfg(feature = "hydrate")]
        self.shown.set_value(self.rows.get_untracked());
        self.rows.with_untracked(|rows| rows.html().to_owned())
    }

    #[cfg(feature = "hydrate")]
    fn update(self) {
        self.rows.track();
        let Some(body) = self.body.get() else { return };
        let rows = self.rows.get_untracked();
        self.shown
            .with_value(|shown| super::row_patch::patch(&body, shown, &rows));
        self.shown.set_value(rows);
        if let Some(menu) = self.menu {
            row_menu::rows_changed(menu, &body);
        }
    }

    fn clicked(self, event: &ev::MouseEvent) {
        if let Some(menu) = self.menu {
            row_menu::pressed(menu, event);
        }
    }
}

/// A key in a row: the arrow down opens its menu, and the space bar presses what is called a button.
#[cfg(feature = "hydrate")]
fn pressed(event: ev::KeyboardEvent) {
    use wasm_bindgen::JsCast;

    let wanted = match event.key().as_str() {
        "ArrowDown" => "button[aria-haspopup=menu]",
        " " => "a[role=button]",
        _ => return,
    };
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(target) = target.filter(|target| target.matches(wanted).unwrap_or_default()) {
        event.prevent_default();
        target.click();
    }
}

#[cfg(not(feature = "hydrate"))]
fn pressed(_: ev::KeyboardEvent) {}

/// The links to the next page and back to the first.
#[component]
fn Pager(
    /// The cursor of the next page.
    next: Signal<Option<String>>,
) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let is_first = move || address.query.with(|query| query.after.is_empty());
    let to_page = move |after: String| {
        address.link(&ListQuery {
            after,
            ..address.query.get()
        })
    };
    move || {
        let (next, is_first) = (next.get(), is_first());
        (next.is_some() || !is_first).then(|| {
            view! {
                <nav class="pager" aria-label="Pages">
                    {(!is_first).then(|| view! { <a class="button" href=to_page(String::new())>"First page"</a> })}
                    {next.map(|after| view! { <a class="button" rel="next" href=to_page(after)>"Next page"</a> })}
                </nav>
            }
        })
    }
}

/// Announces the result of a search, a filter or another page to screen readers (N2); says nothing of the first page
/// that is shown, or of a change by others. If the focused element was removed, the heading gets the focus.
fn announce_changes(busy: RwSignal<bool>, text: impl Fn() -> String + 'static) -> ReadSignal<String> {
    let query = expect_context::<ListAddress>().query;
    let (announced, announce) = signal(String::new());
    Effect::new(move |shown: Option<ListQuery>| {
        let (is_busy, asked) = (busy.get(), query.get_untracked());
        match shown {
            Some(shown) if is_busy => {
                // A screen reader announces only a text that differs from the last one.
                announce.set(String::new());
                shown
            }
            Some(shown) if shown != asked => {
                announce.set(text());
                #[cfg(feature = "hydrate")]
                crate::focus::to_heading_if_lost();
                asked
            }
            Some(_) | None => asked,
        }
    });
    announced
}

fn how_many(count: usize, has_more: bool) -> String {
    match (count, has_more) {
        (0, _) => "Nothing found".to_owned(),
        (_, true) => format!("{count} shown, more on the next page"),
        (_, false) => format!("{count} shown"),
    }
}

/// The texts of an empty list: a title and a sentence each.
#[derive(Clone, Copy)]
pub(crate) struct Empty {
    pub(crate) sign: Sign,
    /// If nothing matches the search and the filters.
    pub(crate) none_fits: (&'static str, &'static str),
    /// If there is nothing at all.
    pub(crate) none: (&'static str, &'static str),
    /// The label of the link that removes search and filters.
    pub(crate) show_all: &'static str,
}

#[component]
fn EmptyList(says: Empty, begin: Option<ViewFn>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    move || {
        let (is_narrowed, is_first) = address
            .query
            .with(|query| (query.is_narrowed(), query.after.is_empty()));
        let is_all = !is_narrowed && is_first;
        let (title, text) = match (is_narrowed, is_first) {
            (true, _) => says.none_fits,
            (false, true) => says.none,
            (false, false) => ("Nothing more", "You’re past the end of the list."),
        };
        view! {
            <div class="empty">
                <span class="empty-sign"><Icon sign=says.sign/></span>
                <h2>{title}</h2>
                <p>{text}</p>
                {begin.as_ref().filter(|_| is_all).map(ViewFn::run)}
                {(!is_all).then(|| view! {
                    <p><a class="button" href=move || address.link(&ListQuery::default())>{says.show_all}</a></p>
                })}
            </div>
        }
    }
}
