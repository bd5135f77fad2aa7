//! Settings > Project > API keys: what programs come in with, until when, and what they may do (RULES K).

use leptos::{either::Either, html, prelude::*};
use policy::{ApiKeyId, Field as About, KeyChange, KeyScope, KeyState, Permission, check_key_creation};

use super::{owned_assets::KeyScopeBadge, use_project_slug};
use crate::{
    api::{
        Timestamp,
        api_keys::{
            CreateApiKey, KeyRow, KeysPage, OVERLAPS, RegenerateDefaultKey, RevokeApiKey, RotateApiKey,
            SetApiKeyExpiration, api_keys,
        },
        projects::ProjectHead,
    },
    components::{
        Badge, ButtonLink, Confirmation, CopyField, DefaultProjectNotice, Dialog as DialogBox, DialogActions, Empty,
        Field, Filter, FormSender, Icon, ListAddress, Listing, PageHeader, PageTitle, PostForm, SearchForm,
        SelectField, Sign, TimestampText, Tone, form_error, form_problem, input_day, last_day,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    outcome::{Done, FormName, HowMade, Outcome},
    paths::Dialog,
};

/// The expirations to choose from, as the server function takes them.
const EXPIRATIONS: &[(&str, &str)] = &[
    ("", "No expiration"),
    ("7", "7 days"),
    ("30", "30 days"),
    ("60", "60 days"),
    ("90", "90 days"),
    ("365", "1 year"),
    ("on", "On a date"),
];

#[derive(Clone, Copy)]
struct Actions {
    create: FormSender,
    expiration: FormSender,
    rotate: FormSender,
    revoke: FormSender,
    regenerate: FormSender,
}

/// The page.
#[component]
pub(crate) fn ApiKeysScreen() -> impl IntoView {
    let slug = use_project_slug();
    let live = expect_context::<Live>();
    let base = Signal::derive(move || slug.with(|slug| format!("/settings/projects/{slug}/api-keys")));
    let ListAddress { query, dialog, .. } = ListAddress::provide(base);
    provide_context(Actions {
        create: FormSender::to::<CreateApiKey>(),
        expiration: FormSender::to::<SetApiKeyExpiration>(),
        rotate: FormSender::to::<RotateApiKey>(),
        revoke: FormSender::to::<RevokeApiKey>(),
        regenerate: FormSender::to::<RegenerateDefaultKey>(),
    });
    load(
        move || (slug.get(), query.get(), live.ticks.get()),
        move |(slug, query, _)| {
            // A key on another page of the list: the dialog that a link opens needs it too.
            let subject = dialog
                .get_untracked()
                .key()
                .map(|key| key.to_string())
                .unwrap_or_default();
            api_keys(slug, query, subject)
        },
        |page| view! { <ApiKeys page/> },
    )
}

#[component]
fn ApiKeys(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let project = move || page.with(|page| page.project.name.clone());
    let title = Signal::derive(move || format!("API keys · {}", project()));
    let lead = Signal::derive(move || {
        format!(
            "Programs use API keys to reach the resources of {}. A key belongs to the project, and keeps working after its creator leaves.",
            project()
        )
    });
    let head = Signal::derive(move || page.with(|page| Some(page.project.clone())));
    let may_create = Memo::new(move |_| page.with(|page| page.project.standing.may(Permission::ApiKeyCreate)));
    finish(page);
    view! {
        <PageTitle text=title/>
        <PageHeader title="API keys" lead>
            {move || may_create.get().then(|| view! {
                <ButtonLink class="button button-primary" href=address.to(Dialog::Create)><Icon sign=Sign::Plus/>"Create API Key"</ButtonLink>
            })}
        </PageHeader>
        <DefaultProjectNotice project=head/>
        <SearchForm what="API keys" placeholder="Search by name or creator">
            <Filter
                name="state"
                label="State"
                read=|query| &query.state
                options=&[("", "Any state"), ("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]
            />
        </SearchForm>
        <Table page/>
        <DefaultKey page/>
        <Dialogs page/>
    }
}

/// What follows an action in the browser: the message or the secret, and the list anew.
fn finish(page: Loaded<KeysPage>) {
    let Actions {
        create,
        expiration,
        rotate,
        revoke,
        regenerate,
    } = expect_context();
    let address = expect_context::<ListAddress>();
    let (flashed, notices) = (expect_context::<Flashed>(), expect_context::<Notices>());
    let switch = address.switch();
    let settle = move |outcome: Option<Outcome>, is_shown_in_dialog: bool| match outcome {
        Some(Ok(Done::KeyMade { .. })) => {
            notices.dismiss();
            switch(Dialog::Secret);
            page.reload();
        }
        Some(Err(_)) if is_shown_in_dialog => {}
        Some(outcome) => {
            notices.show(Notice::of(&outcome));
            switch(Dialog::None);
            page.reload();
        }
        None => {}
    };
    for (action, is_shown_in_dialog) in [
        (create, true),
        (expiration, true),
        (rotate, true),
        (revoke, false),
        (regenerate, true),
    ] {
        let settle = settle.clone();
        Effect::new(move |_| settle(action.outcome().get(), is_shown_in_dialog));
    }
    // A dialog that is closed forgets what came of it, a secret first of all.
    Effect::new(move |_| {
        if address.dialog.get() == Dialog::None {
            flashed.clear();
            for action in [create, expiration, rotate, regenerate] {
                action.forget();
            }
        }
    });
}

/// The Organization Default Key, for the Owner: to everybody else it does not exist (W3, K8).
#[component]
fn DefaultKey(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let key = Memo::new(move |_| page.with(|page| page.default_key.clone()));
    move || {
        let key = key.get()?;
        let has_secret = !key.secret_start.is_empty();
        Some(view! {
            <section class="card" aria-labelledby="default-key">
                <h2 id="default-key">{key.name.clone()}</h2>
                <p>"Only you, as the Owner of the organization, see this key. It is never revoked: regenerating it gives it a new secret, and the old one stops working at once."</p>
                <p class="card-line">
                    {if has_secret {
                        Either::Left(view! { <Visible key=key.clone()/><Life key/> })
                    } else {
                        Either::Right(view! { <span>"It has no secret yet."</span> })
                    }}
                </p>
                <p class="card-foot">
                    <ButtonLink class="button" href=address.to(Dialog::Regenerate)>"Regenerate"</ButtonLink>
                </p>
            </section>
        })
    }
}

#[component]
fn Table(page: Loaded<KeysPage>) -> impl IntoView {
    view! {
        <Listing
            of=page
            ids=|page| page.rows.iter().map(|row| row.id).collect()
            next=|page| page.next.clone()
            class="table listing keys"
            empty=Empty {
                sign: Sign::Key,
                none_fits: ("No API key found", "No API key matches this search and this state."),
                none: ("No API keys yet", "Create one for each program that uses this project, so that you can revoke them separately."),
                show_all: "Show all API keys",
            }
            head=|| view! {
                <th scope="col" class="name-cell">"Name"</th>
                <th scope="col" class="role-cell">"State"</th>
                <th scope="col" class="used-cell">"Last used"</th>
                <th scope="col" class="ends-cell">"Expires"</th>
                <th scope="col" class="buttons-cell"><span class="visually-hidden">"Actions"</span></th>
            }
            row=move |id| view! { <Row page id/> }
        />
    }
}

#[component]
fn Row(page: Loaded<KeysPage>, id: ApiKeyId) -> impl IntoView {
    let row = Memo::new(move |_| page.with(|page| page.rows.iter().find(|row| row.id == id).cloned()));
    let state = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.state)));
    let tone = Signal::derive(move || match state.get() {
        Some(KeyState::Active) => Tone::Strong,
        Some(KeyState::Expired) => Tone::Warning,
        Some(KeyState::Revoked) | None => Tone::Plain,
    });
    let face = move || {
        let row = row.get()?;
        Some(view! {
            <span class="person-name">
                <bdi>{row.name.clone()}</bdi>
                <KeyScopeBadge reach=row.reach/>
            </span>
            <span class="person-email"><Visible key=row.clone()/></span>
            <span class="person-email">
                "Created "<TimestampText at=row.created_at/>
                {row.created_by.map(|by| view! { " by "<bdi>{by}</bdi> })}
            </span>
        })
    };
    view! {
        <tr>
            <td class="name-cell">
                <div class="person-words">
                    {face}
                    <span class="person-access">{move || row.get().map(|key| view! { <Life key/> })}</span>
                </div>
            </td>
            <td class="role-cell"><Badge tone>{move || state.get().map(KeyState::label)}</Badge></td>
            <td class="used-cell">{move || row.get().map(|key| view! { <Used key/> })}</td>
            <td class="ends-cell">{move || row.get().map(|key| view! { <Ends key/> })}</td>
            <td class="buttons-cell"><Buttons page row/></td>
        </tr>
    }
}

