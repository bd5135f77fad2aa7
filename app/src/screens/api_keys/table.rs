//! The table of keys: what a row shows of a key, and the buttons of its actions.

use leptos::{either::Either, html, prelude::*};
use policy::{ApiKeyId, KeyChange, KeyState};

use crate::{
    api::{
        Timestamp,
        api_keys::{Dialog, KeyRow, KeysPage},
    },
    components::{Badge, ButtonLink, Empty, ListAddress, Listing, Sign, TimestampText, Tone, last_day},
    load::Loaded,
    screens::owned_assets::KeyScopeBadge,
};

/// The table of the project's keys.
#[component]
pub(super) fn KeyTable(page: Loaded<KeysPage>) -> impl IntoView {
    view! {
        <Listing
            of=page
            ids=|page| page.rows.iter().map(|row| row.id).collect()
            next=|page| page.next.clone()
            class="table listing keys"
            empty=Empty {
                sign: Sign::Key,
                none_fits: ("No API key found", "No API key matches this search and this state."),
                none: (
                    "No API keys yet",
                    "Create one for each program that uses this project, so that you can revoke them separately.",
                ),
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
            <span class="person-email"><SecretParts key=row.clone()/></span>
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
                    <span class="person-access">{move || row.get().map(|key| view! { <Lifetime key/> })}</span>
                </div>
            </td>
            <td class="role-cell"><Badge tone>{move || state.get().map(KeyState::label)}</Badge></td>
            <td class="used-cell">{move || row.get().map(|key| view! { <Used key/> })}</td>
            <td class="ends-cell">{move || row.get().map(|key| view! { <Ends key/> })}</td>
            <td class="buttons-cell"><Buttons page row/></td>
        </tr>
    }
}

/// The start and the end of a key's secret, the only parts that are ever shown again (K4).
#[component]
pub(super) fn SecretParts(key: KeyRow) -> impl IntoView {
    view! { <code class="secret-parts">{format!("{}…{}", key.secret_start, key.secret_end)}</code> }
}

#[component]
fn Used(key: KeyRow) -> impl IntoView {
    match key.last_used_at {
        Some(at) => Either::Left(view! { <TimestampText at with_time=true/> }),
        None => Either::Right(view! { <span>"Never"</span> }),
    }
}

/// When a key expires or expired. Nothing for a revoked key, to which its expiration no longer matters.
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

/// The last use and the expiration in one line, for windows that are too narrow for the columns.
#[component]
pub(super) fn Lifetime(key: KeyRow) -> impl IntoView {
    let used = match key.last_used_at {
        Some(at) => Either::Left(view! { <span>"Last used "<TimestampText at with_time=true/></span> }),
        None => Either::Right(view! { <span>"Never used"</span> }),
    };
    let label = match (key.state, key.is_rotated) {
        (KeyState::Revoked, _) => None,
        (KeyState::Expired, _) => Some("Expired "),
        (KeyState::Active, true) => Some("Rotated; stops working "),
        (KeyState::Active, false) => Some("Expires "),
    };
    let ends = label
        .zip(key.expires_at)
        .map(|(label, at)| view! { <span class="access-end">{label}<End at/></span> });
    view! { <span class="access">{used}{ends}</span> }
}

/// The end of a key: a day, if it was chosen as one in UTC, or else an instant.
#[component]
fn End(at: Timestamp) -> impl IntoView {
    if is_end_of_day(at) {
        Either::Left(view! { "after "<TimestampText at=last_day(at) is_utc_day=true/> })
    } else {
        Either::Right(view! { <TimestampText at with_time=true/> })
    }
}

pub(super) fn is_end_of_day(at: Timestamp) -> bool {
    at.0 % 86_400 == 0
}

#[component]
fn Buttons(page: Loaded<KeysPage>, row: Memo<Option<KeyRow>>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Changes only when the offered buttons do, so that a focused button keeps the focus while the row changes.
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
                    <ButtonLink class="button button-small" href=address.to(Dialog::Expiration(id))>
                        "Set expiration"
                    </ButtonLink>
                })}
                {rotate.then(|| view! {
                    <ButtonLink class="button button-small" href=address.to(Dialog::Rotate(id))>"Rotate"</ButtonLink>
                })}
                {revoke.then(|| view! {
                    <ButtonLink class="button button-small button-quiet-danger" href=address.to(Dialog::Revoke(id))>
                        "Revoke"
                    </ButtonLink>
                })}
        })
    };
    view! { <div class="row-buttons" node_ref=frame>{buttons}</div> }
}
