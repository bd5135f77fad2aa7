//! The tables of roles and permissions, rendered from the policy itself (R1).

use leptos::prelude::*;
use policy::{Grant, Permission, Scope};

use crate::{
    components::{Icon, PageTitle, Sign},
    paths,
};

/// The page, which needs no session.
#[component]
pub(crate) fn RolesScreen() -> impl IntoView {
    view! {
        <PageTitle text="Roles and permissions"/>
        <main id="main" class="document">
            <p>
                <a class="brand" href=paths::HOME rel="external">
                    <span class="brand-mark" aria-hidden="true"></span>
                    "Roster"
                </a>
            </p>
            <h1 id="heading" tabindex="-1">"Roles and permissions"</h1>
            <p class="lead">
                "What each role permits. Roster reads the same table for every page, form and gateway, so what stands \
                 here is what happens."
            </p>
            <PermissionTable
                scope=Scope::Organization
                title="Organization"
                about="Members of an organization are Admins or Members of it. The Owner is an Admin, for good."
            />
            <PermissionTable
                scope=Scope::Project
                title="Project"
                about="Collaborators of a project are Admins or Members of it. Admins of the organization are Admins \
                 of every project."
            />
        </main>
    }
}

#[component]
fn PermissionTable(scope: Scope, title: &'static str, about: &'static str) -> impl IntoView {
    let id = if scope == Scope::Organization {
        "organization"
    } else {
        "project"
    };
    let rows = Permission::ALL
        .iter()
        .copied()
        .filter(move |permission| permission.scope() == scope);
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <p>{about}</p>
            <table class="table permissions" aria-labelledby=id>
                <thead>
                    <tr>
                        <th scope="col">"Permission"</th>
                        <th scope="col" class="permission-cell">"Admin"</th>
                        <th scope="col" class="permission-cell">"Member"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows.map(|permission| view! {
                        <tr>
                            <th scope="row">
                                <span class="permission-label">{permission.label()}</span>
                                <code>{permission.name()}</code>
                            </th>
                            <td class="permission-cell"><Answer yes=true/></td>
                            <td class="permission-cell"><Answer yes=permission.grant() == Grant::Everyone/></td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
        </section>
    }
}

#[component]
fn Answer(yes: bool) -> impl IntoView {
    if yes {
        view! {
            <span class="answer answer-yes"><Icon sign=Sign::Check/><span class="visually-hidden">"yes"</span></span>
        }
    } else {
        view! { <span class="answer"><Icon sign=Sign::Close/><span class="visually-hidden">"no"</span></span> }
    }
}
