//! What a removed person leaves behind: shown in the dialog before (C6, M6), and in a receipt afterwards.

use leptos::prelude::*;
use policy::{KeyFate, KeyScope, ResourceKind};

use crate::{
    api::{
        KeyChoices, Timestamp,
        owned_assets::{OwnedAssets, OwnedKey},
    },
    components::{Icon, Sign, TimestampText, Tone, Written, write_badge},
    markup::Markup,
    outcome::Receipt,
};

/// What somebody (`who`: They, or You) made in a project, shown before they are removed from it. Each key can be kept
/// or revoked (C6).
#[component]
pub(crate) fn OwnedAssetsHere(made: OwnedAssets, who: &'static str) -> impl IntoView {
    let resources = resource_counts(&made.resources);
    let has_keys = !made.keys.is_empty();
    let more = made.more_keys;
    let managing: Vec<_> = made.keys.iter().filter(|key| key.reach.is_manage()).cloned().collect();
    let has_managing = !managing.is_empty();
    view! {
        {has_keys.then(|| view! {
            <fieldset class="key-choices">
                <legend>
                    {format!("API keys {} created keep working, unless you revoke them now:", who.to_lowercase())}
                </legend>
                {made.keys.into_iter().map(|key| view! { <KeyChoice key/> }).collect_view()}
                {(more > 0).then(|| view! {
                    <p class="hint">{format!("and {more} more: search the API keys page for their creator.")}</p>
                })}
            </fieldset>
        })}
        {has_managing.then(|| view! {
            <fieldset class="key-choices">
                <legend>"Those that manage can go on with less:"</legend>
                {managing.into_iter().map(|key| view! { <LowerChoice key/> }).collect_view()}
            </fieldset>
        })}
        <p class="hint">
            {if resources.is_empty() {
                format!("What {} created stays with the project. Running jobs continue.", who.to_lowercase())
            } else {
                format!("{who} created {resources} here, which stay with the project. Running jobs continue.")
            }}
        </p>
    }
}

/// What somebody made in all projects of an organization, shown before their membership ends: it stays (M6).
#[component]
pub(crate) fn OwnedAssetsAnywhere(made: OwnedAssets, who: &'static str) -> impl IntoView {
    let resources = resource_counts(&made.resources);
    let (has_keys, more) = (!made.keys.is_empty(), made.more_keys);
    let managing: Vec<_> = made.keys.iter().filter(|key| key.reach.is_manage()).cloned().collect();
    let has_managing = !managing.is_empty();
    view! {
        {has_keys.then(|| view! {
            <p>{format!("API keys {} created keep working until somebody revokes them:", who.to_lowercase())}</p>
            <ul class="plain" aria-label="API keys">
                {made.keys.into_iter().map(|key| view! {
                    <li><bdi>{key.name}</bdi>" in "<bdi>{key.project}</bdi>" "<KeyScopeBadge reach=key.reach/></li>
                }).collect_view()}
                {(more > 0).then(|| view! { <li>{format!("and {more} more")}</li> })}
            </ul>
            {has_managing.then(|| view! {
                <fieldset class="key-choices">
                    <legend>"Some of them manage resources as an Admin may. You can end that now:"</legend>
                    {managing.into_iter().map(|key| view! {
                        <KeyChoice key=key.clone() has_project=true/>
                        <LowerChoice key/>
                    }).collect_view()}
                </fieldset>
            })}
        })}
        <p class="hint">
            {if resources.is_empty() {
                "Resources stay with their projects.".to_owned()
            } else {
                format!("{who} created {resources}, which stay with their projects.")
            }}
        </p>
    }
}

/// The keys with the reach Manage that somebody made, shown before their role is lowered. Unless something else is
/// chosen, they keep that reach, which their creator then no longer has (K5, K11).
#[component]
pub(crate) fn ManageKeys(keys: Vec<OwnedKey>, has_project: bool) -> impl IntoView {
    (!keys.is_empty()).then(|| {
        view! {
            <fieldset class="key-choices">
                <legend>
                    "API keys they created go on managing resources, as an Admin may, unless you choose otherwise:"
                </legend>
                {keys.into_iter().map(|key| view! {
                    // Says that the key was shown. It is kept unless a box is checked.
                    <input type="hidden" name=KeyChoices::field(KeyFate::Keep, key.id) value="on"/>
                    <KeyChoice key=key.clone() has_project/>
                    <LowerChoice key/>
                }).collect_view()}
            </fieldset>
        }
    })
}

/// The box that lowers a key's reach to Use (K11).
#[component]
fn LowerChoice(key: OwnedKey) -> impl IntoView {
    view! {
        <label class="key-choice">
            <input type="checkbox" name=KeyChoices::field(KeyFate::Lower, key.id) value="on"/>
            <span>
                "Lower "
                <bdi>{key.name}</bdi>
                " "
                <code class="secret-parts">{key.visible}</code>
                " to the reach Use"
            </span>
        </label>
    }
}

