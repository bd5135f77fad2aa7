//! What the settings of a project and of an organization share: a card with a form, the fields for name and slug, and
//! the navigation to the new address after the slug was changed.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{Field as About, Slug};

use crate::{
    components::{Field, FormSender, PostForm, form_error},
    flash::{Flashed, Notice, Notices},
    outcome::{Done, FormName},
};

/// The card with the form, which ends in the button that saves.
#[component]
pub(super) fn SettingsForm(action: FormSender, children: Children) -> impl IntoView {
    view! {
        <section class="card" aria-label="Settings">
            <PostForm action class="form">
                {children()}
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || action.busy()>"Save"</button>
                </div>
            </PostForm>
        </section>
    }
}

/// The fields for name and slug, with what was typed before, or else with what is stored.
#[component]
pub(super) fn NameAndSlug(
    /// The form that the fields are in.
    form: FormName,
    /// Sends the form.
    action: FormSender,
    /// The stored name.
    name: String,
    /// The stored slug.
    slug: String,
    /// What changing the slug does.
    slug_hint: &'static str,
) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let outcome = action.outcome();
    let typed = move |field, now| flashed.typed(form, field).unwrap_or(now);
    view! {
        <Field label="Name" name="name" value=typed("name", name) error=form_error(outcome, form, About::Name)/>
        <Field
            label="Slug"
            name="slug"
            kind="slug"
            value=typed("slug", slug)
            hint=slug_hint
            error=form_error(outcome, form, About::Slug)
        />
    }
}

/// Handles that settings were saved: shows the message, and opens the page at the new slug if it was changed, or else
/// reloads this page.
pub(super) fn follow_saved(
    action: FormSender,
    slug: String,
    page_of: fn(&Slug) -> String,
    reload: impl Fn() + 'static,
) {
    let notices = expect_context::<Notices>();
    let navigate = use_navigate();
    Effect::new(move |_| {
        let Some(Ok(done)) = action.outcome().get() else { return };
        let notice = Notice::done(&done);
        if let Done::Saved { slug: now } = &done
            && *now != slug
            && let Ok(now) = now.parse()
        {
            notices.show_on_next(notice);
            let options = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&page_of(&now), options);
        } else {
            notices.show(notice);
            reload();
        }
    });
}
