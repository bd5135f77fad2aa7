//! A labelled text field with its hint and its error.

use leptos::prelude::*;

use super::{Icon, Sign};

/// The field. The error stands beside it, is announced with it, and what was typed stays (N3).
#[component]
pub(crate) fn Field(
    /// What it is called.
    #[prop(into)]
    label: String,
    /// Its name in the form.
    name: &'static str,
    /// `text`, `email`, `password`, `date`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers and password managers fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// What is in it to begin with.
    #[prop(optional, into)]
    value: String,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// Whether typing goes here first.
    #[prop(optional)]
    autofocus: bool,
    /// Whether it shows a value that cannot be changed.
    #[prop(optional)]
    readonly: bool,
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
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id.clone()
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                autocapitalize=(kind == "email").then_some("none")
                spellcheck=(kind != "text").then_some("false")
                autofocus=autofocus
                readonly=readonly
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described
            />
            <p class="field-error" id=error_id aria-live="polite">
                {move || error.get().map(|error| view! { <Icon sign=Sign::Alert/> <span>{error}</span> })}
            </p>
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}
