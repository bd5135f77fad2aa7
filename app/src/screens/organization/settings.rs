//! Settings > Organization: its name and slug, its Owner, and deleting it (O1, O3, W2).

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{Field as About, OrganizationStanding, Permission};

use crate::{
    api::organizations::{
        self as api, DeleteOrganization, OrganizationHead, OrganizationPage, TransferCandidate, TransferOwnership,
        UpdateOrganization,
    },
    components::{
        Confirmation, Field, FormSender, PageHeader, PageTitle, PostForm, TimestampText, form_error, form_problem,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load, once},
    outcome::FormName,
    paths,
    screens::settings_form::{NameAndSlug, SettingsForm, follow_saved},
};

#[component]
pub(crate) fn OrganizationScreen() -> impl IntoView {
    load::<api::Organization, _>(once, |page| view! { <Organization page/> })
}

#[component]
fn Organization(page: Loaded<OrganizationPage>) -> impl IntoView {
    let title = Signal::derive(move || page.with(|page| format!("Organization settings · {}", page.organization.name)));
    let lead = Signal::derive(move || {
        page.with(|page| format!("The name and address of {}, and who owns it.", page.organization.name))
    });
    // Changes with the organization alone: a change of the same one by somebody else leaves what is being typed.
    let slug = Memo::new(move |_| page.with(|page| page.organization.slug.to_string()));
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let may_change =
        Memo::new(move |_| page.with(|page| page.organization.standing.may(Permission::OrganizationUpdate)));
    let is_owner = Memo::new(move |_| {
        page.with(|page| {
            page.organization
                .standing
                .organization
                .is_some_and(OrganizationStanding::is_owner)
        })
    });
    let now = move || {
        slug.track();
        page.peek(|page| Some(page.clone()))
    };
    view! {
        <PageTitle text=title/>
        <PageHeader title="Organization" lead/>
        // Created again for another organization: what was typed is about this one.
        <For
            each=move || now().map(|now| (now.organization, may_change.get()))
            key=|(organization, may_change)| (organization.slug.clone(), *may_change)
            children=move |(organization, may_change)| if may_change {
                view! { <OrganizationForm page organization/> }.into_any()
            } else {
                view! { <Facts organization/> }.into_any()
            }
        />
        <Ownership page/>
        // Created again when the text to type for confirmation changes.
        <For
            each=move || {
                name.track();
                now().filter(|_| is_owner.get())
            }
            key=|now| (now.organization.slug.clone(), now.organization.name.clone())
            children=move |now| view! {
                <Transfer page organization=now.organization.clone() transfer_candidates=now.transfer_candidates/>
                <Delete organization=now.organization/>
            }
        />
    }
}

#[component]
fn OrganizationForm(page: Loaded<OrganizationPage>, organization: OrganizationHead) -> impl IntoView {
    const FORM: FormName = FormName::OrganizationSettings;
    let action = FormSender::to::<UpdateOrganization>();
    let slug = organization.slug.to_string();
    follow_saved(action, slug.clone(), paths::organization, move || page.reload());
    view! {
        <SettingsForm action>
            {form_problem(action.outcome(), FORM, &[About::Name, About::Slug])}
            <input type="hidden" name="organization" value=slug.clone()/>
            <NameAndSlug
                form=FORM
                action
                name=organization.name
                slug
                slug_hint="The organization’s name in URLs. Changing it breaks links to the old one."
            />
        </SettingsForm>
    }
}

/// The settings, for somebody who may read but not change them (O3, R2).
#[component]
fn Facts(organization: OrganizationHead) -> impl IntoView {
    view! {
        <section class="card" aria-label="Settings">
            <dl class="facts">
                <div><dt>"Name"</dt><dd>{organization.name}</dd></div>
                <div><dt>"Slug"</dt><dd><code>{organization.slug.to_string()}</code></dd></div>
            </dl>
            <p class="hint">"Only Admins of the organization can change its settings."</p>
        </section>
    }
}

#[component]
fn Ownership(page: Loaded<OrganizationPage>) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="about">
            <h2 id="about">"About"</h2>
            <dl class="facts">
                <div><dt>"Owner"</dt><dd><bdi>{move || page.with(|page| page.owner.clone())}</bdi></dd></div>
                <div>
                    <dt>"Created"</dt>
                    <dd>
                        {move || page.with(|page| Some(page.organization.created_at)).map(|at| view! {
                            <TimestampText at/>
                        })}
                    </dd>
                </div>
                <div>
                    <dt>"Additional projects"</dt>
                    <dd>
                        {move || page.with(|page| if page.organization.additional_projects { "On" } else { "Off" })}
                    </dd>
                </div>
            </dl>
            <p class="hint">"Whoever runs this console switches additional projects on and off."</p>
        </section>
    }
}

