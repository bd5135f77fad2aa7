//! The page of an invitation's link: who invites to what. Only a button accepts (M4), since programs that check mail
//! open links.

use leptos::{prelude::*, server_fn::ServerFn};
use policy::Field as About;

use super::sign_up::EntryProblem;
use crate::{
    Problem,
    address::{use_address, use_param, use_query},
    api::{
        accounts::SignOut,
        invitations::{AcceptInvitation, AcceptInvitationAsNew, Invitation, OpenedInvitation, State, Visitor},
    },
    components::{Field, Icon, PageTitle, Sign, Username, form_error},
    flash::Flashed,
    load::{Loaded, load_or, once},
    messages,
    outcome::FormName,
    paths,
    signed::Signed,
};

/// The page. Its forms are sent without scripts, as that of signing in is: a whole new page follows, perhaps for
/// another person.
#[component]
pub(crate) fn InvitationScreen() -> impl IntoView {
    let (token, named) = (use_param("token"), use_query("email"));
    view! {
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            {load_or::<Invitation, _, _>(
                use_address(),
                once,
                move |opened| view! { <Opened opened token named/> },
                |problem| {
                    #[cfg(feature = "ssr")]
                    crate::request_context::set_status(problem.status());
                    let _ = problem;
                    view! {
                        <DeadLink
                            text="It was replaced by a newer one, or isn’t one that Roster made. Ask whoever invited \
                             you to send the invitation again."
                        />
                    }
                },
            )}
        </main>
    }
}

/// The page of a link that doesn't work.
#[component]
pub(super) fn DeadLink(text: &'static str) -> impl IntoView {
    view! {
        <PageTitle text="This link doesn’t work"/>
        <section class="entry-card" aria-labelledby="heading">
            <h1 id="heading">"This link doesn’t work"</h1>
            <p class="lead">{text}</p>
            <p><a class="button" href=paths::HOME rel="external">"Go to Roster"</a></p>
        </section>
    }
}

#[component]
fn Opened(opened: Loaded<OpenedInvitation>, token: Memo<String>, named: Memo<String>) -> impl IntoView {
    let opened = opened.peek(|opened| Some(opened.clone()));
    opened.map(|opened| {
        let title = format!("Join {}", opened.organization);
        let ended = match opened.state {
            State::Pending => None,
            State::Expired => Some(policy::Refusal::InvitationExpired),
            State::Accepted => Some(policy::Refusal::InvitationAccepted),
            State::Revoked => Some(policy::Refusal::InvitationRevoked),
        };
        let lead = match opened.invited_by.clone() {
            Some(by) => view! { <bdi>{by}</bdi>" invites you to join " }.into_any(),
            None => view! { "You’re invited to join " }.into_any(),
        };
        view! {
            <PageTitle text=title.clone()/>
            <section class="entry-card" aria-labelledby="heading">
                <h1 id="heading">{title}</h1>
                <p class="lead">{lead}<strong><bdi>{opened.organization.clone()}</bdi></strong>"."</p>
                {match ended {
                    Some(refusal) => view! { <Ended opened refusal/> }.into_any(),
                    None => view! { <Pending opened token named/> }.into_any(),
                }}
            </section>
        }
    })
}

#[component]
fn Ended(opened: OpenedInvitation, refusal: policy::Refusal) -> impl IntoView {
    let is_theirs = refusal == policy::Refusal::InvitationAccepted && opened.visitor == Visitor::Invited;
    let text = if is_theirs {
        "You accepted this invitation already.".to_owned()
    } else {
        messages::problem(refusal.into())
    };
    view! {
        <p class="form-problem"><Icon sign=Sign::Info/><span>{text}</span></p>
        <p><a class="button" href=paths::HOME rel="external">"Go to Roster"</a></p>
    }
}

