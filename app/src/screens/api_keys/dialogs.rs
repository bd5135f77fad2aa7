//! The dialogs of the API keys screen: creating, rotating and revoking a key, its expiration, the Organization Default
//! Key, and the secret that is shown once.

use leptos::prelude::*;
use policy::{Field as About, KeyChange, KeyScope, Permission, check_key_creation};

use super::{
    actions::Actions,
    table::{Lifetime, SecretParts, is_end_of_day},
};
use crate::{
    api::{
        api_keys::{Dialog, KeyRow, KeysPage, OVERLAPS},
        projects::ProjectHead,
    },
    components::{
        ButtonLink, Confirmation, CopyField, Dialog as DialogBox, DialogActions, Field, FormSender, Icon, ListAddress,
        PostForm, SelectField, Sign, form_error, form_problem, input_day, last_day,
    },
    flash::Flashed,
    load::Loaded,
    outcome::{Done, FormName, HowMade},
};

/// The expirations to choose from: the values that the server function accepts, and their labels.
const EXPIRATIONS: &[(&str, &str)] = &[
    ("", "No expiration"),
    ("7", "7 days"),
    ("30", "30 days"),
    ("60", "60 days"),
    ("90", "90 days"),
    ("365", "1 year"),
    ("on", "On a date"),
];

/// The dialog that the URL names, if the person may use it.
#[component]
pub(super) fn Dialogs(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Created once when the dialog opens, so that what is typed in it stays when the list behind it changes.
    let open = Memo::new(move |_| {
        let may = |key, change| page.with(|page| page.find(key).is_some_and(|row| page.check(row, change).is_ok()));
        address.dialog().filter(|dialog| match *dialog {
            Dialog::Secret => true,
            Dialog::Create => page.with(|page| page.project.standing.may(Permission::ApiKeyCreate)),
            Dialog::Expiration(key) => may(key, KeyChange::Expiration),
            Dialog::Rotate(key) => may(key, KeyChange::Rotate),
            Dialog::Revoke(key) => may(key, KeyChange::Revoke),
            Dialog::Regenerate => page.with(|page| page.default_key.is_some()),
        })
    });
    move || {
        let dialog = open.get()?;
        let page = page.peek(|page| Some(page.clone()))?;
        let find = |key| page.find(key).cloned();
        let project = page.project.clone();
        Some(match dialog {
            Dialog::Create => view! { <CreateDialog project/> }.into_any(),
            Dialog::Secret => view! { <SecretDialog/> }.into_any(),
            Dialog::Expiration(key) => view! { <ExpirationDialog project key=find(key)?/> }.into_any(),
            Dialog::Rotate(key) => view! { <RotateDialog project key=find(key)?/> }.into_any(),
            Dialog::Revoke(key) => view! { <RevokeDialog project key=find(key)?/> }.into_any(),
            Dialog::Regenerate => {
                let has_secret = page.default_key.is_some_and(|key| !key.secret_start.is_empty());
                view! { <RegenerateDialog project has_secret/> }.into_any()
            }
        })
    }
}

/// Returns the longest of the offered expirations that does not exceed the key's own lifetime: a rotation gives its
/// successor as much (K7).
fn as_long_as(key: &KeyRow) -> &'static str {
    let Some(end) = key.expires_at else { return "" };
    let days = (end.0 - key.created_at.0) / 86_400;
    EXPIRATIONS
        .iter()
        .rfind(|(value, _)| value.parse::<i64>().is_ok_and(|usual| usual <= days))
        .map_or("7", |(value, _)| value)
}

/// The fields for a key's expiration: never, after some days, or on a date (K6).
#[component]
fn Expiration(
    /// The form that the fields are in.
    form: FormName,
    /// Sends the form.
    action: FormSender,
    #[prop(default = "Expiration")] label: &'static str,
    /// The option that is selected at first, and the date.
    #[prop(default = ("", String::new()))]
    now: (&'static str, String),
) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let value = action.outcome();
    let (choice, day) = now;
    view! {
        <div class="expiration">
            <SelectField
                label=label
                name="expires"
                options=EXPIRATIONS
                value=flashed.typed(form, "expires").unwrap_or_else(|| choice.to_owned())
            />
            <Field
                label="Date"
                name="expires_on"
                kind="date"
                hint="The key works through the end of this day (UTC)."
                value=flashed.typed(form, "expires_on").unwrap_or(day)
                error=form_error(value, form, About::ExpiresOn)
            />
        </div>
    }
}

/// Creates a key (K2).
#[component]
fn CreateDialog(project: ProjectHead) -> impl IntoView {
    const FORM: FormName = FormName::CreateKey;
    let action = expect_context::<Actions>().create;
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().closed();
    let value = action.outcome();
    let may_manage = check_key_creation(&project.standing, KeyScope::Manage).is_ok();
    view! {
        <DialogBox title="Create API Key" close=close.get_untracked()>
            <PostForm action class="form">
                {form_problem(value, FORM, &[About::Name, About::ExpiresOn, About::CurrentPassword])}
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <Field
                    label="Name"
                    name="name"
                    hint="What the key is for, such as the program that uses it."
                    value=flashed.typed(FORM, "name").unwrap_or_default()
                    error=form_error(value, FORM, About::Name)
                    autofocus=true
                />
                {may_manage.then(|| view! {
                    <SelectField
                        label="Reach"
                        name="reach"
                        options=&[
                            ("use", "Use: what a Member may do to resources"),
                            ("manage", "Manage: what an Admin may do to resources"),
                        ]
                        value=flashed.typed(FORM, "reach").unwrap_or_default()
                    />
                })}
                <Expiration form=FORM action/>
                <Confirmation form=FORM value/>
                <DialogActions close action label="Create"/>
            </PostForm>
        </DialogBox>
    }
}