/// The form that transfers the organization (W2).
#[component]
fn Transfer(
    page: Loaded<OrganizationPage>,
    organization: OrganizationHead,
    transfer_candidates: Vec<TransferCandidate>,
) -> impl IntoView {
    let (flashed, notices) = (expect_context::<Flashed>(), expect_context::<Notices>());
    let action = FormSender::to::<TransferOwnership>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
            page.then_focus_heading();
            page.reload();
        }
    });
    let chosen = flashed.typed(FormName::Transfer, "user").unwrap_or_default();
    let name = organization.name.clone();
    view! {
        <section class="card card-danger" aria-labelledby="transfer">
            <h2 id="transfer">"Transfer ownership"</h2>
            {if transfer_candidates.is_empty() {
                view! {
                    <p>"Ownership can go to another Admin. There is none yet: make a member an Admin first."</p>
                }.into_any()
            } else {
                view! {
                    <p>
                        "The new Owner can’t be removed or demoted, and only they can hand it back. You stay an \
                         Admin. The Organization Default Key goes with it: its secret stops working at once, and the \
                         new Owner regenerates it."
                    </p>
                    <PostForm action class="form">
                        {form_problem(value, FormName::Transfer, &[About::Confirmation, About::CurrentPassword])}
                        <input type="hidden" name="organization" value=organization.slug.to_string()/>
                        <div class="field">
                            <label for="field-user">"New Owner"</label>
                            <select id="field-user" name="user">
                                {transfer_candidates.into_iter().map(|candidate| {
                                    let id = candidate.user.to_string();
                                    let is_chosen = id == chosen;
                                    view! {
                                        <option value=id selected=is_chosen>
                                            {format!("{} ({})", candidate.name, candidate.email)}
                                        </option>
                                    }
                                }).collect_view()}
                            </select>
                        </div>
                        <Field
                            label=format!("Type {name} to confirm")
                            name="confirmation"
                            value=flashed.typed(FormName::Transfer, "confirmation").unwrap_or_default()
                            error=form_error(value, FormName::Transfer, About::Confirmation)
                        />
                        <Confirmation form=FormName::Transfer value id="confirm-transfer"/>
                        <div class="form-actions">
                            <button type="submit" class="button button-danger" aria-busy=move || action.busy()>
                                "Transfer ownership"
                            </button>
                        </div>
                    </PostForm>
                }.into_any()
            }}
        </section>
    }
}

/// The form that deletes the organization, once it is empty.
#[component]
fn Delete(organization: OrganizationHead) -> impl IntoView {
    let (flashed, notices, live) = (
        expect_context::<Flashed>(),
        expect_context::<Notices>(),
        expect_context::<Live>(),
    );
    let navigate = use_navigate();
    let action = FormSender::to::<DeleteOrganization>();
    let value = action.outcome();
    // The event of the deletion can arrive before the answer.
    live.hold_while(action, |_| true);
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show_on_next(Notice::done(&done));
            navigate(paths::HOME, NavigateOptions::default());
        }
    });
    let name = organization.name;
    view! {
        <section class="card card-danger" aria-labelledby="delete">
            <h2 id="delete">"Delete organization"</h2>
            <p>
                "The organization and its Default Project are gone for good. First remove every other member and \
                 delete every other project."
            </p>
            <PostForm action class="form">
                {form_problem(value, FormName::DeleteOrganization, &[About::Confirmation, About::CurrentPassword])}
                <input type="hidden" name="organization" value=organization.slug.to_string()/>
                <Field
                    label=format!("Type {name} to delete it")
                    name="confirmation"
                    id="delete-confirmation"
                    value=flashed.typed(FormName::DeleteOrganization, "confirmation").unwrap_or_default()
                    error=form_error(value, FormName::DeleteOrganization, About::Confirmation)
                />
                <Confirmation form=FormName::DeleteOrganization value id="confirm-delete"/>
                <div class="form-actions">
                    <button type="submit" class="button button-danger" aria-busy=move || action.busy()>
                        "Delete organization"
                    </button>
                </div>
            </PostForm>
        </section>
    }
}
