//! The overview of a project: its resources by kind, and what the person may do in it.

use leptos::prelude::*;
use policy::{Because, Permission, ResourceAction};

use super::resources::{StateBadge, sign_of};
use crate::{
    api::{
        projects::ProjectHead,
        resources::ListDialog,
        resources::{self as api, KindCard, OverviewPage},
    },
    components::{Badge, DefaultProjectNotice, Icon, PageTitle, Sign, TimestampText, Tone, last_day},
    live::Live,
    load::{Loaded, load},
    messages::grouped,
    paths,
};

#[component]
pub(crate) fn OverviewScreen() -> impl IntoView {
    let live = expect_context::<Live>();
    load::<api::Overview, _>(move || live.ticks.get(), |page| view! { <Overview page/> })
}

#[component]
fn Overview(page: Loaded<OverviewPage>) -> impl IntoView {
    // Each part follows only what it shows, so that a focused element stays when another part changes.
    let project = Memo::new(move |_| page.with(|page| Some(page.project.clone())));
    let kinds = Memo::new(move |_| page.with(|page| page.kinds.clone()));
    let name = Signal::derive(move || project.get().map(|project| project.name).unwrap_or_default());
    let organization = move || project.get().map(|project| project.organization_name);
    view! {
        <PageTitle text=name/>
        <header class="page-header">
            <div class="page-heading">
                <p class="eyebrow"><bdi>{organization}</bdi></p>
                <h1 id="heading" tabindex="-1"><bdi>{move || name.get()}</bdi></h1>
            </div>
        </header>
        <DefaultProjectNotice project/>
        <div class="kinds">
            {move || project.get().map(|project| {
                let cards = kinds.get().into_iter().map(|card| view! { <Kind project=project.clone() card/> });
                cards.collect_view()
            })}
        </div>
        <Access project/>
    }
}

/// The card of a kind of resources: how many there are, the latest ones, and the link to all.
#[component]
fn Kind(project: ProjectHead, card: KindCard) -> impl IntoView {
    let kind = card.kind;
    let slug = project.slug;
    let list = paths::resources(&slug, kind);
    let id = format!("kind-{}", kind.code());
    let states = card
        .states
        .iter()
        .map(|(state, count)| format!("{} {}", grouped(*count), state.label().to_lowercase()));
    let states = states.collect::<Vec<_>>().join(", ");
    let may_create = project.standing.may(kind.permission(ResourceAction::Create));
    let create = paths::with_dialog(&list, Some(ListDialog::Create));
    let is_empty = card.count == 0;
    view! {
        <section class="card kind-card" aria-labelledby=id>
            <h2 id=id.clone()>
                <Icon sign=sign_of(kind)/>
                <a class="row-link" href=list>{kind.plural()}</a>
                <span class="kind-count">{grouped(card.count)}</span>
            </h2>
            {if is_empty {
                view! {
                    <p class="hint">
                        {if may_create { "None yet." } else { "None yet. Admins of the project create them." }}
                    </p>
                    {may_create.then(|| view! {
                        <p class="card-foot"><a href=create>{format!("Create {}", kind.label())}</a></p>
                    })}
                }.into_any()
            } else {
                view! {
                    <p class="hint">{states}</p>
                    <ul class="kind-latest" aria-label=format!("Latest {}", kind.path())>
                        {card.latest.into_iter().map(|row| view! {
                            <li>
                                <a href=paths::resource(&slug, kind, row.id)><bdi>{row.name}</bdi></a>
                                <StateBadge state=row.state/>
                            </li>
                        }).collect_view()}
                    </ul>
                }.into_any()
            }}
        </section>
    }
}

/// The person's role in the project, the reason for it, and what it permits (R3).
#[component]
fn Access(project: Memo<Option<ProjectHead>>) -> impl IntoView {
    let standing = Memo::new(move |_| project.with(|project| project.as_ref()?.standing.project));
    let expires_at = move || project.with(|project| project.as_ref()?.expires_at);
    let reason = move || {
        let project = project.get()?;
        let organization = &project.organization_name;
        project.standing.project.map(|standing| match standing.because {
            Because::OrganizationAdmin => format!("Admins of {organization} are Admins of every project."),
            Because::OrganizationMember => format!("Every member of {organization} has access to the Default Project."),
            Because::Added => "You were added to this project.".to_owned(),
            Because::External => format!("You were added to this project from outside {organization}."),
        })
    };
    let tone = Signal::derive(move || {
        if standing.get().is_some_and(policy::ProjectStanding::is_admin) {
            Tone::Strong
        } else {
            Tone::Plain
        }
    });
    let may = move |permission: Permission| {
        project.with(|project| project.as_ref().is_some_and(|project| project.standing.may(permission)))
    };
    let group = move |wanted: bool| {
        let all = Permission::ALL
            .iter()
            .copied()
            .filter(|permission| permission.scope() == policy::Scope::Project);
        all.filter(move |permission| may(*permission) == wanted)
            .map(|permission| view! { <li>{permission.label()}</li> })
            .collect_view()
    };
    let lacks_any = move || {
        Permission::ALL
            .iter()
            .any(|p| p.scope() == policy::Scope::Project && !may(*p))
    };
    view! {
        <section class="card" aria-labelledby="access">
            <h2 id="access">"Your access"</h2>
            <p class="card-line">
                <Badge tone>{move || standing.get().map(|standing| standing.role.to_string())}</Badge>
                <span>{reason}</span>
            </p>
            {move || expires_at().map(|at| view! {
                <p class="card-line">
                    <Icon sign=Sign::Info/>
                    <span>"Your access ends after "<TimestampText at=last_day(at) is_utc_day=true/>"."</span>
                </p>
            })}
            <details class="ways">
                <summary>"What you can do here"</summary>
                <div class="columns">
                    <div>
                        <h3>"You can"</h3>
                        <ul class="ticks">{move || group(true)}</ul>
                    </div>
                    {move || lacks_any().then(|| view! {
                        <div>
                            <h3>"Only Admins can"</h3>
                            <ul class="crosses">{group(false)}</ul>
                        </div>
                    })}
                </div>
            </details>
            <p class="card-foot"><a href=paths::ROLES>"All roles and permissions"</a></p>
        </section>
    }
}
