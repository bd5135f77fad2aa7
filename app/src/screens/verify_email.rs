//! The page of the link that verifies an address (J1). Only a button does so, since programs that check mail open
//! links.

use leptos::{prelude::*, server_fn::ServerFn};
use policy::Field as About;

use super::{link_page::link_page, sign_up::EntryProblem};
use crate::{
    api::verification::{EmailVerification, OpenedVerification, Opener, VerifyEmail},
    components::{Field, Icon, PageTitle, Sign, Username, form_error},
    outcome::FormName,
};

/// The page. Its forms are sent without scripts, as that of signing in is: a whole new page follows, perhaps for
/// another person.
#[component]
pub(crate) fn VerifyEmailScreen() -> impl IntoView {
    link_page::<EmailVerification, _>(
        "It was used already, is too old, or the address is verified. Sign in: your profile says which, and sends a \
         new one.",
        |opened, token| view! { <Opened opened token/> },
    )
}

#[component]
fn Opened(opened: OpenedVerification, token: String) -> impl IntoView {
    let OpenedVerification { email, opener } = opened;
    view! {
        <PageTitle text="Verify your address"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Verify your address"</h1>
            <p class="lead">"For "<strong><bdi>{email.clone()}</bdi></strong>"."</p>
            <EntryProblem form=FormName::VerifyEmail/>
            <form method="post" action=VerifyEmail::url() novalidate=true>
                <input type="hidden" name="token" value=token/>
                {(opener != Opener::Holder).then(|| view! { <Password opener email/> })}
                <button type="submit" class="button button-primary button-wide">"Verify address"</button>
            </form>
        </section>
    }
}

/// Asks for the password, since whoever isn't signed in to the account may not be who made it (J3).
#[component]
fn Password(opener: Opener, email: String) -> impl IntoView {
    let error = form_error(Signal::stored(None), FormName::VerifyEmail, About::Password);
    let another = match opener {
        Opener::Another(own) => Some(own),
        Opener::Holder | Opener::Nobody => None,
    };
    view! {
        {another.map(|own| view! {
            <p class="card-line">
                <Icon sign=Sign::Info/>
                <span>"You’re signed in as "<bdi>{own}</bdi>". Going on signs you in with this address instead."</span>
            </p>
        })}
        <p>
            "This account was made before its address was verified. If you made it, type its password. If you didn’t, \
             or don’t remember, choose a new one: whoever used the account until now is signed out, its SSH keys are \
             removed, and the invitations it sent are revoked."
        </p>
        <Username email=Signal::stored(email) id="username"/>
        <Field
            label="Password"
            name="password"
            kind="password"
            autocomplete="current-password"
            hint="The account’s password, or a new one of at least 12 characters."
            error
            autofocus=true
        />
    }
}
