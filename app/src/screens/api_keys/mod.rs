//! Settings > Project > API keys: the list of a project's keys, the card of the Organization Default Key, and the
//! dialogs that change them (RULES K).

mod actions;
mod dialogs;
mod table;

use leptos::{either::Either, prelude::*};
use policy::Permission;

use super::use_project_slug;
use crate::{
    api::api_keys::{self as api, Dialog, KeysPage},
    components::{
        ButtonLink, DefaultProjectNotice, Filter, Icon, ListAddress, PageHeader, PageTitle, SearchForm, Sign,
        forget_when_closed,
    },
    flash::{Notice, Notices},
    live::Live,
    load::{Loaded, load},
    outcome::{Done, Outcome},
};
use actions::Actions;
use dialogs::Dialogs;
use table::{KeyTable, Lifetime, SecretParts};

#[component]
pub(crate) fn ApiKeysScreen() -> impl IntoView {
    let slug = use_project_slug();
    let live = expect_context::<Live>();
    let base = Signal::derive(move || slug.with(|slug| format!("/settings/projects/{slug}/api-keys")));
    ListAddress::provide::<Dialog>(base);
    Actions::provide();
    load::<api::ApiKeys, _>(move || live.ticks.get(), |page| view! { <ApiKeys page/> })
}

#[component]
fn ApiKeys(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let project = move || page.with(|page| page.project.name.clone());
    let title = Signal::derive(move || format!("API keys · {}", project()));
    let lead = Signal::derive(move || {
        format!(
            "Programs use API keys to reach the resources of {}. A key belongs to the project, and keeps working \
             after its creator leaves.",
            project()
        )
    });
    let head = Signal::derive(move || page.with(|page| Some(page.project.clone())));
    let may_create = Memo::new(move |_| page.with(|page| page.project.standing.may(Permission::ApiKeyCreate)));
    finish(page);
    view! {
        <PageTitle text=title/>
        <PageHeader title="API keys" lead>
            {move || may_create.get().then(|| view! {
                <ButtonLink class="button button-primary" href=address.to(Dialog::Create)>
                    <Icon sign=Sign::Plus/>
                    "Create API Key"
                </ButtonLink>
            })}
        </PageHeader>
        <DefaultProjectNotice project=head/>
        <SearchForm what="API keys" placeholder="Search by name or creator">
            <Filter
                name="state"
                label="State"
                read=|query| &query.state
                options=&[("", "Any state"), ("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]
            />
        </SearchForm>
        <KeyTable page/>
        <DefaultKey page/>
        <Dialogs page/>
    }
}

/// Handles the outcomes of this screen's forms in the browser: shows the message or the secret, and reloads the list.
fn finish(page: Loaded<KeysPage>) {
    let Actions {
        create,
        expiration,
        rotate,
        revoke,
        regenerate,
    } = expect_context();
    let notices = expect_context::<Notices>();
    let switch = expect_context::<ListAddress>().switch();
    let settle = move |outcome: Option<Outcome>, is_shown_in_dialog: bool| match outcome {
        Some(Ok(Done::KeyMade { .. })) => {
            notices.dismiss();
            switch(Some(Dialog::Secret));
            page.reload();
        }
        Some(Err(_)) if is_shown_in_dialog => {}
        Some(outcome) => {
            notices.show(Notice::of(&outcome));
            switch(None);
            page.reload();
        }
        None => {}
    };
    for (action, is_shown_in_dialog) in [
        (create, true),
        (expiration, true),
        (rotate, true),
        (revoke, false),
        (regenerate, true),
    ] {
        let settle = settle.clone();
        Effect::new(move |_| settle(action.outcome().get(), is_shown_in_dialog));
    }
    forget_when_closed([create, expiration, rotate, regenerate]);
}

/// The card of the Organization Default Key, which only the Owner gets: to everybody else it does not exist (W3, K8).
#[component]
fn DefaultKey(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let key = Memo::new(move |_| page.with(|page| page.default_key.clone()));
    move || {
        let key = key.get()?;
        let has_secret = !key.secret_start.is_empty();
        Some(view! {
            <section class="card" aria-labelledby="default-key">
                <h2 id="default-key">{key.name.clone()}</h2>
                <p>
                    "Only you, as the Owner of the organization, see this key. It is never revoked: regenerating it \
                     gives it a new secret, and the old one stops working at once."
                </p>
                <p class="card-line">
                    {if has_secret {
                        Either::Left(view! { <SecretParts key=key.clone()/><Lifetime key/> })
                    } else {
                        Either::Right(view! { <span>"It has no secret yet."</span> })
                    }}
                </p>
                <p class="card-foot">
                    <ButtonLink class="button" href=address.to(Dialog::Regenerate)>"Regenerate"</ButtonLink>
                </p>
            </section>
        })
    }
}