/// What is shown of a secret (K4).
#[component]
fn Visible(key: KeyRow) -> impl IntoView {
    view! { <code class="secret-parts">{format!("{}…{}", key.secret_start, key.secret_end)}</code> }
}

/// When a key was last used.
#[component]
fn Used(key: KeyRow) -> impl IntoView {
    match key.last_used_at {
        Some(at) => Either::Left(view! { <TimestampText at with_time=true/> }),
        None => Either::Right(view! { <span>"Never"</span> }),
    }
}

/// How long a key works, or did; of one that was revoked that says nothing any more.
#[component]
fn Ends(key: KeyRow) -> impl IntoView {
    if key.state == KeyState::Revoked {
        return None;
    }
    Some(match key.expires_at {
        Some(at) => {
            Either::Left(view! { <span class="access-end"><End at/>{key.is_rotated.then_some(" (rotated)")}</span> })
        }
        None => Either::Right(view! { <span>"Never"</span> }),
    })
}

/// The same in words, where there is no room for columns.
#[component]
fn Life(key: KeyRow) -> impl IntoView {
    let used = match key.last_used_at {
        Some(at) => Either::Left(view! { <span>"Last used "<TimestampText at with_time=true/></span> }),
        None => Either::Right(view! { <span>"Never used"</span> }),
    };
    let words = match (key.state, key.is_rotated) {
        (KeyState::Revoked, _) => None,
        (KeyState::Expired, _) => Some("Expired "),
        (KeyState::Active, true) => Some("Rotated; stops working "),
        (KeyState::Active, false) => Some("Expires "),
    };
    let ends = words
        .zip(key.expires_at)
        .map(|(words, at)| view! { <span class="access-end">{words}<End at/></span> });
    view! { <span class="access">{used}{ends}</span> }
}

