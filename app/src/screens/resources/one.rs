//! The page of a resource: what is known of it, and changing and deleting it for those who may.

use leptos::{either::Either, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{Refusal, ResourceAction, ResourceKind};

use super::{ForAdmins, StateBadge, form, said_of, sign_of, use_kind_path};
use crate::{
    address::{use_address, use_param},
    api::resources::{self as api, DeleteResource, ResourceDialog, ResourcePage, ResourceRow, UpdateResource},
    components::{
        ButtonLink, DefaultProjectNotice, Dialog as DialogBox, DialogActions, FormSender, Icon, ListAddress, PageTitle,
        PostForm, ProblemScreen, TimestampText,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load_or},
    outcome::FormName,
    paths,
    screens::use_project_slug,
};

const FORM: FormName = FormName::Resource;

#[derive(Clone, Copy)]
struct Actions {
    save: FormSender,
    delete: FormSender,
}

#[component]
pub(crate) fn ResourceScreen() -> impl IntoView {
    let (slug, kind) = (use_project_slug(), use_kind_path());
    let id = use_param("id");
    let base = Signal::derive(move || format!("/projects/{}/{}/{}", slug.get(), kind.get(), id.get()));
    ListAddress::provide::<ResourceDialog>(base);
    let (live, delete) = (expect_context::<Live>(), FormSender::to::<DeleteResource>());
    provide_context(Actions {
        save: FormSender::to::<UpdateResource>(),
        delete,
    });
    // The event of its deletion can arrive before the answer, and afterwards there is nothing to load.
    let ticks = Memo::new(move |last: Option<&u32>| {
        let is_going = delete.pending().get() || matches!(delete.outcome().get(), Some(Ok(_)));
        match last {
            Some(last) if is_going => *last,
            Some(_) | None => live.ticks.get(),
        }
    });
    let was_there = StoredValue::new(None::<(String, String)>);
    load_or::<api::Resource, _, _>(
        use_address(),
        move || ticks.get(),
        move |page| {
            Effect::new(move |_| {
                was_there.set_value(page.with(|page| Some((page.row.id.to_string(), page.row.name.clone()))));
            });
            view! { <One page/> }
        },
        move |problem| {
            let gone = was_there
                .get_value()
                .filter(|(there, _)| id.with_untracked(|id| id == there) && problem == Refusal::Hidden.into());
            match (gone, ResourceKind::from_path(&kind.get_untracked())) {
                (Some((_, name)), Ok(kind)) => Either::Left(view! { <Gone kind name slug=slug.get_untracked()/> }),
                _ => Either::Right(view! { <ProblemScreen problem/> }),
            }
        },
    )
}

/// The page for somebody who had the resource open when it was deleted.
#[component]
fn Gone(kind: ResourceKind, name: String, slug: String) -> impl IntoView {
    // Earlier messages are about a resource that no longer exists.
    expect_context::<Notices>().dismiss();
    let list = slug
        .parse()
        .map_or_else(|_| paths::HOME.to_owned(), |slug| paths::resources(&slug, kind));
    view! {
        <PageTitle text=format!("{} deleted", kind.label())/>
        <section class="empty empty-page" role="alert" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign=sign_of(kind)/></span>
            <h1 id="heading" tabindex="-1">{format!("This {} was deleted", kind.code())}</h1>
            <p>
                "Somebody deleted "
                <bdi>{name}</bdi>
                " while you had it open, or the project has another address now. What you typed was not saved."
            </p>
            <p><a class="button" href=list>{format!("Go to {}", kind.path())}</a></p>
        </section>
    }
}

#[component]
fn One(page: Loaded<ResourcePage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let project = Signal::derive(move || page.with(|page| Some(page.project.clone())));
    let row = Memo::new(move |_| page.with(|page| Some((page.kind, page.row.clone()))));
    let name = move || row.get().map(|(_, row)| row.name);
    let title = Signal::derive(move || {
        page.with(|page| format!("{} · {} · {}", page.row.name, page.kind.plural(), page.project.name))
    });
    let may = move |action| page.with(|page| page.project.standing.may(page.kind.permission(action)));
    let may_change = Memo::new(move |_| may(ResourceAction::Change));
    let may_delete = Memo::new(move |_| may(ResourceAction::Delete));
    // What is being typed stays when the resource changes. Once it was saved, the form is rendered again.
    let form = RwSignal::new(0_u32);
    finish(page, form);
    view! {
        <PageTitle text=title/>
        <header class="page-header">
            <div class="page-heading">
                <p class="eyebrow">
                    {move || project.get().zip(row.get()).map(|(project, (kind, _))| view! {
                        <a href=paths::project(&project.slug)><bdi>{project.name.clone()}</bdi></a>
                        " / "
                        <a href=paths::resources(&project.slug, kind)>{kind.plural()}</a>
                    })}
                </p>
                <h1 id="heading" tabindex="-1"><bdi>{name}</bdi></h1>
            </div>
            {move || row.get().map(|(_, row)| view! { <StateBadge state=row.state/> })}
        </header>
        <DefaultProjectNotice project/>
        <section class="card" aria-label="Details">
            {move || row.get().map(|(kind, row)| view! { <Facts kind row with_fields=!may_change.get()/> })}
        </section>
        <For
            each=move || {
                form.track();
                page.peek(|page| Some(page.clone())).filter(|_| may_change.get())
            }
            key=move |page| (page.row.id, form.get_untracked())
            let:page
        >
            <EditForm page/>
        </For>
        {move || may_delete.get().then(|| row.get().map(|(kind, _)| view! {
            <section class="card card-danger" aria-labelledby="delete">
                <h2 id="delete">{format!("Delete {}", kind.label())}</h2>
                <p>{what_deleting_does(kind)}</p>
                <p class="form-actions">
                    <ButtonLink class="button button-quiet-danger" href=address.to(ResourceDialog::Delete)>
                        {format!("Delete {}", kind.label())}
                    </ButtonLink>
                </p>
            </section>
        }))}
        {move || (address.dialog() == Some(ResourceDialog::Delete) && may_delete.get()).then(|| {
            page.peek(|page| Some(page.clone())).map(|page| view! { <DeleteDialog page/> })
        })}
    }
}

/// Handles the outcomes of this screen's forms in the browser. After saving: shows the message, reloads the resource,
/// and then has the `form` rendered again. After deleting: shows the message, closes the dialog, and opens the list.
fn finish(page: Loaded<ResourcePage>, form: RwSignal<u32>) {
    let Actions { save, delete } = expect_context();
    let (address, notices) = (expect_context::<ListAddress>(), expect_context::<Notices>());
    let navigate = use_navigate();
    let is_saved = StoredValue::new(false);
    Effect::new(move |_| {
        if let Some(Ok(done)) = save.outcome().get() {
            notices.show(Notice::done(&done));
            is_saved.set_value(true);
            page.then_focus_heading();
            page.reload();
        }
    });
    Effect::new(move |_| {
        if !page.busy.get() && is_saved.get_value() && form.try_update(|n| *n = n.wrapping_add(1)).is_some() {
            is_saved.set_value(false);
        }
    });
    let close_dialog = address.closer();
    Effect::new(move |_| match delete.outcome().get() {
        Some(Ok(done)) => {
            notices.show_on_next(Notice::done(&done));
            close_dialog();
        }
        Some(Err(problem)) => notices.show(Notice::problem(problem)),
        None => {}
    });
    // Once the dialog is closed, the list replaces this page in the history, so that the back button doesn't lead to a
    // deleted resource.
    Effect::new(move |_| {
        let is_closed = address.is_closed();
        if is_closed && matches!(delete.outcome().get(), Some(Ok(_))) {
            let list = page.peek(|page| Some(paths::resources(&page.project.slug, page.kind)));
            let options = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&list.unwrap_or_else(|| paths::HOME.to_owned()), options);
        }
    });
}

