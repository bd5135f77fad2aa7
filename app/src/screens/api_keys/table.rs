//! The table of keys: what a row shows of a key, and the buttons of its actions.

use leptos::prelude::*;
use policy::{KeyChange, KeyState};

use crate::{
    api::{
        Timestamp,
        api_keys::{Dialog, KeyRow, KeysPage},
    },
    components::{
        Empty, ListAddress, Listing, Rows, Shown, Sign, Tone, Written, Zone, last_day, write_badge, write_time,
    },
    dialog_url::DialogUrl,
    load::Loaded,
    markup::Markup,
    screens::owned_assets::write_key_scope,
};

/// The table of the project's keys.
#[component]
pub(super) fn KeyTable(page: Loaded<KeysPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| page.with(|page| write_rows(page, address, rows))))
            next=Signal::derive(move || page.with(|page| page.next.clone()))
            busy=page.busy
            class="table listing rows keys"
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
                <th scope="col" role="columnheader" class="name-cell">"Name"</th>
                <th scope="col" role="columnheader" class="role-cell">"State"</th>
                <th scope="col" role="columnheader" class="used-cell">"Last used"</th>
                <th scope="col" role="columnheader" class="ends-cell">"Expires"</th>
                <th scope="col" role="columnheader" class="buttons-cell">
                    <span class="visually-hidden">"Actions"</span>
                </th>
            }
        />
    }
}

fn write_rows(page: &KeysPage, address: ListAddress, rows: &mut Rows) {
    let zone = rows.zone;
    for row in &page.rows {
        write_row(page, address, row, zone, rows.row(row.id.0.as_u128()));
    }
}

fn write_row(page: &KeysPage, address: ListAddress, row: &KeyRow, zone: Zone, out: &mut Markup) {
    out.raw("<tr role=\"row\"><td role=\"cell\" class=\"name-cell\"><div class=\"person-words\">");
    out.raw("<span class=\"person-name\"><bdi>")
        .text(&row.name)
        .raw("</bdi>");
    write_key_scope(out, row.reach);
    out.raw("</span><span class=\"person-email\">");
    write_secret_parts(out, row);
    out.raw("</span><span class=\"person-email\">Created ");
    write_time(out, row.created_at, Shown::Day, zone);
    if let Some(by) = &row.created_by {
        out.raw(" by <bdi>").text(by).raw("</bdi>");
    }
    out.raw("</span></div></td><td role=\"cell\" class=\"role-cell\">");
    let tone = match row.state {
        KeyState::Active => Tone::Strong,
        KeyState::Expired => Tone::Warning,
        KeyState::Revoked => Tone::Plain,
    };
    write_badge(out, tone, row.state.label());
    out.raw("</td><td role=\"cell\" class=\"used-cell\">");
    write_used(out, row, zone);
    out.raw("</td><td role=\"cell\" class=\"ends-cell\">");
    write_end(out, row, zone);
    out.raw("</td><td role=\"cell\" class=\"buttons-cell\"><div class=\"row-buttons\">");
    for (change, label, class, dialog) in [
        (
            KeyChange::Expiration,
            "Set expiration",
            PLAIN,
            Dialog::Expiration(row.id),
        ),
        (KeyChange::Rotate, "Rotate", PLAIN, Dialog::Rotate(row.id)),
        (KeyChange::Revoke, "Revoke", QUIET, Dialog::Revoke(row.id)),
    ] {
        if page.check(row, change).is_ok() {
            out.open("a")
                .attribute("class", class)
                .attribute("role", "button")
                .attribute("href", &address.link_to(dialog.to_query()));
            out.text(label).raw("</a>");
        }
    }
    out.raw("</div></td></tr>");
}

const PLAIN: &str = "button button-small";
const QUIET: &str = "button button-small button-quiet-danger";

/// The start and the end of a key's secret, the only parts that are ever shown again (K4).
fn write_secret_parts(out: &mut Markup, key: &KeyRow) {
    out.raw("<code class=\"secret-parts\">").text(&key.secret_start);
    out.raw("…").text(&key.secret_end).raw("</code>");
}

/// Writes the last use. Where there is no room for a column of that name, it says what it is.
fn write_used(out: &mut Markup, key: &KeyRow, zone: Zone) {
    match key.last_used_at {
        Some(at) => {
            out.raw("<span class=\"when-narrow\">Last used </span>");
            write_time(out, at, Shown::Minute, zone);
        }
        None => drop(out.raw("Never<span class=\"when-narrow\"> used</span>")),
    }
}

/// Writes when a key expires or expired. Nothing for a revoked key, to which its expiration no longer matters.
fn write_end(out: &mut Markup, key: &KeyRow, zone: Zone) {
    let label = match (key.state, key.is_rotated) {
        (KeyState::Revoked, _) => return,
        (KeyState::Expired, _) => "<span class=\"when-narrow\">Expired </span>",
        (KeyState::Active, true) => "<span class=\"when-narrow\">Rotated; stops working </span>",
        (KeyState::Active, false) => "<span class=\"when-narrow\">Expires </span>",
    };
    let Some(at) = key.expires_at else {
        out.raw("<span class=\"when-wide\">Never</span>");
        return;
    };
    out.raw("<span class=\"access-end\">").raw(label);
    if is_end_of_day(at) {
        write_time(out.raw("after "), last_day(at), Shown::UtcDay, zone);
    } else {
        write_time(out, at, Shown::Minute, zone);
    }
    if key.is_rotated {
        out.raw("<span class=\"when-wide\"> (rotated)</span>");
    }
    out.raw("</span>");
}

/// The parts of a key's secret.
#[component]
pub(super) fn SecretParts(key: KeyRow) -> impl IntoView {
    view! { <Written write=Box::new(move |out| write_secret_parts(out, &key))/> }
}

/// The last use and the expiration of a key in one line.
#[component]
pub(super) fn Lifetime(key: KeyRow) -> impl IntoView {
    let zone = Zone::follow();
    let write = move |out: &mut Markup| {
        out.raw("<span class=\"access as-narrow\"><span>");
        write_used(out, &key, zone.get());
        out.raw("</span>");
        write_end(out, &key, zone.get());
        out.raw("</span>");
    };
    view! { <Written write=Box::new(write)/> }
}

pub(super) fn is_end_of_day(at: Timestamp) -> bool {
    at.0 % 86_400 == 0
}
