//! A labelled text field with its hint and its error.

use leptos::{either::Either, prelude::*};

use super::{
    icon::{Icon, Sign},
    session_notice::way_on,
    username::{OwnAddress, Username},
};
#[cfg(feature = "ssr")]
use crate::markup::escape;
use crate::{
    Problem,
    flash::Flashed,
    messages,
    outcome::{FormName, Outcome},
};
use policy::{Field as About, Refusal};

/// The field. Its error stands beside it and is announced with it, and what was typed stays (N3).
#[component]
pub(crate) fn Field(
    #[prop(into)] label: String,
    /// Its name in the form's data.
    name: &'static str,
    /// `text`, `email`, `password`, `date`, `number`; or `slug`, a text in lower case.
    #[prop(default = "text")]
    kind: &'static str,
    /// The token of the `autocomplete` attribute, for browsers and password managers.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Its initial value.
    #[prop(optional, into)]
    value: String,
    #[prop(optional, into)] hint: String,
    /// The error to show beside it.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// Whether it has the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    /// Whether its value cannot be changed.
    #[prop(optional)]
    readonly: bool,
    /// Its id, where the name would not give one that is unique in the page.
    #[prop(optional)]
    id: &'static str,
    /// The number of lines, if more than one: then it is a textarea.
    #[prop(optional)]
    lines: u8,
) -> impl IntoView {
    let id = if id.is_empty() {
        format!("field-{name}")
    } else {
        id.to_owned()
    };
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
    let control = Control {
        id: id.clone(),
        name,
        kind,
        autocomplete,
        value,
        autofocus,
        readonly,
        is_invalid: Signal::derive(move || error.with(Option::is_some)),
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {if lines > 1 {
                control.textarea(lines, described).into_any()
            } else {
                control.input(described).into_any()
            }}
            <p class="field-error" id=error_id aria-live="polite">
                {move || error.get().map(|error| view! { <Icon sign=Sign::Alert/> <span>{error}</span> })}
            </p>
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// The control that takes the input: the part of a field between its label and its error.
struct Control {
    id: String,
    name: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    autofocus: bool,
    readonly: bool,
    is_invalid: Signal<bool>,
}

impl Control {
    /// Renders one line. `described` returns the ids of the hint and the error.
    fn input(self, described: impl Fn() -> Option<String> + Send + 'static) -> impl IntoView {
        let kind = self.kind;
        view! {
            <input
                id=self.id
                name=self.name
                type=if kind == "slug" { "text" } else { kind }
                value=self.value
                autocomplete=self.autocomplete
                autocapitalize=matches!(kind, "email" | "slug").then_some("none")
                spellcheck=(kind != "text").then_some("false")
                autofocus=self.autofocus
                readonly=self.readonly
                aria-invalid=move || self.is_invalid.get().then_some("true")
                aria-describedby=described
            />
        }
    }

    /// Renders several lines. `described` returns the ids of the hint and the error.
    fn textarea(self, lines: u8, described: impl Fn() -> Option<String> + Send + 'static) -> impl IntoView {
        view! {
            <textarea
                id=self.id
                name=self.name
                rows=lines.to_string()
                autocomplete=self.autocomplete
                autocapitalize="none"
                spellcheck="false"
                autofocus=self.autofocus
                aria-invalid=move || self.is_invalid.get().then_some("true")
                aria-describedby=described
            >{text_in(self.value)}</textarea>
        }
    }
}

/// Returns the text of a textarea, escaped on the server: Leptos writes it into the page as it is.
#[cfg(feature = "ssr")]
fn text_in(value: String) -> String {
    escape(&value)
}

#[cfg(not(feature = "ssr"))]
const fn text_in(value: String) -> String {
    value
}

/// Returns the problem of a form, from its latest outcome, or else from the flash of a form sent without scripts.
fn problem_of(value: Signal<Option<Outcome>>, form: FormName) -> impl Fn() -> Option<Problem> + Copy + Send + Sync {
    let flashed = expect_context::<Flashed>();
    move || match value.get() {
        Some(outcome) => outcome.err(),
        // A banner above the page already says that one.
        None => flashed
            .problem(form)
            .filter(|problem| *problem != Problem::Refused(Refusal::FilledInByAnother)),
    }
}

/// Returns the text of a form's problem, if the problem is about this field.
pub(crate) fn form_error(value: Signal<Option<Outcome>>, form: FormName, field: About) -> Signal<Option<String>> {
    let problem = problem_of(value, form);
    Signal::derive(move || {
        problem()
            .filter(|problem| problem.field() == Some(field))
            .map(messages::problem)
    })
}

/// Asks for the person's password in a form whose change needs confirmation (J7), once the server has refused the
/// change for lack of it. What else was typed stays, and sending the form again makes the change.
#[component]
pub(crate) fn Confirmation(
    form: FormName,
    value: Signal<Option<Outcome>>,
    /// Its id, needed where a page has several.
    #[prop(default = "confirm-password")]
    id: &'static str,
) -> impl IntoView {
    let problem = problem_of(value, form);
    let is_wanted =
        Memo::new(move |_| problem().is_some_and(|problem| problem.field() == Some(About::CurrentPassword)));
    let error = form_error(value, form, About::CurrentPassword);
    let own = OwnAddress::here();
    move || {
        is_wanted.get().then(|| {
            view! {
                <fieldset class="confirmation">
                    <legend>"Confirm it’s you"</legend>
                    <Username email=own id=format!("{id}-username")/>
                    <Field
                        label="Password"
                        name="current_password"
                        id
                        kind="password"
                        autocomplete="current-password"
                        error
                    />
                </fieldset>
            }
        })
    }
}

/// Shows the problem of a form above it, unless the problem is about one of these fields. A form about resources has
/// all fields of details.
pub(crate) fn form_problem(value: Signal<Option<Outcome>>, form: FormName, fields: &'static [About]) -> impl IntoView {
    let problem = problem_of(value, form);
    let other = move || {
        problem().filter(|problem| {
            problem
                .field()
                .is_none_or(|field| !fields.contains(&field) && !matches!(field, About::Detail(_)))
        })
    };
    let text = move |problem| match way_on(problem) {
        Some(way_on) => Either::Left(way_on),
        None => Either::Right(messages::problem(problem)),
    };
    view! {
        <div role="alert" tabindex="-1">
            {move || other().map(|problem| view! {
                <p class="form-problem"><Icon sign=Sign::Alert/><span>{text(problem)}</span></p>
            })}
        </div>
    }
}
