//! The page for signing in.

use leptos::{prelude::*, server_fn::ServerFn};

use super::sign_up::{EntryNotice, EntryProblem};
use crate::{
    address::use_query,
    api::accounts::SignIn,
    components::{Field, PageTitle},
    flash::Flashed,
    outcome::FormName,
    paths,
};

/// The page for signing in. Its form is sent without scripts: a whole new page follows, for another person.
#[component]
pub(crate) fn SignInScreen() -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let next = use_query("next");
    let other = move || {
        next.with(|next| paths::sign_in_and_return(next))
            .replacen(paths::SIGN_IN, paths::SIGN_UP, 1)
    };
    view! {
        <PageTitle text="Sign in"/>
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            <section class="entry-card" aria-labelledby="heading">
                <h1 id="heading">"Sign in"</h1>
                <EntryNotice/>
                <EntryProblem form=FormName::SignIn/>
                <form method="post" action=SignIn::url() novalidate=true>
                    <input type="hidden" name="next" value=next/>
                    <Field
                        label="Email"
                        name="email"
                        kind="email"
                        autocomplete="username"
                        value=flashed.typed(FormName::SignIn, "email").unwrap_or_default()
                        error=Signal::stored(None::<String>)
                        autofocus=true
                    />
                    <Field
                        label="Password"
                        name="password"
                        kind="password"
                        autocomplete="current-password"
                        error=Signal::stored(None::<String>)
                    />
                    <button type="submit" class="button button-primary button-wide">"Sign in"</button>
                </form>
            </section>
            <p class="entry-foot"><a href=paths::FORGOT_PASSWORD rel="external">"Forgot your password?"</a></p>
            <p class="entry-foot">"New here? " <a href=other rel="external">"Create an account"</a></p>
        </main>
    }
}
