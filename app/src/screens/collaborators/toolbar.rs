//! Search and filters: a form that is sent by itself with scripts, and by its button without.

use leptos::{html, prelude::*};
use leptos_router::components::Form;

use super::Address;
use crate::{
    api::collaborators::{ListQuery, People},
    components::{Icon, Sign},
    load::Loaded,
    paths,
};

/// The form.
#[component]
pub(super) fn Toolbar(people: Loaded<People>) -> impl IntoView {
    let address = expect_context::<Address>();
    let node = NodeRef::<html::Button>::new();
    let field = NodeRef::<html::Input>::new();
    let action = move || people.with(|people| paths::collaborators(&people.project.slug));
    let query = address.query;
    let chosen = move |read: fn(&ListQuery) -> &str, value: &'static str| query.with(|query| read(query) == value);
    // Sorting outlives a new search; the place in the list does not.
    let hidden = move |name: &'static str, read: fn(&ListQuery) -> String| {
        move || {
            let value = query.with(read);
            (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value/> })
        }
    };
    let send = move || send(node);
    let later = StoredValue::new(0_u32);
    let soon = move |_| {
        // Once typing rests.
        let number = later.get_value().wrapping_add(1);
        later.set_value(number);
        set_timeout(
            move || {
                if later.try_get_value() == Some(number) {
                    send();
                }
            },
            std::time::Duration::from_millis(250),
        );
    };
    // The address may change from elsewhere: a link, the back button. What is being typed is left alone.
    Effect::new(move |_| {
        let words = query.with(|query| query.q.clone());
        if let Some(field) = field.get()
            && document().active_element().as_ref() != Some(&field)
        {
            field.set_value(&words);
        }
    });
    view! {
        <search>
            <Form method="get" action=action replace=true noscroll=true attr:class="toolbar" attr:aria-label="Find collaborators">
                <div class="search-field">
                    <Icon sign=Sign::Search/>
                    <input
                        type="search"
                        name="q"
                        aria-label="Search collaborators"
                        placeholder="Search by name or email"
                        autocomplete="off"
                        spellcheck="false"
                        value=query.with_untracked(|query| query.q.clone())
                        on:input=soon
                        node_ref=field
                    />
                </div>
                <select name="role" aria-label="Role" on:change=move |_| send()>
                    <option value="" selected=move || chosen(|q| &q.role, "")>"Any role"</option>
                    <option value="admin" selected=move || chosen(|q| &q.role, "admin")>"Admin"</option>
                    <option value="member" selected=move || chosen(|q| &q.role, "member")>"Member"</option>
                </select>
                <select name="kind" aria-label="Kind" on:change=move |_| send()>
                    <option value="" selected=move || chosen(|q| &q.kind, "")>"Anyone"</option>
                    <option value="member" selected=move || chosen(|q| &q.kind, "member")>"Organization members"</option>
                    <option value="admin" selected=move || chosen(|q| &q.kind, "admin")>"Organization Admins"</option>
                    <option value="external" selected=move || chosen(|q| &q.kind, "external")>"Externals"</option>
                </select>
                {hidden("sort", |query| query.sort.clone())}
                {hidden("order", |query| query.order.clone())}
                <button type="submit" class="button" node_ref=node>"Search"</button>
            </Form>
        </search>
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