/// Shows the secret of a key that was just made, once (K3).
#[component]
fn SecretDialog() -> impl IntoView {
    let Actions {
        create,
        rotate,
        regenerate,
        ..
    } = expect_context();
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().closed();
    let made = [
        (create, FormName::CreateKey),
        (rotate, FormName::RotateKey),
        (regenerate, FormName::RegenerateKey),
    ]
    .into_iter()
    .find_map(|(action, form)| match action.outcome().get_untracked() {
        Some(outcome) => outcome.ok(),
        None => untrack(|| flashed.done(form)),
    });
    // A dialog that is opened again by its address has no secret to show.
    let Some(Done::KeyMade { name, secret, how }) = made else {
        return ().into_any();
    };
    let (title, lead) = match how {
        HowMade::Created => ("API key created", format!("{name} is ready to use.")),
        HowMade::Rotated => (
            "API key rotated",
            format!("This key replaces {name}, and is ready to use."),
        ),
        HowMade::Regenerated => (
            "Default key regenerated",
            format!("The {name} has a new secret. The old secret no longer works."),
        ),
    };
    view! {
        <DialogBox title close=close.get_untracked()>
            <div class="form">
                <p>{lead}</p>
                <CopyField label="Secret key" id="secret-key" value=secret.0/>
                <p class="card-line">
                    <Icon sign=Sign::Alert/>
                    <span>"Copy it now. It won’t be shown again, and nobody can look it up."</span>
                </p>
                <div class="dialog-actions">
                    <ButtonLink href=close class="button button-primary" autofocus=true>"Done"</ButtonLink>
                </div>
            </div>
        </DialogBox>
    }
    .into_any()
}

/// Changes or removes a key's expiration (K6).
#[component]
fn ExpirationDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    const FORM: FormName = FormName::KeyExpiration;
    let action = expect_context::<Actions>().expiration;
    let close = expect_context::<ListAddress>().closed();
    // Saving the form unchanged must change nothing. A key that ends in the middle of a day has no date to preselect,
    // so one has to be chosen.
    let now = match key.expires_at {
        Some(at) if is_end_of_day(at) => ("on", input_day(last_day(at))),
        Some(_) => ("on", String::new()),
        None => ("", String::new()),
    };
    view! {
        <DialogBox title="Set expiration" close=close.get_untracked()>
            <PostForm action class="form">
                <p>
                    <bdi>{key.name}</bdi>
                    " stops working when it expires. Until then you can change or remove the expiration."
                </p>
                {form_problem(action.outcome(), FORM, &[About::ExpiresOn])}
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="key" value=key.id.to_string()/>
                <Expiration form=FORM action now/>
                <DialogActions close action label="Save"/>
            </PostForm>
        </DialogBox>
    }
}

/// Rotates a key (K7).
#[component]
fn RotateDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    const FORM: FormName = FormName::RotateKey;
    let action = expect_context::<Actions>().rotate;
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().closed();
    view! {
        <DialogBox title="Rotate API key" close=close.get_untracked()>
            <PostForm action class="form">
                <p>
                    "This creates a new key with the same name and reach as "
                    <bdi>{key.name.clone()}</bdi>
                    ". The old key keeps working for as long as you choose, so that programs can switch over; the \
                     list shows when it was last used."
                </p>
                {form_problem(action.outcome(), FORM, &[About::ExpiresOn, About::CurrentPassword])}
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="key" value=key.id.to_string()/>
                <Expiration form=FORM action label="Expiration of the new key" now=(as_long_as(&key), String::new())/>
                <SelectField
                    label="Keep the old key working"
                    name="overlap"
                    options=OVERLAPS
                    value=flashed.typed(FORM, "overlap").unwrap_or_default()
                />
                <Confirmation form=FORM value=action.outcome()/>
                <DialogActions close action label="Rotate"/>
            </PostForm>
        </DialogBox>
    }
}

/// Revokes a key, after a confirmation (K7).
#[component]
fn RevokeDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    let action = expect_context::<Actions>().revoke;
    let close = expect_context::<ListAddress>().closed();
    view! {
        <DialogBox title=format!("Revoke {}?", key.name) close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="key" value=key.id.to_string()/>
                <p>
                    "Requests with "
                    <SecretParts key=key.clone()/>
                    " are refused as soon as you confirm. This can’t be undone."
                </p>
                <p class="card-line"><Icon sign=Sign::Info/><Lifetime key/></p>
                <DialogActions close action label="Revoke" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// Gives the Organization Default Key a new secret (K8).
#[component]
fn RegenerateDialog(project: ProjectHead, has_secret: bool) -> impl IntoView {
    const FORM: FormName = FormName::RegenerateKey;
    let action = expect_context::<Actions>().regenerate;
    let close = expect_context::<ListAddress>().closed();
    view! {
        <DialogBox title="Regenerate the Organization Default Key?" close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <p>{if has_secret {
                    "The key gets a new secret, and requests with the old one are refused at once. This can’t be \
                     undone."
                } else {
                    "The key gets its first secret, which is shown once."
                }}</p>
                {form_problem(action.outcome(), FORM, &[About::CurrentPassword])}
                <Confirmation form=FORM value=action.outcome()/>
                <DialogActions close action label="Regenerate" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}
