//! The pages of the links of a change of address (J5): one confirms it, one undoes it. Only a button does either, since
//! programs that check mail open links.

use leptos::{either::EitherOf3, prelude::*, server_fn::ServerFn};
use policy::Field as About;

use super::{link_page::link_page, sign_up::EntryProblem};
use crate::{
    api::{
        accounts::SignOut,
        email_changes::{ChangeEmail, EmailChange, EmailUndo, OpenedEmailChange, OpenedEmailUndo, UndoEmailChange},
        verification::Opener,
    },
    components::{Field, Icon, PageTitle, Sign, Username, form_error},
    outcome::FormName,
    paths,
    signed::Signed,
};

/// The page that confirms the change. Its form is sent without scripts, since a whole new page follows.
#[component]
pub(crate) fn ChangeEmailScreen() -> impl IntoView {
    link_page::<EmailChange, _>(
        "It was used already, is older than 24 hours, or was replaced by a newer one. Your profile says which address \
         your account has, and sends a new link.",
        |opened, token| view! { <Change opened token/> },
    )
}

#[component]
fn Change(opened: OpenedEmailChange, token: String) -> impl IntoView {
    let OpenedEmailChange { email, opener } = opened;
    let body = match opener {
        Opener::Holder => EitherOf3::A(view! {
            <p class="lead">
                "Your account will have the address "
                <strong><bdi>{email.unwrap_or_default()}</bdi></strong>
                ", and you sign in with it."
            </p>
            <EntryProblem form=FormName::ConfirmEmail/>
            <form method="post" action={expect_context::<Signed>().form(ChangeEmail::url())}>
                <input type="hidden" name="token" value=token/>
                <button type="submit" class="button button-primary button-wide">"Change email"</button>
            </form>
        }),
        Opener::Another(own) => EitherOf3::B(view! {
            <p>
                "You’re signed in as "
                <bdi>{own}</bdi>
                ", and another account asked for this. Sign out, sign in to that account, and open the link again."
            </p>
            <form method="post" action=SignOut::url()>
                <button type="submit" class="button button-wide">"Sign out"</button>
            </form>
        }),
        Opener::Nobody => EitherOf3::C(view! {
            <p>
                "Sign in to the account that asked for this, with the address that it has now. Then its address can \
                 be changed."
            </p>
            <p>
                <a
                    class="button button-primary button-wide"
                    rel="external"
                    href=paths::sign_in_and_return(&paths::change_email(&token))
                >
                    "Sign in"
                </a>
            </p>
        }),
    };
    view! {
        <PageTitle text="Change email"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Change email"</h1>
            {body}
        </section>
    }
}

/// The page that undoes the change.
#[component]
pub(crate) fn UndoEmailScreen() -> impl IntoView {
    link_page::<EmailUndo, _>(
        "It was used already, or the change is more than 7 days ago. If somebody else uses your account, tell whoever \
         runs this console.",
        |opened, token| view! { <Undo opened token/> },
    )
}

#[component]
fn Undo(opened: OpenedEmailUndo, token: String) -> impl IntoView {
    let OpenedEmailUndo { old, current } = opened;
    let error = form_error(Signal::stored(None), FormName::UndoEmail, About::Password);
    view! {
        <PageTitle text="Undo the change of address"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"Undo the change of address"</h1>
            <p class="lead">
                "Your account has the address "
                <strong><bdi>{current}</bdi></strong>
                " now. It gets "
                <strong><bdi>{old.clone()}</bdi></strong>
                " back."
            </p>
            <p class="card-line">
                <Icon sign=Sign::Info/>
                <span>
                    "Whoever changed it is shut out: every session ends, SSH keys are removed, invitations that were \
                     sent are revoked, and you choose a new password. Then you see the API keys that were made."
                </span>
            </p>
            <EntryProblem form=FormName::UndoEmail/>
            <form method="post" action=UndoEmailChange::url() novalidate=true>
                <input type="hidden" name="token" value=token/>
                <Username email=old.clone() id="undo-username"/>
                <Field
                    label="New password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 12 characters."
                    error
                    autofocus=true
                />
                <button type="submit" class="button button-primary button-wide">"Undo change"</button>
            </form>
        </section>
    }
}
