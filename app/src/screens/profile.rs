//! The person's own: name, address, password.

use leptos::prelude::*;
use policy::Field as About;

use crate::{
    api::{
        accounts::ChangePassword,
        shell::{ShellView, shell},
    },
    components::{Field, Icon, PageHeader, PageTitle, PostForm, Sign},
    flash::{Flashed, FormName, Notice, Notices, outcome},
    load::{Loaded, load},
    words,
};

/// The page.
#[component]
pub(crate) fn ProfileScreen() -> impl IntoView {
    load(|| (), |()| shell(String::new()), |shell| view! { <Profile shell/> })
}

#[component]
fn Profile(shell: Loaded<ShellView>) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let notices = expect_context::<Notices>();
    let action = ServerAction::<ChangePassword>::new();
    let value = outcome(action);
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
        }
    });
    let problem = move || match value.get() {
        Some(outcome) => outcome.err(),
        None => flashed.problem(FormName::Password),
    };
    let error =
        move |field: About| Signal::derive(move || problem().filter(|p| p.field() == Some(field)).map(words::problem));
    let other = move || {
        problem()
            .filter(|problem| problem.field().is_none())
            .map(words::problem)
    };
    view! {
        <PageTitle text="Profile"/>
        <PageHeader title="Profile" lead="Who you are here, and how you sign in."/>
        <section class="card" aria-labelledby="you">
            <h2 id="you">"You"</h2>
            <dl class="facts">
                <div><dt>"Name"</dt><dd>{move || shell.with(|shell| shell.name.clone())}</dd></div>
                <div><dt>"Email"</dt><dd>{move || shell.with(|shell| shell.email.clone())}</dd></div>
            </dl>
        </section>
        <section class="card" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <p class="lead">"Changing it signs you out everywhere else."</p>
            <PostForm action class="form">
                <div role="alert">
                    {move || other().map(|text| view! { <p class="form-problem"><Icon sign=Sign::Alert/><span>{text}</span></p> })}
                </div>
                <Field
                    label="Current password"
                    name="current_password"
                    kind="password"
                    autocomplete="current-password"
                    error=error(About::CurrentPassword)
                />
                <Field
                    label="New password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 12 characters."
                    error=error(About::Password)
                />
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || action.pending().get().to_string()>"Save"</button>
                </div>
            </PostForm>
        </section>
    }
}
