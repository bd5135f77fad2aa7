//! The pages of a forgotten password: one asks for a link, the link's own sets a new password.

use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use policy::{Field as About, Refusal};

use super::{link_page::link_page, sign_up::EntryProblem};
use crate::{
    address::use_address,
    api::accounts::{OpenedReset, PasswordReset, RequestPasswordReset, ResetPassword, SendsMail},
    components::{Field, Icon, PageTitle, Sign, Username, form_error},
    flash::Flashed,
    load::{load_or, once},
    messages,
    outcome::{Done, FormName},
    paths,
};

/// The page that asks for a link.
#[component]
pub(crate) fn ForgotPasswordScreen() -> impl IntoView {
    view! {
        <PageTitle text="Forgot your password?"/>
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            <section class="entry-card" aria-labelledby="heading">
                <h1 id="heading">"Forgot your password?"</h1>
                {load_or::<SendsMail, _, _>(
                    use_address(),
                    once,
                    |has_mail| if has_mail.peek(|has_mail| *has_mail) {
                        Either::Left(view! { <AskForm/> })
                    } else {
                        Either::Right(view! { <p class="lead">{messages::problem(Refusal::NoMail.into())}</p> })
                    },
                    |problem| view! {
                        <p class="form-problem"><Icon sign=Sign::Alert/><span>{messages::problem(problem)}</span></p>
                    },
                )}
            </section>
            <p class="entry-foot"><a href=paths::SIGN_IN rel="external">"Back to signing in"</a></p>
        </main>
    }
}

#[component]
fn AskForm() -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let done = move || flashed.done(FormName::RequestReset) == Some(Done::ResetRequested);
    let error = form_error(Signal::stored(None), FormName::RequestReset, About::Email);
    view! {
        <div role="status">
            {move || done().then(|| view! {
                <p class="notice"><Icon sign=Sign::Check/><span>{messages::done(&Done::ResetRequested)}</span></p>
            })}
        </div>
        <p class="lead">"We’ll send a link to a new password to the address of your account."</p>
        <EntryProblem form=FormName::RequestReset/>
        <form method="post" action=RequestPasswordReset::url() novalidate=true>
            <Field
                label="Email"
                name="email"
                kind="email"
                autocomplete="username"
                value=flashed.typed(FormName::RequestReset, "email").unwrap_or_default()
                error
                autofocus=true
            />
            <button type="submit" class="button button-primary button-wide">"Send link"</button>
        </form>
    }
}

/// The page of the link.
#[component]
pub(crate) fn ResetPasswordScreen() -> impl IntoView {
    link_page::<PasswordReset, _>(
        "It was used already, or is too old. Ask for a new one where you sign in.",
        |opened, token| view! { <ResetForm opened token/> },
    )
}

#[component]
fn ResetForm(opened: OpenedReset, token: String) -> impl IntoView {
    let OpenedReset { email, is_proved } = opened;
    let error = form_error(Signal::stored(None), FormName::Reset, About::Password);
    view! {
        <PageTitle text="Choose a new password"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Choose a new password"</h1>
            <p class="lead">
                "For "
                <strong><bdi>{email.clone()}</bdi></strong>
                ". Saving it signs you out everywhere else."
            </p>
            {(!is_proved).then(|| view! {
                <p class="card-line">
                    <Icon sign=Sign::Info/>
                    <span>
                        "This account was made before its address was verified, perhaps by somebody else. Saving \
                         removes its SSH keys and revokes the invitations it sent as well; then you see the API keys \
                         it made."
                    </span>
                </p>
            })}
            <EntryProblem form=FormName::Reset/>
            <form method="post" action=ResetPassword::url() novalidate=true>
                <input type="hidden" name="token" value=token/>
                <Username email=Signal::stored(email) id="username"/>
                <Field
                    label="New password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 12 characters."
                    error
                    autofocus=true
                />
                {is_proved.then(|| view! {
                    <div class="switch">
                        <input
                            type="checkbox"
                            id="broken-into"
                            name="broken_into"
                            value="on"
                            aria-describedby="broken-into-hint"
                        />
                        <div>
                            <label for="broken-into">"Somebody else may have used my account"</label>
                            <p class="hint" id="broken-into-hint">
                                "Removes your SSH keys and revokes the invitations you sent as well, and shows you \
                                 the API keys you made."
                            </p>
                        </div>
                    </div>
                })}
                <button type="submit" class="button button-primary button-wide">"Save"</button>
            </form>
        </section>
    }
}
