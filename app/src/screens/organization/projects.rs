//! Settings > Organization > Projects: every member sees the names of all projects; only those with access can open
//! them (O3, P1 to P5).

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{Field as About, Permission, Refusal, Slug};

use super::{path_of, use_organization_slug};
use crate::{
    api::projects::{self as api, CreateProject, ListDialog, ProjectRow, ProjectsPage},
    components::{
        ButtonLink, Dialog as DialogBox, DialogActions, Empty, Field, FormSender, Icon, ListAddress, Listing,
        PageHeader, PageTitle, PostForm, Rows, SearchForm, Shown, Sign, Tone, Zone, forget_when_closed, form_error,
        form_problem, write_badge, write_time,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    markup::Markup,
    messages,
    outcome::{Done, FormName},
    paths,
};

#[component]
pub(crate) fn ProjectsScreen() -> impl IntoView {
    let slug = use_organization_slug();
    let live = expect_context::<Live>();
    ListAddress::provide::<ListDialog>(path_of(slug, "projects"));
    load::<api::Projects, _>(move || live.ticks.get(), |page| view! { <Projects page/> })
}

#[component]
fn Projects(page: Loaded<ProjectsPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let notices = expect_context::<Notices>();
    let navigate = use_navigate();
    let create = FormSender::to::<CreateProject>();
    let title = Signal::derive(move || page.with(|page| format!("Projects · {}", page.organization.name)));
    let lead = Signal::derive(move || {
        page.with(|page| {
            format!(
                "The projects of {}. You can open those you have access to.",
                page.organization.name
            )
        })
    });
    let may_create = Memo::new(move |_| page.with(|page| page.organization.standing.may(Permission::ProjectCreate)));
    let is_switched_off = Memo::new(move |_| page.with(|page| !page.organization.additional_projects));
    let can_create = Memo::new(move |_| may_create.get() && !is_switched_off.get());
    Effect::new(move |_| {
        if let Some(Ok(done)) = create.outcome().get()
            && let Done::ProjectCreated { slug, .. } = &done
            && let Ok(slug) = slug.parse::<Slug>()
        {
            notices.show_on_next(Notice::done(&done));
            navigate(&paths::project(&slug), NavigateOptions::default());
        }
    });
    forget_when_closed([create]);
    view! {
        <PageTitle text=title/>
        <PageHeader title="Projects" lead>
            {move || can_create.get().then(|| view! {
                <ButtonLink class="button button-primary" href=address.to(ListDialog::Create)>
                    <Icon sign=Sign::Plus/>
                    "Create Project"
                </ButtonLink>
            })}
        </PageHeader>
        {move || (may_create.get() && is_switched_off.get()).then(|| view! {
            <aside class="banner" aria-label="About new projects">
                <Icon sign=Sign::Info/><p>{messages::problem(Refusal::ProjectsSwitchedOff.into())}</p>
            </aside>
        })}
        <SearchForm what="projects" placeholder="Search by name"/>
        <Table page/>
        {move || (address.dialog() == Some(ListDialog::Create) && can_create.get()).then(|| {
            let organization = page.peek(|page| Some(page.organization.clone()));
            organization.map(|organization| view! { <CreateDialog create organization=organization.slug/> })
        })}
    }
}

#[component]
fn Table(page: Loaded<ProjectsPage>) -> impl IntoView {
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| page.with(|page| write_rows(page, rows))))
            next=Signal::derive(move || page.with(|page| page.next.clone()))
            busy=page.busy
            empty=Empty {
                sign: Sign::Folder,
                none_fits: ("No project found", "No project has this in its name."),
                none: ("No projects yet", "Create the first project."),
                show_all: "Show all projects",
            }
            head=|| view! {
                <th scope="col" role="columnheader">"Project"</th>
                <th scope="col" role="columnheader" class="role-cell">"Your role"</th>
                <th scope="col" role="columnheader" class="added-cell">"Created"</th>
            }
        />
    }
}

fn write_rows(page: &ProjectsPage, rows: &mut Rows) {
    let zone = rows.zone;
    for row in &page.rows {
        write_row(row, zone, rows.row(row.id.0.as_u128()));
    }
}

fn write_row(row: &ProjectRow, zone: Zone, out: &mut Markup) {
    out.raw("<tr role=\"row\"><td role=\"cell\" class=\"name-cell\"><div class=\"person-words\">");
    out.raw("<span class=\"person-name\">");
    if let Some(slug) = &row.slug {
        out.open("a")
            .attribute("class", "row-link")
            .attribute("href", &paths::project(slug));
        out.raw("<bdi>").text(&row.name).raw("</bdi></a>");
    } else {
        out.raw("<bdi>").text(&row.name).raw("</bdi>");
    }
    if row.is_default {
        out.raw("<span class=\"you\">Default</span>");
    }
    out.raw("</span>");
    if let Some(slug) = &row.slug {
        out.raw("<code class=\"person-email\">")
            .text(&slug.to_string())
            .raw("</code>");
    }
    out.raw("</div></td><td role=\"cell\" class=\"role-cell\">");
    match row.role {
        Some(role) => write_badge(out, Tone::Plain, &role.to_string()),
        None => drop(out.raw("<span class=\"hint\">No access</span>")),
    }
    out.raw("</td><td role=\"cell\" class=\"added-cell\">");
    write_time(out, row.since, Shown::Day, zone);
    out.raw("</td></tr>");
}

/// Creates a project; suggests four common ways to divide work into projects (P5).
#[component]
fn CreateDialog(create: FormSender, organization: Slug) -> impl IntoView {
    let close = expect_context::<ListAddress>().closed();
    let flashed = expect_context::<Flashed>();
    let value = create.outcome();
    let typed = move |field| flashed.typed(FormName::CreateProject, field).unwrap_or_default();
    view! {
        <DialogBox title="Create Project" close=close.get_untracked()>
            <PostForm action=create class="form">
                <p>
                    "A project has its own collaborators, resources and API keys. Organization Admins have access; \
                     everybody else you add."
                </p>
                {form_problem(value, FormName::CreateProject, &[About::Name, About::Slug])}
                <input type="hidden" name="organization" value=organization.to_string()/>
                <Field
                    label="Name"
                    name="name"
                    value=typed("name")
                    error=form_error(value, FormName::CreateProject, About::Name)
                    autofocus=true
                />
                <Field
                    label="Slug"
                    name="slug"
                    kind="slug"
                    value=typed("slug")
                    hint="Its name in URLs: 3 to 63 of a–z, 0–9 and hyphens inside. Unique among all projects."
                    error=form_error(value, FormName::CreateProject, About::Slug)
                />
                <details class="ways">
                    <summary>"How do others split their work into projects?"</summary>
                    <dl>
                        <div><dt>"By team"</dt><dd>"ml-research, search, data-platform"</dd></div>
                        <div><dt>"By environment"</dt><dd>"production, staging, development"</dd></div>
                        <div><dt>"By workload"</dt><dd>"fine-tuning, inference, evaluation"</dd></div>
                        <div><dt>"By customer"</dt><dd>"customer-acme, customer-globex"</dd></div>
                    </dl>
                </details>
                <DialogActions close action=create label="Create"/>
            </PostForm>
        </DialogBox>
    }
}