/// The box that revokes a key.
#[component]
pub(super) fn KeyChoice(
    key: OwnedKey,
    /// Whether to name the key's project.
    #[prop(optional)]
    has_project: bool,
) -> impl IntoView {
    let (id, reach) = (key.id, key.reach);
    let project = has_project.then_some(key.project);
    view! {
        <label class="key-choice">
            <input type="checkbox" name=KeyChoices::field(KeyFate::Revoke, id) value="on"/>
            <span>
                "Revoke "<bdi>{key.name}</bdi>" "<code class="secret-parts">{key.visible}</code>
                {project.map(|project| view! { " in "<bdi>{project}</bdi> })}
            </span>
            <KeyScopeBadge reach/>
        </label>
    }
}

/// The badge of a key's reach (K11).
#[component]
fn KeyScopeBadge(reach: KeyScope) -> impl IntoView {
    view! { <Written write=Box::new(move |out| write_key_scope(out, reach))/> }
}

/// Writes the badge of a key's reach (K11).
pub(crate) fn write_key_scope(out: &mut Markup, reach: KeyScope) {
    let tone = if reach.is_manage() { Tone::Strong } else { Tone::Plain };
    write_badge(out, tone, reach.label());
}

/// What a removal did: what ended, when, and what still exists.
#[component]
pub(crate) fn ReceiptCard(name: String, receipt: Receipt) -> impl IntoView {
    let is_shown = RwSignal::new(true);
    let ended = ended(&receipt);
    let stays = stays(&receipt);
    let title = format!("{name} was removed");
    move || {
        is_shown.get().then(|| {
            view! {
                <section class="card receipt" aria-labelledby="receipt">
                    <div class="receipt-head">
                        <h2 id="receipt">{title.clone()}</h2>
                        <button
                            type="button"
                            class="icon-button needs-scripts"
                            aria-label="Close the receipt"
                            on:click=move |_| is_shown.set(false)
                        >
                            <Icon sign=Sign::Close/>
                        </button>
                    </div>
                    <p class="hint">
                        "Access ended "
                        <TimestampText at=Timestamp(receipt.at) with_time=true/>
                        ". Every later request is refused."
                    </p>
                    <div class="columns">
                        <div>
                            <h3>"Ended"</h3>
                            <ul class="crosses">
                                {ended.iter().map(|line| view! { <li>{line.clone()}</li> }).collect_view()}
                            </ul>
                        </div>
                        <div>
                            <h3>"Still here"</h3>
                            <ul class="ticks">
                                {stays.iter().map(|line| view! { <li>{line.clone()}</li> }).collect_view()}
                            </ul>
                        </div>
                    </div>
                </section>
            }
        })
    }
}

fn ended(receipt: &Receipt) -> Vec<String> {
    let mut lines = Vec::new();
    match receipt.role {
        Some(role) => lines.push(format!("Access to the project as {role}, and to all its resources")),
        None => lines.push("Membership, and access to every project of the organization".to_owned()),
    }
    if receipt.ssh_keys > 0 {
        lines.push(format!(
            "SSH logins to its clusters with {}",
            count(receipt.ssh_keys, "SSH key", "SSH keys")
        ));
    }
    if receipt.revoked_count > 0 {
        lines.push(named("revoked", receipt.revoked_count, &receipt.revoked));
    }
    if receipt.invitations > 0 {
        let number = i64::try_from(receipt.invitations).unwrap_or(i64::MAX);
        lines.push(format!(
            "{} they sent",
            count(number, "open invitation", "open invitations")
        ));
    }
    lines
}

fn stays(receipt: &Receipt) -> Vec<String> {
    let mut lines = Vec::new();
    if receipt.kept_count > 0 {
        lines.push(named("they created, still working", receipt.kept_count, &receipt.kept));
    }
    let resources = resource_counts(&receipt.resources);
    if !resources.is_empty() {
        lines.push(format!("{resources} they created"));
    }
    if lines.is_empty() {
        lines.push("No API keys or resources of theirs".to_owned());
    }
    lines.push("Jobs that are already running".to_owned());
    lines
}

/// Formats a count with names: "2 API keys revoked: a, b".
fn named(what: &str, number: i64, names: &[String]) -> String {
    let mut line = format!("{} {what}", count(number, "API key", "API keys"));
    if !names.is_empty() {
        line.push_str(": ");
        line.push_str(&names.join(", "));
        if i64::try_from(names.len()).is_ok_and(|shown| shown < number) {
            line.push_str(", …");
        }
    }
    line
}

/// Formats the counts of resources: "2 clusters, 1 model".
pub(crate) fn resource_counts(resources: &[(ResourceKind, i64)]) -> String {
    let parts = resources
        .iter()
        .map(|(kind, number)| count(*number, &kind.label().to_lowercase(), &kind.plural().to_lowercase()));
    parts.collect::<Vec<_>>().join(", ")
}

fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