/// What is known of the resource; to those who may not change it, all of it, and why they may not (R2).
#[component]
fn Facts(kind: ResourceKind, row: ResourceRow, with_fields: bool) -> impl IntoView {
    let fields = kind.fields().iter().filter(|_| with_fields).map(|field| {
        let text = Some(said_of(&row, *field)).filter(|text| !text.is_empty());
        view! { <div><dt>{field.label()}</dt><dd>{text.unwrap_or_else(|| "Not set".to_owned())}</dd></div> }
    });
    let fields = fields.collect_view();
    let by = row.created_by.map(|(name, is_key)| {
        if is_key {
            Either::Left(view! { " with the API key "<bdi>{name}</bdi> })
        } else {
            Either::Right(view! { " by "<bdi>{name}</bdi> })
        }
    });
    view! {
        <dl class="facts">
            {fields}
            <div><dt>"Created"</dt><dd><TimestampText at=row.created_at with_time=true/>{by}</dd></div>
            <div><dt>"Last changed"</dt><dd><TimestampText at=row.updated_at with_time=true/></dd></div>
            <div><dt>"ID"</dt><dd><code>{row.id.to_string()}</code></dd></div>
        </dl>
        {with_fields.then(|| view! {
            <ForAdmins
                does="change and delete"
                plural=kind.plural()
                permission=kind.permission(ResourceAction::Change)
            />
        })}
    }
}

