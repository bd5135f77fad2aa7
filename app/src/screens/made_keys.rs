//! The working API keys that an account made (J3), for a person who got the account back from somebody else: each can
//! be kept or revoked.

use leptos::prelude::*;

use super::owned_assets::KeyChoice;
use crate::{
    api::{
        owned_assets::OwnedAssets,
        verification::{self, RevokeMadeKeys},
    },
    components::{FormSender, PageHeader, PageTitle, PostForm, form_problem},
    flash::{Notice, Notices},
    load::{Loaded, load, once},
    outcome::FormName,
};

#[component]
pub(crate) fn MadeKeysScreen() -> impl IntoView {
    load::<verification::MadeKeys, _>(once, |made| view! { <MadeKeys made/> })
}

#[component]
fn MadeKeys(made: Loaded<OwnedAssets>) -> impl IntoView {
    let notices = expect_context::<Notices>();
    let action = FormSender::to::<RevokeMadeKeys>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
            made.reload();
        }
    });
    let has_keys = Memo::new(move |_| made.with(|made| !made.keys.is_empty()));
    let keys = move || made.with(|made| made.keys.clone());
    let more = move || Some(made.with(|made| made.more_keys)).filter(|more| *more > 0);
    view! {
        <PageTitle text="API keys you created"/>
        <PageHeader
            title="API keys you created"
            lead="They belong to their projects and go on working until somebody revokes them. Revoke those you don’t \
             know: somebody else may have made them in your name."
        />
        <section class="card" aria-label="API keys">
            {move || if has_keys.get() {
                view! {
                    <PostForm action class="form">
                        {form_problem(value, FormName::MadeKeys, &[])}
                        <fieldset class="key-choices">
                            <legend>"Revoke now; those that aren’t chosen are kept:"</legend>
                            {move || keys().into_iter().map(|key| view! {
                                <KeyChoice key has_project=true/>
                            }).collect_view()}
                            {move || more().map(|more| view! {
                                <p class="hint">{format!("and {more} more, once these are revoked.")}</p>
                            })}
                        </fieldset>
                        <div class="form-actions">
                            <button type="submit" class="button button-danger" aria-busy=move || action.busy()>
                                "Revoke chosen keys"
                            </button>
                        </div>
                    </PostForm>
                }.into_any()
            } else {
                view! { <p>"None of the API keys you created works any more, or you created none."</p> }.into_any()
            }}
        </section>
    }
}
