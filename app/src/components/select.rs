//! A labelled select with its hint and its error.

use std::borrow::Cow;

use leptos::prelude::*;

use super::icon::{Icon, Sign};

/// The select. Its error stands beside it and is announced with it (N3).
#[component]
pub(crate) fn SelectField(
    label: &'static str,
    /// Its name in the form's data.
    name: &'static str,
    /// The value that is selected at first.
    #[prop(optional, into)]
    value: String,
    /// The values and their labels.
    #[prop(into)]
    options: Cow<'static, [(&'static str, &'static str)]>,
    #[prop(optional, into)] hint: String,
    /// The error to show beside it.
    #[prop(into, default = Signal::stored(None))]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let id = format!("field-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let described = {
        let (hint_id, error_id, has_hint) = (hint_id.clone(), error_id.clone(), !hint.is_empty());
        move || match (has_hint, error.with(Option::is_some)) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (true, false) => Some(hint_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    };
    let options = options.iter().map(|(code, label)| {
        let is_chosen = *code == value;
        view! { <option value=*code selected=is_chosen>{*label}</option> }
    });
    let options = options.collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select
                id=id
                name=name
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
            >
                {options}
            </select>
            <p class="field-error" id=error_id aria-live="polite">
                {move || error.get().map(|error| view! { <Icon sign=Sign::Alert/> <span>{error}</span> })}
            </p>
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}
