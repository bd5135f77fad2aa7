//! What stands around the rows of a list: search and filters as a form, and columns that sort. All of their state is in
//! the URL.

use std::borrow::Cow;

use leptos::{html, prelude::*};
use leptos_router::components::Form;

use super::{
    icon::{Icon, Sign},
    list_address::ListAddress,
};
use crate::api::list::ListQuery;

/// Search and filters: a form that sends itself with scripts, and has a button without.
#[component]
pub(crate) fn SearchForm(
    /// The plural of the rows, as in "Search members".
    what: &'static str,
    /// The placeholder of the search field.
    placeholder: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let node = NodeRef::<html::Button>::new();
    let field = NodeRef::<html::Input>::new();
    let query = address.query;
    // A new search keeps the order, and begins on the first page.
    let hidden = move |name: &'static str, read: fn(&ListQuery) -> String| {
        move || {
            let value = query.with(read);
            (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value/> })
        }
    };
    provide_context(SendButton(node));
    let later = StoredValue::new(0_u32);
    let soon = move |_| {
        // Waits until typing pauses.
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
    // The address may also change by a link or the back button. A text that is being typed stays.
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

/// The button that sends the form of a filter.
#[derive(Clone, Copy)]
struct SendButton(NodeRef<html::Button>);

/// A filter with a closed list of values.
#[component]
pub(crate) fn Filter(
    /// Its name in the query of the URL.
    name: &'static str,
    label: &'static str,
    /// Reads its value from the query.
    read: fn(&ListQuery) -> &str,
    /// The values and their labels. The first one stands for no filter.
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

/// Sends the form that the button is in.
#[cfg(feature = "hydrate")]
fn send(node: NodeRef<html::Button>) {
    if let Some(form) = node.get_untracked().and_then(|button| button.form()) {
        drop(form.request_submit());
    }
}

#[cfg(not(feature = "hydrate"))]
const fn send(_: NodeRef<html::Button>) {}

/// The heading of a column: sorts by the column, or reverses the order if the list is sorted by it already.
#[component]
pub(crate) fn SortHeader(
    /// Its name in the query of the URL. Lists are sorted by `name` at first.
    sort: &'static str,
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
            role="columnheader"
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
