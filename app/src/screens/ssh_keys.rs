//! The person's own SSH public keys (E4).

use leptos::{either::Either, prelude::*};
use policy::{Field as About, Refusal};

use crate::{
    api::ssh_keys::{self as api, AddSshKey, RemoveSshKey, SshKeyPage, SshKeyRow, SshProof},
    components::{
        Confirmation, CopyField, Field, FormSender, Icon, PageHeader, PageTitle, PostForm, Sign, TimestampText,
        form_error, form_problem,
    },
    flash::{Flashed, Notice, Notices},
    load::{Loaded, load, once},
    outcome::FormName,
};

#[component]
pub(crate) fn SshKeysScreen() -> impl IntoView {
    load::<api::SshKeys, _>(once, |rows| view! { <SshKeys rows/> })
}

#[component]
fn SshKeys(rows: Loaded<SshKeyPage>) -> impl IntoView {
    let notices = expect_context::<Notices>();
    let (add, remove) = (FormSender::to::<AddSshKey>(), FormSender::to::<RemoveSshKey>());
    // Increased to render the form again, empty.
    let form = RwSignal::new(0_u32);
    Effect::new(move |_| match add.outcome().get() {
        Some(Ok(done)) => {
            notices.show(Notice::done(&done));
            form.update(|n| *n = n.wrapping_add(1));
            rows.then_focus_heading();
            rows.reload();
        }
        // A private key that was pasted by mistake must not stay on the screen.
        Some(Err(problem)) if problem == Refusal::SshKeyPrivate.into() => forget_key(),
        Some(Err(_)) | None => {}
    });
    Effect::new(move |_| {
        if let Some(outcome) = remove.outcome().get() {
            notices.show(Notice::of(&outcome));
            rows.then_focus_heading();
            rows.reload();
        }
    });
    let is_empty = Memo::new(move |_| rows.with(|page| page.keys.is_empty()));
    let proof = Memo::new(move |_| rows.with(|page| page.proof.clone()));
    view! {
        <PageTitle text="SSH keys"/>
        <PageHeader
            title="SSH keys"
            lead="The keys you log in to clusters’ nodes with. A key opens the clusters of every project you have \
             access to; once you remove it, no new login with it succeeds."
        />
        <div class="table-frame">
            {move || if is_empty.get() {
                Either::Left(view! {
                    <div class="empty">
                        <span class="empty-sign"><Icon sign=Sign::Shield/></span>
                        <h2>"No SSH keys yet"</h2>
                        <p>"Add the public key of each machine you work on. The private key never leaves it."</p>
                    </div>
                })
            } else {
                Either::Right(view! {
                    <table class="table listing" aria-labelledby="heading">
                        <thead>
                            <tr>
                                <th scope="col">"Key"</th>
                                <th scope="col" class="added-cell">"Added"</th>
                                <th scope="col" class="buttons-cell"><span class="visually-hidden">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            <For each=move || rows.with(|page| page.keys.clone()) key=|row| row.id let:row>
                                <Row row remove/>
                            </For>
                        </tbody>
                    </table>
                })
            }}
        </div>
        <For each=move || [form.get()] key=|number| *number let:_number>
            <AddForm add proof/>
        </For>
    }
}

#[component]
fn Row(row: SshKeyRow, remove: FormSender) -> impl IntoView {
    let label = format!("Remove {}", row.name);
    view! {
        <tr>
            <td class="name-cell">
                <div class="person-words">
                    <bdi class="person-name">{row.name}</bdi>
                    <code class="fingerprint">{row.algorithm}" "{row.fingerprint}</code>
                    {row.is_proved.then(|| view! { <span class="hint">"Proved by signature"</span> })}
                </div>
            </td>
            <td class="added-cell"><TimestampText at=row.since/></td>
            <td class="buttons-cell">
                <PostForm action=remove class="row-buttons">
                    <input type="hidden" name="key" value=row.id.to_string()/>
                    <button type="submit" class="button button-small button-quiet-danger" aria-label=label>
                        "Remove"
                    </button>
                </PostForm>
            </td>
        </tr>
    }
}

#[component]
fn AddForm(add: FormSender, proof: Memo<SshProof>) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let value = add.outcome();
    let typed = move |field| flashed.typed(FormName::SshKey, field).unwrap_or_default();
    view! {
        <section class="card" aria-labelledby="add">
            <h2 id="add">"Add an SSH key"</h2>
            <PostForm action=add class="form">
                {form_problem(
                    value,
                    FormName::SshKey,
                    &[About::PublicKey, About::Name, About::Signature, About::CurrentPassword],
                )}
                <Field
                    label="Public key"
                    name="public_key"
                    lines=4
                    value=typed("public_key")
                    hint="The line in a .pub file, like ssh-ed25519 AAAA… you@laptop. Folded lines and the form of \
                     PuTTY are fine."
                    error=form_error(value, FormName::SshKey, About::PublicKey)
                />
                <Field
                    label="Name"
                    name="name"
                    value=typed("name")
                    hint="What you call it. Left empty, it is called by the key’s comment."
                    error=form_error(value, FormName::SshKey, About::Name)
                />
                <Proof proof error=form_error(value, FormName::SshKey, About::Signature)/>
                <Confirmation form=FormName::SshKey value/>
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || add.busy()>
                        "Add SSH key"
                    </button>
                </div>
            </PostForm>
        </section>
    }
}

/// How to prove that a key is one's own, if another account has registered it (J10). Open once the server has asked for
/// it.
#[component]
fn Proof(proof: Memo<SshProof>, error: Signal<Option<String>>) -> impl IntoView {
    let command = proof.with_untracked(|proof| {
        format!(
            "printf '%s' '{}' | ssh-keygen -Y sign -n {} -f ~/.ssh/id_ed25519",
            proof.text, proof.namespace
        )
    });
    view! {
        <details class="fold" open=move || error.with(Option::is_some)>
            <summary>"Somebody else has registered this key?"</summary>
            <p class="hint">
                "Show that it’s yours: sign this text with it, and paste what the command prints. The text is for you \
                 alone, and good today and tomorrow (UTC)."
            </p>
            <CopyField label="Command that signs it" id="sign-command" value=command/>
            <Field
                label="Signature"
                name="signature"
                lines=4
                hint="From -----BEGIN SSH SIGNATURE----- to -----END SSH SIGNATURE-----."
                error
            />
        </details>
    }
}

/// Empties the field of the key, and keeps the name.
#[cfg(feature = "hydrate")]
fn forget_key() {
    use wasm_bindgen::JsCast;

    let field = document().get_element_by_id("field-public_key");
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlTextAreaElement>().ok()) {
        field.set_value("");
    }
}

#[cfg(not(feature = "hydrate"))]
const fn forget_key() {}
