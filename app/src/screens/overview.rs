//! A project: what it is, and what the person may do in it.

use leptos::prelude::*;
use policy::{Because, Permission};

use super::use_project_slug;
use crate::{
    api::projects::{ProjectHead, project},
    components::{Badge, Icon, MomentText, PageTitle, Sign, Tone},
    live::Live,
    load::{Loaded, load},
    paths,
};

/// The project's page.
#[component]
pub(crate) fn OverviewScreen() -> impl IntoView {
    let slug = use_project_slug();
    let live = expect_context::<Live>();
    load(
        move || (slug.get(), live.ticks.get()),
        |(slug, _)| project(slug),
        |project| view! { <Overview project/> },
    )
}

#[component]
fn Overview(project: Loaded<ProjectHead>) -> impl IntoView {
    let name = Signal::derive(move || project.with(|project| project.name.clone()));
    let organization = move || project.with(|project| project.organization_name.clone());
    let place = Memo::new(move |_| project.with(|project| project.standing.project));
    let reason = move || {
        project.with(|project| {
            let organization = &project.organization_name;
            project.standing.project.map(|place| match place.because {
                Because::OrganizationAdmin => format!("Admins of {organization} are Admins of every project."),
                Because::OrganizationMember => {
                    format!("Every member of {organization} has access to the Default Project.")
                }
                Because::Added => "You were added to this project.".to_owned(),
                Because::External => format!("You were added to this project from outside {organization}."),
            })
        })
    };
    let tone = Signal::derive(move || {
        if place.get().is_some_and(policy::ProjectStanding::is_admin) {
            Tone::Strong
        } else {
            Tone::Plain
        }
    });
    let may = move |permission: Permission| project.with(|project| project.standing.may(permission));
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
        <PageTitle text=name/>
        <header class="page-header">
            <div class="page-heading">
                <p class="eyebrow">{organization}</p>
                <h1 id="heading" tabindex="-1">{move || name.get()}</h1>
            </div>
        </header>
        <DefaultProjectNotice project/>
        <section class="card" aria-labelledby="access">
            <h2 id="access">"Your access"</h2>
            <p class="card-line">
                <Badge tone>{move || place.get().map(|place| place.role.to_string())}</Badge>
                <span>{reason}</span>
            </p>
            {move || project.with(|project| project.expires_at).map(|at| view! {
                <p class="card-line"><Icon sign=Sign::Info/><span>"Your access ends after "<MomentText at=last_day(at) is_utc_day=true/>"."</span></p>
            })}
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
            <p class="card-foot"><a href=paths::ROLES>"All roles and permissions"</a></p>
        </section>
    }
}

/// The last day of an access that ends at an instant.
pub(crate) fn last_day(end: crate::api::Moment) -> crate::api::Moment {
    crate::api::Moment(end.0 - 1)
}

/// The notice of the Default Project's pages (D7).
#[component]
pub(crate) fn DefaultProjectNotice(project: Loaded<ProjectHead>) -> impl IntoView {
    let text = move || {
        project.with(|project| {
            project
                .is_default
                .then(|| default_project_notice(&project.organization_name))
        })
    };
    move || {
        text().map(|text| view! { <aside class="banner" aria-label="About the Default Project"><Icon sign=Sign::Info/><p>{text}</p></aside> })
    }
}

/// What the notice says (D7).
pub(crate) fn default_project_notice(organization: &str) -> String {
    format!(
        "All members of {organization} have access to this project, so don’t keep sensitive resources here. Create a separate project for them."
    )
}