#[component]
fn Pending(opened: OpenedInvitation, token: Memo<String>, named: Memo<String>) -> impl IntoView {
    let (secret, named) = (token.get_untracked(), named.get_untracked());
    let here = paths::invitation(&secret);
    match opened.visitor {
        Visitor::Unnamed => view! { <AskForAddress problem=opened.problem named/> }.into_any(),
        Visitor::Invited => view! {
            <p>"You join as "<bdi>{opened.email}</bdi>"."</p>
            <EntryProblem form=FormName::Accept/>
            <form method="post" action={expect_context::<Signed>().form(AcceptInvitation::url())}>
                <input type="hidden" name="token" value=secret/>
                <button type="submit" class="button button-primary button-wide">"Accept invitation"</button>
            </form>
        }
        .into_any(),
        Visitor::New => view! { <NewAccount email=opened.email secret named/> }.into_any(),
        // Whoever has only a copied link is not told whether the address has an account (X6).
        Visitor::Named => view! {
            <NewAccount email=opened.email.clone() secret named/>
            <p class="entry-foot">
                "Have an account with this address? "
                <a href=paths::sign_in_and_return(&here) rel="external">"Sign in"</a>" to accept it."
            </p>
        }
        .into_any(),
        Visitor::SignedOut => view! {
            <p>"Sign in as "<strong><bdi>{opened.email}</bdi></strong>" to accept it."</p>
            <a class="button button-primary button-wide" href=paths::sign_in_and_return(&here) rel="external">
                "Sign in"
            </a>
            <p class="hint">
                "If you don’t know of an account with this address, somebody else may have made it: "
                <a href=paths::FORGOT_PASSWORD rel="external">"choose a new password"</a>", and it’s yours."
            </p>
        }
        .into_any(),
        Visitor::Another(own) => view! {
            <p class="form-problem">
                <Icon sign=Sign::Alert/>
                <span>
                    "This invitation is for "
                    <strong><bdi>{opened.email}</bdi></strong>
                    ". You’re signed in as "
                    <bdi>{own}</bdi>
                    ", so nothing was accepted. Sign out, then open the link again."
                </span>
            </p>
            <EntryProblem form=FormName::Accept/>
            <form method="post" action=SignOut::url()>
                <button type="submit" class="button button-wide">"Sign out"</button>
            </form>
        }
        .into_any(),
    }
}

/// Asks for the invited address, since a copied link alone does not reveal it. The form leads to the same page, with
/// the address.
#[component]
fn AskForAddress(problem: Option<Problem>, named: String) -> impl IntoView {
    let is_about_email = problem.is_some_and(|problem| problem.field() == Some(About::Email));
    let text = problem.map(messages::problem);
    let error = Signal::stored(text.clone().filter(|_| is_about_email));
    view! {
        <p>"Which address was invited?"</p>
        <div role="alert">
            {text.filter(|_| !is_about_email).map(|text| view! {
                <p class="form-problem"><Icon sign=Sign::Alert/><span>{text}</span></p>
            })}
        </div>
        <form method="get" novalidate=true>
            <Field label="Email" name="email" kind="email" autocomplete="username" value=named error autofocus=true/>
            <button type="submit" class="button button-primary button-wide">"Continue"</button>
        </form>
    }
}

/// The form that accepts the invitation and makes an account (O2).
#[component]
fn NewAccount(email: String, secret: String, named: String) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let error = |field| form_error(Signal::stored(None), FormName::Accept, field);
    // This form has no field for the address, so an error about it is shown above.
    let about_email = move || error(About::Email).get();
    view! {
        <EntryProblem form=FormName::Accept/>
        <div role="alert">
            {move || about_email().map(|text| view! {
                <p class="form-problem"><Icon sign=Sign::Alert/><span>{text}</span></p>
            })}
        </div>
        <form method="post" action=AcceptInvitationAsNew::url() novalidate=true>
            <input type="hidden" name="token" value=secret/>
            <input type="hidden" name="email" value=named/>
            <p class="facts-line">"Your account’s address: "<strong><bdi>{email.clone()}</bdi></strong></p>
            <Username email=Signal::stored(email) id="username"/>
            <Field
                label="Name"
                name="name"
                autocomplete="name"
                value=flashed.typed(FormName::Accept, "name").unwrap_or_default()
                error=error(About::Name)
                autofocus=true
            />
            <Field
                label="Password"
                name="password"
                kind="password"
                autocomplete="new-password"
                hint="At least 12 characters."
                error=error(About::Password)
            />
            <button type="submit" class="button button-primary button-wide">"Accept invitation"</button>
        </form>
    }
}
