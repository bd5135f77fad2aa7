//! Settings > Project > Collaborators: who has access to a project, with which role and why, and the dialogs that
//! change that (RULES C, X).

mod actions;
mod dialogs;
mod table;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use policy::Permission;

use super::{owned_assets::ReceiptCard, use_project_slug};
use crate::{
    api::collaborators::{self as api, Dialog, People},
    components::{
        ButtonLink, DefaultProjectNotice, Filter, Icon, ListAddress, PageHeader, PageTitle, SearchForm, Sign,
        forget_when_closed,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    outcome::{Done, FormName, Outcome, Receipt},
    paths,
};
use actions::Actions;
use dialogs::Dialogs;
use table::PeopleTable;

#[component]
pub(crate) fn CollaboratorsScreen() -> impl IntoView {
    let slug = use_project_slug();
    let live = expect_context::<Live>();
    ListAddress::provide::<Dialog>(Signal::derive(move || {
        slug.with(|slug| format!("/settings/projects/{slug}/collaborators"))
    }));
    Actions::provide();
    load::<api::Collaborators, _>(move || live.ticks.get(), |people| view! { <Collaborators people/> })
}

#[component]
fn Collaborators(people: Loaded<People>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let project = move || people.with(|people| people.project.name.clone());
    let title = Signal::derive(move || format!("Collaborators · {}", project()));
    let lead = Signal::derive(move || format!("People with access to {}, and why they have it.", project()));
    let head = Signal::derive(move || people.with(|people| Some(people.project.clone())));
    let may_add = Memo::new(move |_| people.with(|people| people.project.standing.may(Permission::CollaboratorAdd)));
    let (remove, flashed) = (expect_context::<Actions>().remove, expect_context::<Flashed>());
    let removed = move || match remove.outcome().get() {
        Some(outcome) => outcome.ok().and_then(receipt),
        None => flashed.done(FormName::Remove).and_then(receipt),
    };
    finish(people);
    view! {
        <PageTitle text=title/>
        <PageHeader title="Collaborators" lead>
            <a class="button" href=move || address.export() rel="external" download=true>"Export CSV"</a>
            {move || may_add.get().then(|| view! {
                <ButtonLink class="button button-primary" href=address.to(Dialog::Add)>
                    <Icon sign=Sign::Plus/>
                    "Add Collaborator"
                </ButtonLink>
            })}
        </PageHeader>
        <DefaultProjectNotice project=head/>
        {move || removed().map(|(name, receipt)| view! { <ReceiptCard name receipt/> })}
        <SearchForm what="collaborators" placeholder="Search by name or email">
            <Filter
                name="role"
                label="Role"
                read=|query| &query.role
                options=&[("", "Any role"), ("admin", "Admin"), ("member", "Member")]
            />
            <Filter
                name="kind"
                label="Kind"
                read=|query| &query.kind
                options=&[
                    ("", "Anyone"),
                    ("member", "Organization members"),
                    ("admin", "Organization Admins"),
                    ("external", "Externals"),
                ]
            />
        </SearchForm>
        <PeopleTable people/>
        <Dialogs people/>
    }
}

/// Returns what a removal ended and left, if one was done.
fn receipt(done: Done) -> Option<(String, Receipt)> {
    if let Done::Removed { name, receipt } = done {
        Some((name, receipt))
    } else {
        None
    }
}

/// Handles the outcomes of this screen's forms in the browser: shows the message, closes the dialog, reloads the list.
fn finish(people: Loaded<People>) {
    let Actions {
        add,
        change_role,
        remove,
        end_date,
    } = expect_context();
    let switch = expect_context::<ListAddress>().switch();
    let (notices, live) = (expect_context::<Notices>(), expect_context::<Live>());
    let navigate = use_navigate();
    let settle = move |outcome: Option<Outcome>, is_shown_in_dialog: bool| match outcome {
        Some(Ok(Done::Left)) => {
            // Events stay held back: they would say that access was lost, which the person knows.
            notices.show_on_next(Notice::done(&Done::Left));
            navigate(paths::HOME, NavigateOptions::default());
        }
        Some(Ok(done)) => {
            if matches!(done, Done::Removed { .. }) {
                people.then_focus_heading();
            }
            notices.show(Notice::done(&done));
            switch(None);
            people.reload();
        }
        Some(Err(problem)) if !is_shown_in_dialog => {
            notices.show(Notice::problem(problem));
            switch(problem.undecided_keys_of().map(Dialog::Lower));
            people.reload();
        }
        Some(Err(_)) | None => {}
    };
    let each = settle.clone();
    Effect::new(move |_| each(add.outcome().get(), true));
    let each = settle.clone();
    Effect::new(move |_| each(end_date.outcome().get(), true));
    let each = settle.clone();
    Effect::new(move |_| each(change_role.outcome().get(), false));
    Effect::new(move |_| settle(remove.outcome().get(), false));

    // Removing may be leaving, and its event can arrive before its answer.
    live.hold_while(remove, |done| *done == Done::Left);

    forget_when_closed([add, end_date]);
}