/// When a key stops working: a day that was chosen in UTC, to its end, or an instant.
#[component]
fn End(at: Timestamp) -> impl IntoView {
    if is_end_of_day(at) {
        Either::Left(view! { "after "<TimestampText at=last_day(at) is_utc_day=true/> })
    } else {
        Either::Right(view! { <TimestampText at with_time=true/> })
    }
}

fn is_end_of_day(at: Timestamp) -> bool {
    at.0 % 86_400 == 0
}

/// The longest of the usual expirations that is no longer than what a key was given: its successor gets as much (K7).
fn as_long_as(key: &KeyRow) -> &'static str {
    let Some(end) = key.expires_at else { return "" };
    let days = (end.0 - key.created_at.0) / 86_400;
    EXPIRATIONS
        .iter()
        .rfind(|(value, _)| value.parse::<i64>().is_ok_and(|usual| usual <= days))
        .map_or("7", |(value, _)| value)
}

#[component]
fn Buttons(page: Loaded<KeysPage>, row: Memo<Option<KeyRow>>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Made anew only where others are offered: a button that has the focus keeps it while the row beside it changes.
    let offered = Memo::new(move |_| {
        let row = row.get()?;
        let may = |change| page.with(|page| page.check(&row, change).is_ok());
        Some((
            row.id,
            may(KeyChange::Expiration),
            may(KeyChange::Rotate),
            may(KeyChange::Revoke),
        ))
    });
    let frame = NodeRef::<html::Div>::new();
    let buttons = move || {
        let (id, expiration, rotate, revoke) = offered.get()?;
        #[cfg(feature = "hydrate")]
        crate::focus::keep_near(frame);
        Some(view! {
                {expiration.then(|| view! {
                    <ButtonLink class="button button-small" href=address.to(Dialog::Expiration(id))>"Set expiration"</ButtonLink>
                })}
                {rotate.then(|| view! {
                    <ButtonLink class="button button-small" href=address.to(Dialog::Rotate(id))>"Rotate"</ButtonLink>
                })}
                {revoke.then(|| view! {
                    <ButtonLink class="button button-small button-quiet-danger" href=address.to(Dialog::Revoke(id))>"Revoke"</ButtonLink>
                })}
        })
    };
    view! { <div class="row-buttons" node_ref=frame>{buttons}</div> }
}