#[component]
fn EditForm(page: ResourcePage) -> impl IntoView {
    let Actions { save, .. } = expect_context();
    let flashed = expect_context::<Flashed>();
    let seen = flashed.typed(FORM, "seen").unwrap_or(page.seen);
    view! {
        <section class="card" aria-labelledby="settings">
            <h2 id="settings">"Settings"</h2>
            <PostForm action=save class="form">
                <input type="hidden" name="project" value=page.project.slug.to_string()/>
                <input type="hidden" name="kind" value=page.kind.path()/>
                <input type="hidden" name="id" value=page.row.id.to_string()/>
                <input type="hidden" name="seen" value=seen/>
                <form::Fields form=FORM action=save kind=page.kind now=Some(page.row)/>
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || save.busy()>"Save"</button>
                </div>
            </PostForm>
        </section>
    }
}

/// Returns what deleting a resource of this kind does, shown before it is done (N5). Roster runs none of them (E2).
const fn what_deleting_does(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Cluster => {
            "Nobody can log in to its nodes through Roster any more, and gateways refuse it at once. Roster doesn’t \
             stop the machines: do that where they run. What it cost so far stays in the project’s usage. This can’t \
             be undone."
        }
        ResourceKind::Volume => {
            "Gateways refuse it at once. Roster doesn’t erase what is stored: do that where it is. What it cost so \
             far stays in the project’s usage. This can’t be undone."
        }
        ResourceKind::Endpoint => {
            "Gateways refuse it at once. Roster doesn’t stop what runs: do that where it runs. What it cost so far \
             stays in the project’s usage. This can’t be undone."
        }
        ResourceKind::Model | ResourceKind::Evaluation | ResourceKind::File => {
            "Gateways refuse it at once. What is stored elsewhere stays there. What it cost so far stays in the \
             project’s usage. This can’t be undone."
        }
    }
}

#[component]
fn DeleteDialog(page: ResourcePage) -> impl IntoView {
    let Actions { delete, .. } = expect_context();
    let close = expect_context::<ListAddress>().closed();
    let (kind, row) = (page.kind, page.row);
    view! {
        <DialogBox title=format!("Delete {}?", row.name) close=close.get_untracked()>
            <PostForm action=delete class="form">
                <input type="hidden" name="project" value=page.project.slug.to_string()/>
                <input type="hidden" name="kind" value=kind.path()/>
                <input type="hidden" name="id" value=row.id.to_string()/>
                <p>{what_deleting_does(kind)}</p>
                <DialogActions close action=delete label=format!("Delete {}", kind.label()) is_final=true/>
            </PostForm>
        </DialogBox>
    }
}
