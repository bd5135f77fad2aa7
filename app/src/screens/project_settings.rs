//! Settings > Project: name, slug, and whether external collaborators may be added (P2, X1).

use leptos::{either::Either, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{Field as About, Permission};

use super::{
    owned_assets::OwnedAssetsHere,
    settings_form::{NameAndSlug, SettingsForm, follow_saved},
    use_project_slug,
};
use crate::{
    api::{
        owned_assets::OwnedAssets,
        projects::{
            DeleteProject, Deletion, ProjectHead, ProjectSettings, RemoveExternals, SettingsDialog, SettingsView,
            UpdateProject,
        },
    },
    components::{
        ButtonLink, Confirmation, DefaultProjectNotice, Dialog as DialogBox, DialogActions, Field, FormSender, Icon,
        ListAddress, PageHeader, PageTitle, PostForm, Sign, form_error, form_problem,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load, once},
    outcome::FormName,
    paths,
};

#[component]
pub(crate) fn ProjectSettingsScreen() -> impl IntoView {
    let slug = use_project_slug();
    ListAddress::provide::<SettingsDialog>(Signal::derive(move || {
        slug.with(|slug| format!("/settings/projects/{slug}"))
    }));
    load::<ProjectSettings, _>(once, |settings| view! { <Settings settings/> })
}

#[component]
fn Settings(settings: Loaded<SettingsView>) -> impl IntoView {
    let title =
        Signal::derive(move || settings.with(|settings| format!("Project settings · {}", settings.project.name)));
    let lead = Signal::derive(move || {
        settings.with(|settings| {
            format!(
                "The name and address of {}, and who may be added to it.",
                settings.project.name
            )
        })
    });
    let head = Signal::derive(move || settings.with(|settings| Some(settings.project.clone())));
    // Changes with the project alone: a change of the same project by somebody else leaves what is being typed.
    let project = Memo::new(move |_| settings.with(|settings| settings.project.slug.to_string()));
    let may_change =
        Memo::new(move |_| settings.with(|settings| settings.project.standing.may(Permission::ProjectUpdate)));
    view! {
        <PageTitle text=title/>
        <PageHeader title="Project" lead/>
        <DefaultProjectNotice project=head/>
        // Created again for another project: what was typed is about this one.
        <For
            each=move || {
                project.track();
                let head = settings.peek(|settings| Some(settings.project.clone()));
                head.map(|project| (project, may_change.get()))
            }
            key=|(project, may_change)| (project.slug.clone(), *may_change)
            children=move |(project, may_change)| if may_change {
                view! { <ProjectForm settings project/> }.into_any()
            } else {
                view! { <SettingsFacts project/> }.into_any()
            }
        />
        <LeftoverExternals settings/>
        <DeleteProjectForm settings/>
    }
}

#[component]
fn ProjectForm(settings: Loaded<SettingsView>, project: ProjectHead) -> impl IntoView {
    const FORM: FormName = FormName::ProjectSettings;
    let flashed = expect_context::<Flashed>();
    let action = FormSender::to::<UpdateProject>();
    let slug = project.slug.to_string();
    follow_saved(action, slug.clone(), paths::project_settings, move || settings.reload());
    let allow_externals = flashed
        .typed(FORM, "allow_externals")
        .map_or(project.allow_externals, |typed| !typed.is_empty());
    view! {
        <SettingsForm action>
            <input type="hidden" name="project" value=slug.clone()/>
            {form_problem(action.outcome(), FORM, &[About::Name, About::Slug])}
            <NameAndSlug
                form=FORM
                action
                name=project.name
                slug
                slug_hint="The project’s name in addresses. When you change it, the old one stops working, and nobody \
                 else gets it for 90 days."
            />
            {if project.is_default {
                view! { <p class="hint">"External collaborators can’t be added to the Default Project."</p> }.into_any()
            } else {
                view! {
                    <div class="switch">
                        <input
                            type="checkbox"
                            id="allow-externals"
                            name="allow_externals"
                            value="on"
                            checked=allow_externals
                            aria-describedby="allow-externals-hint"
                        />
                        <div>
                            <label for="allow-externals">"Allow external collaborators"</label>
                            <p class="hint" id="allow-externals-hint">
                                {format!(
                                    "People outside {} can be added to this project. They see this project and \
                                     nothing else.",
                                    project.organization_name,
                                )}
                            </p>
                        </div>
                    </div>
                }.into_any()
            }}
        </SettingsForm>
    }
}

/// The settings, for somebody who may read but not change them (R2).
#[component]
fn SettingsFacts(project: ProjectHead) -> impl IntoView {
    view! {
        <section class="card" aria-label="Settings">
            <dl class="facts">
                <div><dt>"Name"</dt><dd>{project.name}</dd></div>
                <div><dt>"Slug"</dt><dd><code>{project.slug.to_string()}</code></dd></div>
                <div>
                    <dt>"Allow external collaborators"</dt>
                    <dd>{if project.allow_externals { "On" } else { "Off" }}</dd>
                </div>
            </dl>
            <p class="hint">"Only Admins of the project can change its settings."</p>
        </section>
    }
}

/// The external collaborators who kept their access when externals were disallowed, and the button that removes them
/// (X1).
#[component]
fn LeftoverExternals(settings: Loaded<SettingsView>) -> impl IntoView {
    let (notices, address) = (expect_context::<Notices>(), expect_context::<ListAddress>());
    let close_dialog = address.closer();
    let action = FormSender::to::<RemoveExternals>();
    Effect::new(move |_| match action.outcome().get() {
        Some(Ok(done)) => {
            notices.show(Notice::done(&done));
            close_dialog();
            settings.reload();
        }
        Some(Err(problem)) => {
            notices.show(Notice::problem(problem));
            close_dialog();
        }
        None => {}
    });
    let leftover = Memo::new(move |_| {
        settings.with(|settings| {
            let made = settings.leftover.clone()?;
            Some((settings.project.clone(), settings.externals, made))
        })
    });
    let is_open = Memo::new(move |_| address.dialog() == Some(SettingsDialog::RemoveExternals));
    move || {
        leftover.get().map(|(project, count, made)| {
            let (slug, name) = (project.slug, project.name);
            let text = if count == 1 {
                "1 external collaborator still has access.".to_owned()
            } else {
                format!("{count} external collaborators still have access.")
            };
            let who = format!("{}?kind=external", paths::collaborators(&slug));
            view! {
                <section class="card card-danger" aria-labelledby="leftover">
                    <h2 id="leftover">"External collaborators"</h2>
                    <p>
                        {text}
                        " New ones can’t be added while "
                        <strong>"Allow external collaborators"</strong>
                        " is off."
                    </p>
                    <p class="form-actions">
                        <a class="button" href=who>"See who"</a>
                        <ButtonLink class="button button-quiet-danger" href=address.to(SettingsDialog::RemoveExternals)>
                            "Remove them all"
                        </ButtonLink>
                    </p>
                </section>
                {move || is_open.get().then(|| view! {
                    <RemoveExternalsDialog action slug=slug.to_string() name=name.clone() count made=made.clone()/>
                })}
            }
        })
    }
}

/// Confirms their removal: says what ends, and that what they made stays (C6, N5).
#[component]
fn RemoveExternalsDialog(
    action: FormSender,
    slug: String,
    name: String,
    count: i64,
    made: OwnedAssets,
) -> impl IntoView {
    let close = expect_context::<ListAddress>().closed();
    let title = if count == 1 {
        "Remove 1 external collaborator?".to_owned()
    } else {
        format!("Remove {count} external collaborators?")
    };
    view! {
        <DialogBox title close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=slug/>
                <p>
                    "Their access to "
                    <bdi>{name}</bdi>
                    " ends at once: its resources, SSH to the nodes of its clusters, and managing it."
                </p>
                <OwnedAssetsHere made who="They"/>
                <DialogActions close action label="Remove them all" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// The form that deletes the project (P4): for Admins of the organization, and never for the Default Project (D1).
#[component]
fn DeleteProjectForm(settings: Loaded<SettingsView>) -> impl IntoView {
    let (flashed, notices, live) = (
        expect_context::<Flashed>(),
        expect_context::<Notices>(),
        expect_context::<Live>(),
    );
    let navigate = use_navigate();
    let action = FormSender::to::<DeleteProject>();
    let value = action.outcome();
    // The event of the deletion can arrive before the answer.
    live.hold_while(action, |_| true);
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show_on_next(Notice::done(&done));
            let organization = settings.peek(|settings| Some(settings.project.organization.clone()));
            let to = organization.map_or_else(|| paths::HOME.to_owned(), |slug| paths::projects(&slug));
            // Replaces this page in the history, so that the back button doesn't lead to the deleted project.
            let options = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&to, options);
        }
    });
    let deletable = Memo::new(move |_| {
        settings.with(|settings| {
            let deletion = settings.deletion?;
            Some((settings.project.slug.clone(), settings.project.name.clone(), deletion))
        })
    });
    move || {
        deletable.get().map(|(slug, name, Deletion { keys, resources })| {
            view! {
                <section class="card card-danger" aria-labelledby="delete">
                    <h2 id="delete">"Delete project"</h2>
                    <p>
                        "Everybody’s access to "<strong><bdi>{name}</bdi></strong>" ends at once."
                        {keys_end(keys)}
                        " Its slug can’t be used again for 90 days. This can’t be undone."
                    </p>
                    {form_problem(value, FormName::DeleteProject, &[About::Confirmation, About::CurrentPassword])}
                    {if resources > 0 {
                        Either::Left(view! {
                            <p class="card-line"><Icon sign=Sign::Info/><span>{resources_first(resources)}</span></p>
                            <p class="form-actions">
                                <a class="button" href=paths::project(&slug)>"Go to its resources"</a>
                            </p>
                        })
                    } else {
                        Either::Right(view! {
                            <PostForm action class="form">
                                <input type="hidden" name="project" value=slug.to_string()/>
                                <Field
                                    label=format!("Type {slug} to confirm")
                                    name="confirmation"
                                    kind="slug"
                                    value=flashed.typed(FormName::DeleteProject, "confirmation").unwrap_or_default()
                                    error=form_error(value, FormName::DeleteProject, About::Confirmation)
                                />
                                <Confirmation form=FormName::DeleteProject value/>
                                <div class="form-actions">
                                    <button type="submit" class="button button-danger" aria-busy=move || action.busy()>
                                        "Delete project"
                                    </button>
                                </div>
                            </PostForm>
                        })
                    }}
                </section>
            }
        })
    }
}

/// Says what happens to the project's keys (P4, N5).
fn keys_end(keys: i64) -> Option<String> {
    match keys {
        0 => None,
        1 => Some(" Its API key stops working at once.".to_owned()),
        _ => Some(format!(" Its {keys} API keys stop working at once.")),
    }
}

/// Says why the project can't be deleted yet (P4).
fn resources_first(resources: i64) -> String {
    if resources == 1 {
        "It still has 1 resource: delete it first.".to_owned()
    } else {
        format!("It still has {resources} resources: delete them first.")
    }
}
