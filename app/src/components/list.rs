//! The parts every list has: search and filters as a form, columns that sort, pages. All of it lives in the URL.

use std::{borrow::Cow, hash::Hash};

use leptos::{either::Either, html, prelude::*};
use leptos_router::{NavigateOptions, components::Form, hooks::use_navigate};
use policy::{ApiKeyId, UserId};

use history::{step_back, step_to};

use super::{Icon, Sign};
use crate::{
    address::use_query,
    api::list::ListQuery,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    loaded::Loaded,
    paths,
};

/// What the URL says about a list.
#[derive(Clone, Copy)]
pub(crate) struct ListAddress {
    /// The list's path.
    base: Signal<String>,
    /// How it is searched, filtered, sorted and paged.
    pub(crate) query: Memo<ListQuery>,
    /// The dialog that is open.
    dialog: Memo<Option<DialogQuery>>,
    /// Whether it was opened from the page that is behind it, which is then one step back in the browser's history.
    is_step: StoredValue<bool>,
}

impl ListAddress {
    /// Reads the URL of the page that is shown, whose dialogs are `D`.
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
                // From one dialog to the next, the step is the same.
                Some(true) if is_open => {}
                Some(_) | None => address.is_step.set_value(false),
            }
            is_open
        });
        address
    }

    /// The dialog that is open; `D` are the dialogs of the screen. Follows changes.
    pub(crate) fn dialog<D: DialogUrl>(self) -> Option<D> {
        let DialogQuery { name, subject } = self.dialog.get()?;
        D::from_query(name, subject)
    }

    /// Whether no dialog is open. Follows changes.
    pub(crate) fn is_closed(self) -> bool {
        self.dialog.with(Option::is_none)
    }

    /// The person the open dialog is about. Follows changes.
    pub(crate) fn dialog_user(self) -> Option<UserId> {
        self.dialog.get()?.subject.user
    }

    /// The API key the open dialog is about. Follows changes.
    pub(crate) fn dialog_key(self) -> Option<ApiKeyId> {
        self.dialog.get()?.subject.key
    }

    /// A link to the list, otherwise searched or sorted, with no dialog open.
    pub(crate) fn link(self, query: &ListQuery) -> String {
        self.link_with(query, None)
    }

    fn link_with(self, query: &ListQuery, dialog: Option<DialogQuery>) -> String {
        self.base.with(|base| paths::with_query(base, query, dialog))
    }

    /// A link to the list as it is, with this dialog open.
    pub(crate) fn to<D: DialogUrl>(self, dialog: D) -> Signal<String> {
        let dialog = Some(dialog.to_query());
        Signal::derive(move || self.link_with(&self.query.get(), dialog))
    }

    /// A link to the list as it is, with no dialog open.
    pub(crate) fn closed(self) -> Signal<String> {
        Signal::derive(move || self.link(&self.query.get()))
    }

    /// A link to the list as a file: all of it, as it is searched, filtered and sorted.
    pub(crate) fn export(self) -> String {
        let query = ListQuery {
            after: String::new(),
            ..self.query.get()
        };
        self.base
            .with(|base| paths::with_query(&format!("{base}.csv"), &query, None))
    }

    /// Returns what opens another dialog from a script, or with none closes the one that is open.
    pub(crate) fn switch<D: DialogUrl>(self) -> impl Fn(Option<D>) + Clone + 'static {
        let show = self.show();
        move |dialog| show(dialog.map(D::to_query))
    }

    /// Returns what closes the open dialog from a script.
    pub(crate) fn closer(self) -> impl Fn() + Clone + 'static {
        let show = self.show();
        move || show(None)
    }

    /// A dialog that was opened by a step in the history is closed by a step back: otherwise the back button would lead
    /// to the page that is shown already.
    fn show(self) -> impl Fn(Option<DialogQuery>) + Clone + 'static {
        let navigate = use_navigate();
        move |dialog| {
            if dialog.is_none() && self.is_step.get_value() {
                // Once: the step takes a moment, and a second one would lead away from the page.
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

/// The browser's history, beside the router.
#[cfg(feature = "hydrate")]
mod history {
    use leptos::prelude::window;
    use wasm_bindgen::JsValue;

    pub(super) fn step_back() {
        if let Ok(history) = window().history() {
            drop(history.back());
        }
    }

    /// Makes sure that opening a dialog was a step. The router leaves one out if it takes the address for the one it
    /// noted last: the same dialog, opened again after a step back that the router did not count.
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

/// Search and filters: a form that is sent by itself with scripts, and by its button without.
#[component]
pub(crate) fn SearchForm(
    /// What is searched, as in "Search members".
    what: &'static str,
    /// What it is searched by.
    placeholder: &'static str,
    /// The filters.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let node = NodeRef::<html::Button>::new();
    let field = NodeRef::<html::Input>::new();
    let query = address.query;
    // Sorting outlives a new search; the place in the list does not.
    let hidden = move |name: &'static str, read: fn(&ListQuery) -> String| {
        move || {
            let value = query.with(read);
            (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value/> })
        }
    };
    provide_context(SendButton(node));
    let later = StoredValue::new(0_u32);
    let soon = move |_| {
        // Once typing rests.
        let number = later.get_value().wrapping_add(1);
        later.set_value(number);
        set_timeout(
            move || {
                if later.try_get_value() == Some(number) {
                    send(node);
                }
            },
            std::time::Duration::from_millis(250),
        );
    };
    // The address may change from elsewhere: a link, the back button. What is being typed is left alone.
    Effect::new(move |_| {
        let typed = query.with(|query| query.q.clone());
        if let Some(field) = field.get()
            && document().active_element().as_ref() != Some(&field)
        {
            field.set_value(&typed);
        }
    });
    view! {
        <search>
            <Form
                method="get"
                action=move || address.base.get()
                replace=true
                noscroll=true
                attr:class="toolbar"
                attr:aria-label=format!("Find {what}")
            >
                <div class="search-field">
                    <Icon sign=Sign::Search/>
                    <input
                        type="search"
                        name="q"
                        aria-label=format!("Search {what}")
                        placeholder=placeholder
                        autocomplete="off"
                        spellcheck="false"
                        value=query.with_untracked(|query| query.q.clone())
                        on:input=soon
                        node_ref=field
                    />
                </div>
                {children.map(|children| children())}
                {hidden("sort", |query| query.sort.clone())}
                {hidden("order", |query| query.order.clone())}
                <button type="submit" class="button" node_ref=node>"Search"</button>
            </Form>
        </search>
    }
}

/// The button of the form a filter is in.
#[derive(Clone, Copy)]
struct SendButton(NodeRef<html::Button>);

/// A filter: one of a closed list.
#[component]
pub(crate) fn Filter(
    /// Its name in the URL.
    name: &'static str,
    /// What it is called.
    label: &'static str,
    /// Its value in the query.
    read: fn(&ListQuery) -> &str,
    /// What there is to choose: as in the URL, and as a person reads it. The first is no choice.
    #[prop(into)]
    options: Cow<'static, [(&'static str, &'static str)]>,
) -> impl IntoView {
    let query = expect_context::<ListAddress>().query;
    let SendButton(button) = expect_context();
    let options = options.iter().map(|&(value, label)| {
        view! { <option value=value selected=move || query.with(|query| read(query) == value)>{label}</option> }
    });
    view! {
        <select name=name aria-label=label on:change=move |_| send(button)>{options.collect_view()}</select>
    }
}

/// Sends the form the button is in.
#[cfg(feature = "hydrate")]
fn send(node: NodeRef<html::Button>) {
    if let Some(form) = node.get_untracked().and_then(|button| button.form()) {
        drop(form.request_submit());
    }
}

#[cfg(not(feature = "hydrate"))]
const fn send(_: NodeRef<html::Button>) {}

/// A column's heading: sorts by it, and turns the order around when it is sorted by already.
#[component]
pub(crate) fn SortHeader(
    /// As in the URL. The list is sorted by `name` to begin with.
    sort: &'static str,
    /// What it is called.
    label: &'static str,
) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let state = move || {
        address.query.with(|query| {
            let by = if query.sort.is_empty() { "name" } else { &query.sort };
            (by == sort).then(|| query.order != "desc")
        })
    };
    let href = move || {
        let order = if state() == Some(true) { "desc" } else { "" };
        let sort = if sort == "name" { "" } else { sort };
        let query = ListQuery {
            sort: sort.to_owned(),
            order: order.to_owned(),
            after: String::new(),
            ..address.query.get()
        };
        address.link(&query)
    };
    view! {
        <th
            scope="col"
            class=format!("{sort}-cell")
            aria-sort=move || state().map(|ascends| if ascends { "ascending" } else { "descending" })
        >
            <a class="sort" href=href>
                {label}
                {move || state().map(|ascends| view! {
                    <Icon sign=if ascends { Sign::SortUp } else { Sign::SortDown }/>
                })}
            </a>
        </th>
    }
}

