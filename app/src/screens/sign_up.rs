//! The page for signing up, and the notices that the pages without a session share.

use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use policy::Field as About;

use crate::{
    address::{use_address, use_query},
    api::accounts::{SendsMail, SignUp},
    components::{Field, Icon, PageTitle, Sign, form_error},
    flash::{Flashed, Notices},
    load::{load_or, once},
    messages,
    outcome::{Done, FormName},
    paths,
};

/// The page for signing up. Its form is sent without scripts, as that of signing in is.
#[component]
pub(crate) fn SignUpScreen() -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let mailed = match flashed.done(FormName::SignUp) {
        Some(Done::SignUpMailed { email }) => Some(email),
        _ => None,
    };
    view! {
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            {match mailed {
                Some(email) => Either::Left(view! { <CheckMail email/> }),
                None => Either::Right(view! { <SignUpForm/> }),
            }}
        </main>
    }
}

/// The answer to every sign-up by mail, whether the address has an account or not (X6): only the mail says which.
#[component]
fn CheckMail(email: String) -> impl IntoView {
    view! {
        <PageTitle text="Check your mail"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Check your mail"</h1>
            <p class="lead" role="status">"We’ve sent a link to "<strong><bdi>{email}</bdi></strong>"."</p>
            <p>"It verifies your address, and works for 24 hours. You can sign in with your password meanwhile."</p>
            <p class="hint">"If no mail comes, look at the spelling of the address, and into the folder for spam."</p>
            <a class="button button-wide" href=paths::SIGN_IN rel="external">"Sign in"</a>
        </section>
        <p class="entry-foot"><a href=paths::SIGN_UP rel="external">"Sign up with another address"</a></p>
    }
}

#[component]
fn SignUpForm() -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let next = use_query("next");
    let other = move || next.with(|next| paths::sign_in_and_return(next));
    let error = |field| form_error(Signal::stored(None), FormName::SignUp, field);
    let typed = move |field| flashed.typed(FormName::SignUp, field).unwrap_or_default();
    view! {
        <PageTitle text="Sign up"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Create your account"</h1>
            <p class="lead">"You get an organization of your own, with a project to begin with."</p>
            <EntryProblem form=FormName::SignUp/>
            <form method="post" action=SignUp::url() novalidate=true>
                <input type="hidden" name="next" value=next/>
                <Field
                    label="Name"
                    name="name"
                    autocomplete="name"
                    value=typed("name")
                    error=error(About::Name)
                    autofocus=true
                />
                <Field
                    label="Email"
                    name="email"
                    kind="email"
                    autocomplete="username"
                    value=typed("email")
                    error=error(About::Email)
                />
                <Field
                    label="Password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 12 characters."
                    error=error(About::Password)
                />
                <button type="submit" class="button button-primary button-wide">"Sign up"</button>
            </form>
            <WhoVerifies/>
        </section>
        <p class="entry-foot">"Have an account? " <a href=other rel="external">"Sign in"</a></p>
    }
}

/// Says how an address is verified on this installation (J4).
#[component]
fn WhoVerifies() -> impl IntoView {
    load_or::<SendsMail, _, _>(
        use_address(),
        once,
        |has_mail| {
            let text = if has_mail.peek(|has_mail| *has_mail) {
                "You get a mail with a link that verifies your address."
            } else {
                "This console sends no mail: whoever runs it verifies your address. Until then only organizations \
                 that invited you can add you to projects."
            };
            view! { <p class="hint">{text}</p> }
        },
        |_| (),
    )
}

/// The message of the action that led to this page.
#[component]
pub(crate) fn EntryNotice() -> impl IntoView {
    let notices = expect_context::<Notices>();
    let done = move || notices.get().filter(|notice| !notice.is_problem);
    view! {
        <div role="status">
            {move || done().map(|notice| view! {
                <p class="notice"><Icon sign=Sign::Check/><span>{notice.text}</span></p>
            })}
        </div>
    }
}

/// The problem of a form that is about no single field.
#[component]
pub(crate) fn EntryProblem(form: FormName) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let text = move || {
        flashed
            .problem(form)
            .filter(|problem| problem.field().is_none())
            .map(messages::problem)
    };
    view! {
        <div role="alert">
            {move || text().map(|text| view! {
                <p class="form-problem"><Icon sign=Sign::Alert/><span>{text}</span></p>
            })}
        </div>
    }
}
