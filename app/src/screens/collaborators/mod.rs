//! Settings > Project > Collaborators: who has access to a project, as what and why, and the changes to it (RULES C, X).

mod dialogs;
mod table;
mod toolbar;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use policy::{Permission, Slug};

use super::{overview::default_project_notice, use_project_slug};
use crate::{
    api::collaborators::{
        AddCollaborator, ChangeCollaboratorRole, ListQuery, People, RemoveCollaborator, SetCollaboratorEndDate,
        collaborators,
    },
    components::{ButtonLink, Icon, PageHeader, PageTitle, Sign},
    flash::{Done, Flashed, Notice, Notices, Outcome, outcome},
    live::Live,
    load::{Loaded, load},
    paths::{self, Dialog},
};
use dialogs::Dialogs;
use table::PeopleTable;
use toolbar::Toolbar;

/// What can be done on this screen; each part of it shares these.
#[derive(Clone, Copy)]
struct Actions {
    add: ServerAction<AddCollaborator>,
    change_role: ServerAction<ChangeCollaboratorRole>,
    remove: ServerAction<RemoveCollaborator>,
    end_date: ServerAction<SetCollaboratorEndDate>,
}

/// What the URL says.
#[derive(Clone, Copy)]
struct Address {
    query: Memo<ListQuery>,
    dialog: Memo<Dialog>,
}

/// The page.
#[component]
pub(crate) fn CollaboratorsScreen() -> impl IntoView {
    let slug = use_project_slug();
    let live = expect_context::<Live>();
    let map = use_query_map();
    let part = move |name: &str| map.with(|map| map.get(name).unwrap_or_default());
    let query = Memo::new(move |_| ListQuery {
        q: part("q"),
        role: part("role"),
        kind: part("kind"),
        sort: part("sort"),
        order: part("order"),
        after: part("after"),
    });
    let dialog = Memo::new(move |_| Dialog::parse(&part("dialog"), &part("user")));
    provide_context(Address { query, dialog });
    provide_context(Actions {
        add: ServerAction::new(),
        change_role: ServerAction::new(),
        remove: ServerAction::new(),
        end_date: ServerAction::new(),
    });
    load(
        move || (slug.get(), query.get(), live.ticks.get()),
        move |(slug, query, _)| {
            // Somebody on another page of the list: the dialog that a link opens needs them too.
            let subject = dialog
                .get_untracked()
                .user()
                .map(|user| user.to_string())
                .unwrap_or_default();
            collaborators(slug, query, subject)
        },
        |people| view! { <Collaborators people/> },
    )
}

#[component]
fn Collaborators(people: Loaded<People>) -> impl IntoView {
    let address = expect_context::<Address>();
    let project = move || people.with(|people| people.project.name.clone());
    let title = Signal::derive(move || format!("Collaborators · {}", project()));
    let lead = Signal::derive(move || format!("People with access to {}, and why they have it.", project()));
    let notice = move || {
        people.with(|people| {
            people
                .project
                .is_default
                .then(|| default_project_notice(&people.project.organization_name))
        })
    };
    let slug = Memo::new(move |_| people.with(|people| Some(people.project.slug.clone())));
    let may_add = Memo::new(move |_| people.with(|people| people.project.standing.may(Permission::CollaboratorAdd)));
    let add = move || link(slug, &address.query.get(), Dialog::Add);
    finish(people);
    view! {
        <PageTitle text=title/>
        <PageHeader title="Collaborators" lead>
            {move || may_add.get().then(|| view! {
                <ButtonLink class="button button-primary" href=Signal::derive(add)><Icon sign=Sign::Plus/>"Add Collaborator"</ButtonLink>
            })}
        </PageHeader>
        {move || notice().map(|text| view! {
            <aside class="banner" aria-label="About the Default Project"><Icon sign=Sign::Info/><p>{text}</p></aside>
        })}
        <Toolbar people/>
        <PeopleTable people/>
        <Dialogs people/>
    }
}

/// A link to this screen, as it is searched and sorted, with a dialog.
fn link(slug: Memo<Option<Slug>>, query: &ListQuery, dialog: Dialog) -> String {
    slug.with(|slug| {
        slug.as_ref()
            .map(|slug| paths::collaborators_with(slug, query, &dialog))
    })
    .unwrap_or_default()
}

/// What follows an action in the browser: the message, the dialog's end, the list anew.
fn finish(people: Loaded<People>) {
    let Actions {
        add,
        change_role,
        remove,
        end_date,
    } = expect_context();
    let Address { query, dialog } = expect_context();
    let (flashed, notices, live) = (
        expect_context::<Flashed>(),
        expect_context::<Notices>(),
        expect_context::<Live>(),
    );
    let navigate = use_navigate();
    let slug = Memo::new(move |_| people.with(|people| Some(people.project.slug.clone())));

    let settle = move |outcome: Option<Outcome>, is_shown_in_dialog: bool| match outcome {
        Some(Ok(Done::Left)) => {
            // The news stay held: they would say that access was lost, which the person knows.
            notices.show_on_next(Notice::done(&Done::Left));
            navigate(paths::HOME, NavigateOptions::default());
        }
        Some(Ok(done)) => {
            if matches!(done, Done::Removed { .. }) {
                people.then_focus_heading();
            }
            notices.show(Notice::done(&done));
            close(&navigate, slug, query, dialog);
            people.reload();
        }
        Some(Err(problem)) if !is_shown_in_dialog => {
            notices.show(Notice::problem(problem));
            close(&navigate, slug, query, dialog);
            people.reload();
        }
        Some(Err(_)) | None => {}
    };
    let each = settle.clone();
    Effect::new(move |_| each(outcome(add).get(), true));
    let each = settle.clone();
    Effect::new(move |_| each(outcome(end_date).get(), true));
    let each = settle.clone();
    Effect::new(move |_| each(outcome(change_role).get(), false));
    Effect::new(move |_| settle(outcome(remove).get(), false));

    // Removing may be leaving. Its news can overtake its answer.
    Effect::new(move |_| {
        if remove.pending().get() {
            live.hold();
        } else if !matches!(remove.value().get_untracked(), Some(Ok(Ok(Done::Left)))) {
            live.release();
        }
    });

    // A dialog that is closed forgets what came of it.
    Effect::new(move |_| {
        if dialog.get() == Dialog::None {
            flashed.clear();
            add.value().set(None);
            end_date.value().set(None);
        }
    });
}

fn close(
    navigate: &impl Fn(&str, NavigateOptions),
    slug: Memo<Option<Slug>>,
    query: Memo<ListQuery>,
    dialog: Memo<Dialog>,
) {
    if dialog.get_untracked() != Dialog::None {
        let to = untrack(|| link(slug, &query.get(), Dialog::None));
        navigate(
            &to,
            NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    }
}