/// The dialog that the URL says is open, if the person may use it.
#[component]
fn Dialogs(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Made once when it opens; what is typed in it stays when the list behind it changes.
    let open = Memo::new(move |_| {
        let dialog = address.dialog.get();
        let may = |key, change| page.with(|page| page.find(key).is_some_and(|row| page.check(row, change).is_ok()));
        let is_usable = match dialog {
            Dialog::Secret => true,
            Dialog::Create => page.with(|page| page.project.standing.may(Permission::ApiKeyCreate)),
            Dialog::Expiration(key) => may(key, KeyChange::Expiration),
            Dialog::Rotate(key) => may(key, KeyChange::Rotate),
            Dialog::Revoke(key) => may(key, KeyChange::Revoke),
            Dialog::Regenerate => page.with(|page| page.default_key.is_some()),
            Dialog::None
            | Dialog::Add
            | Dialog::Invite
            | Dialog::Sent
            | Dialog::Remove(_)
            | Dialog::Lower(_)
            | Dialog::EndDate(_)
            | Dialog::RemoveExternals
            | Dialog::Delete => false,
        };
        if is_usable { dialog } else { Dialog::None }
    });
    move || {
        let dialog = open.get();
        let page = page.peek(|page| Some(page.clone()))?;
        let key = dialog.key().and_then(|key| page.find(key).cloned());
        let project = page.project;
        Some(match (dialog, key) {
            (Dialog::Create, _) => view! { <CreateDialog project/> }.into_any(),
            (Dialog::Secret, _) => view! { <SecretDialog/> }.into_any(),
            (Dialog::Expiration(_), Some(key)) => view! { <ExpirationDialog project key/> }.into_any(),
            (Dialog::Rotate(_), Some(key)) => view! { <RotateDialog project key/> }.into_any(),
            (Dialog::Revoke(_), Some(key)) => view! { <RevokeDialog project key/> }.into_any(),
            (Dialog::Regenerate, _) => {
                let has_secret = page.default_key.is_some_and(|key| !key.secret_start.is_empty());
                view! { <RegenerateDialog project has_secret/> }.into_any()
            }
            _ => ().into_any(),
        })
    }
}

/// When a key stops working by itself: never, after some days, or on a date (K6).
#[component]
fn Expiration(
    /// The form it is in.
    form: FormName,
    /// The form's outcome.
    action: FormSender,
    /// What it is called.
    #[prop(default = "Expiration")]
    label: &'static str,
    /// What is chosen to begin with, and the date.
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

/// A new key (K2).
#[component]
fn CreateDialog(project: ProjectHead) -> impl IntoView {
    const FORM: FormName = FormName::CreateKey;
    let action = expect_context::<Actions>().create;
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().to(Dialog::None);
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
                        label="KeyScope"
                        name="reach"
                        options=&[("use", "Use: what a Member may do to resources"), ("manage", "Manage: what an Admin may do to resources")]
                        value=flashed.typed(FORM, "reach").unwrap_or_default()
                    />
                })}
                <Expiration form=FORM action/>
                <Confirmation form=FORM value/>
                <DialogActions close action words="Create"/>
            </PostForm>
        </DialogBox>
    }
}

