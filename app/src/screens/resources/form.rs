//! The fields of a resource in a form, for any kind: rendered from what the policy says of each field.

use leptos::prelude::*;
use policy::{Field as About, FieldInput, ResourceField, ResourceKind};

use crate::{
    api::resources::ResourceRow,
    components::{Field, FormSender, SelectField, form_error, form_problem},
    flash::Flashed,
    outcome::FormName,
};

/// Returns the states of a kind, as the values of a form and their labels.
pub(super) fn state_options(kind: ResourceKind) -> impl Iterator<Item = (&'static str, &'static str)> {
    kind.states().iter().map(|state| (state.code(), state.label()))
}

/// The fields for the name, the details of the kind, and the state.
#[component]
pub(super) fn Fields(
    /// The form that the fields are in.
    form: FormName,
    /// Sends the form.
    action: FormSender,
    kind: ResourceKind,
    /// The stored resource; none for a new one.
    now: Option<ResourceRow>,
) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let value = action.outcome();
    let is_new = now.is_none();
    let name = now.as_ref().map(|now| now.name.clone()).unwrap_or_default();
    let state = now.as_ref().map_or("", |now| now.state.code()).to_owned();
    let fields = kind.fields().iter().map(|field| {
        let now = now.as_ref().and_then(|now| now.details.get(*field));
        let now = now.map(ToString::to_string).unwrap_or_default();
        field_view(form, action, *field, flashed.typed(form, field.code()).unwrap_or(now))
    });
    let fields = fields.collect_view();
    let states: Vec<_> = state_options(kind).collect();
    view! {
        {form_problem(value, form, &[About::Name, About::State])}
        <Field
            label="Name"
            name="name"
            value=flashed.typed(form, "name").unwrap_or(name)
            error=form_error(value, form, About::Name)
            autofocus=is_new
        />
        {fields}
        <SelectField
            label="State"
            name="state"
            value=flashed.typed(form, "state").unwrap_or(state)
            options=states
            hint="What it’s doing where it runs. Changing this starts or stops nothing."
            error=form_error(value, form, About::State)
        />
    }
}

fn field_view(form: FormName, action: FormSender, field: ResourceField, value: String) -> AnyView {
    let error = form_error(action.outcome(), form, About::Detail(field));
    let (name, label) = (field.code(), field.label());
    match field.input() {
        FieldInput::Text { is_optional } => {
            let hint = if is_optional { "Optional." } else { "" };
            view! { <Field label name value hint error/> }.into_any()
        }
        FieldInput::Whole { .. } => view! { <Field label name kind="number" value error/> }.into_any(),
        FieldInput::Choice(options) => view! { <SelectField label name value options error/> }.into_any(),
    }
}