/// The way to more, and back to the beginning.
#[component]
fn Pager(
    /// Where the next page begins.
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

/// A list as a table: its rows, what it says when it has none, and the way to more.
#[component]
pub(crate) fn Listing<T, Id, V>(
    /// What the rows are of.
    of: Loaded<T>,
    /// The ids of the rows, in order.
    ids: fn(&T) -> Vec<Id>,
    /// Where the next page begins.
    next: fn(&T) -> Option<String>,
    /// The table's class.
    #[prop(default = "table listing")]
    class: &'static str,
    /// What it says when it is empty.
    empty: Empty,
    /// What to do where there is nothing at all (N5).
    #[prop(optional, into)]
    begin: Option<ViewFn>,
    /// The cells of its head.
    #[prop(into)]
    head: ViewFn,
    /// A row.
    row: impl Fn(Id) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + Sync + 'static,
    Id: Copy + Eq + Hash + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let ids = Memo::new(move |_| of.with(ids));
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    let next = Signal::derive(move || of.with(next));
    let told = tell_changes(of.busy, move || {
        ids.with_untracked(|ids| how_many(ids.len(), untrack(|| next.get()).is_some()))
    });
    view! {
        <p class="visually-hidden" role="status">{move || told.get()}</p>
        <div class="table-frame" aria-busy=move || of.busy.get().to_string()>
            {move || if is_empty.get() {
                Either::Left(view! { <EmptyList says=empty begin=begin.clone()/> })
            } else {
                Either::Right(view! {
                    <table class=class aria-labelledby="heading">
                        <thead>
                            <tr>{head.run()}</tr>
                        </thead>
                        <tbody>
                            <For each=move || ids.get() key=|id| *id children=row/>
                        </tbody>
                    </table>
                })
            }}
        </div>
        <Pager next/>
    }
}

/// What a search, a filter or another page came to, for whoever doesn't see it (N2); nothing for what is there to begin
/// with, or changes by itself. What had the focus may be gone with what was there before: then the heading has it.
fn tell_changes(busy: RwSignal<bool>, text: impl Fn() -> String + 'static) -> ReadSignal<String> {
    let query = expect_context::<ListAddress>().query;
    let (told, tell) = signal(String::new());
    Effect::new(move |shown: Option<ListQuery>| {
        let (is_busy, asked) = (busy.get(), query.get_untracked());
        match shown {
            Some(shown) if is_busy => {
                // A screen reader reads only a text that differs from the one before.
                tell.set(String::new());
                shown
            }
            Some(shown) if shown != asked => {
                tell.set(text());
                #[cfg(feature = "hydrate")]
                crate::focus::to_heading_if_lost();
                asked
            }
            Some(_) | None => asked,
        }
    });
    told
}

fn how_many(count: usize, has_more: bool) -> String {
    match (count, has_more) {
        (0, _) => "Nothing found".to_owned(),
        (_, true) => format!("{count} shown, more on the next page"),
        (_, false) => format!("{count} shown"),
    }
}

/// What a list says when nothing is in it: a title and a sentence each.
#[derive(Clone, Copy)]
pub(crate) struct Empty {
    /// Its sign.
    pub(crate) sign: Sign,
    /// When nothing fits the search and the filters.
    pub(crate) none_fits: (&'static str, &'static str),
    /// When there is nothing at all.
    pub(crate) none: (&'static str, &'static str),
    /// The way to everything.
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