/// The secret of a key that was just made: shown this once (K3).
#[component]
fn SecretDialog() -> impl IntoView {
    let Actions {
        create,
        rotate,
        regenerate,
        ..
    } = expect_context();
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().to(Dialog::None);
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
    // Opened again by its address, it has nothing to show any more.
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
                <p class="card-line"><Icon sign=Sign::Alert/><span>"Copy it now. It won’t be shown again, and nobody can look it up."</span></p>
                <div class="dialog-actions">
                    <ButtonLink href=close class="button button-primary" autofocus=true>"Done"</ButtonLink>
                </div>
            </div>
        </DialogBox>
    }
    .into_any()
}

/// Another expiration, or none (K6).
#[component]
fn ExpirationDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    const FORM: FormName = FormName::KeyExpiration;
    let action = expect_context::<Actions>().expiration;
    let close = expect_context::<ListAddress>().to(Dialog::None);
    // A form saved as it is changes nothing: where the key ends in the middle of a day, the day has to be chosen.
    let now = match key.expires_at {
        Some(at) if is_end_of_day(at) => ("on", input_day(last_day(at))),
        Some(_) => ("on", String::new()),
        None => ("", String::new()),
    };
    view! {
        <DialogBox title="Set expiration" close=close.get_untracked()>
            <PostForm action class="form">
                <p><bdi>{key.name}</bdi>" stops working when it expires. Until then you can change or remove the expiration."</p>
                {form_problem(action.outcome(), FORM, &[About::ExpiresOn])}
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="key" value=key.id.to_string()/>
                <Expiration form=FORM action now/>
                <DialogActions close action words="Save"/>
            </PostForm>
        </DialogBox>
    }
}

/// A successor (K7).
#[component]
fn RotateDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    const FORM: FormName = FormName::RotateKey;
    let action = expect_context::<Actions>().rotate;
    let flashed = expect_context::<Flashed>();
    let close = expect_context::<ListAddress>().to(Dialog::None);
    view! {
        <DialogBox title="Rotate API key" close=close.get_untracked()>
            <PostForm action class="form">
                <p>"This creates a new key with the same name and reach as "<bdi>{key.name.clone()}</bdi>". The old key keeps working for as long as you choose, so that programs can switch over; the list shows when it was last used."</p>
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
                <DialogActions close action words="Rotate"/>
            </PostForm>
        </DialogBox>
    }
}

/// The end of a key, confirmed first (K7).
#[component]
fn RevokeDialog(project: ProjectHead, key: KeyRow) -> impl IntoView {
    let action = expect_context::<Actions>().revoke;
    let close = expect_context::<ListAddress>().to(Dialog::None);
    view! {
        <DialogBox title=format!("Revoke {}?", key.name) close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="key" value=key.id.to_string()/>
                <p>"Requests with "<Visible key=key.clone()/>" are refused as soon as you confirm. This can’t be undone."</p>
                <p class="card-line"><Icon sign=Sign::Info/><Life key/></p>
                <DialogActions close action words="Revoke" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// A new secret for the Organization Default Key (K8).
#[component]
fn RegenerateDialog(project: ProjectHead, has_secret: bool) -> impl IntoView {
    const FORM: FormName = FormName::RegenerateKey;
    let action = expect_context::<Actions>().regenerate;
    let close = expect_context::<ListAddress>().to(Dialog::None);
    view! {
        <DialogBox title="Regenerate the Organization Default Key?" close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <p>{if has_secret {
                    "The key gets a new secret, and requests with the old one are refused at once. This can’t be undone."
                } else {
                    "The key gets its first secret, which is shown once."
                }}</p>
                {form_problem(action.outcome(), FORM, &[About::CurrentPassword])}
                <Confirmation form=FORM value=action.outcome()/>
                <DialogActions close action words="Regenerate" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}
