//! Server functions of the person's own account: signing up, in and out; name and password; deleting it; a forgotten
//! password.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use super::NothingElse;
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use {
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, begin_session, end_session, redirect, session_context},
    },
    directory::{LinkToken, NewAccount, NewSession},
    policy::{Email, Refusal},
};

/// Signs in and redirects to `next`, if that is a path of this console, or else home.
#[server(endpoint = "sign_in")]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    #[server(default)] next: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let session = context
        .directory
        .sign_in(&context.anonymous(), &email, &password)
        .await
        .map_err(Problem::from);
    enter(FormName::SignIn, &context, session, &[("email", &email)], &next)
}

/// Makes an account with an organization of its own (O2). Without a mail server it signs in and redirects to `next` or
/// home. With one it begins no session: the result is mailed, so that the answer is the same whether the address has an
/// account or not (X6).
#[server(endpoint = "sign_up")]
pub(crate) async fn sign_up(
    name: String,
    email: String,
    password: String,
    #[server(default)] next: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let typed = [("name", &*name), ("email", &*email)];
    let account = async {
        Ok(NewAccount {
            name: super::name(&name)?,
            email: Email::from_input(&email)?,
            password: password.parse().map_err(|_| Refusal::PasswordInvalid)?,
        })
    }
    .await;
    if context.directory.settings().sends_mail {
        let outcome = async {
            let account: NewAccount = account?;
            let email = account.email.to_string();
            context.directory.sign_up_by_mail(&context.anonymous(), account).await?;
            Ok(Done::SignUpMailed { email })
        }
        .await;
        return answer(FormName::SignUp, &typed, outcome, |outcome| match outcome {
            Ok(_) => paths::SIGN_UP.to_owned(),
            Err(_) => sign_up_and_return(&next),
        });
    }
    let made = match account {
        Ok(account) => context
            .directory
            .sign_up(&context.anonymous(), account)
            .await
            .map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    enter(FormName::SignUp, &context, made, &typed, &next)
}

/// Answers signing in, and signing up without mail: redirects into the console if there is a session, else back to the
/// form. Both forms are sent without scripts.
#[cfg(feature = "ssr")]
fn enter(
    form: FormName,
    context: &crate::request_context::SessionContext,
    session: Result<NewSession, Problem>,
    typed: &[(&str, &str)],
    next: &str,
) -> Result<Outcome, Problem> {
    let next = paths::local(next).unwrap_or(paths::HOME);
    match session {
        Ok(session) => {
            begin_session(context.cookies, &session);
            redirect(next);
            Ok(Ok(Done::SignedIn))
        }
        Err(problem) => answer(form, typed, Err(problem), |_| {
            if form == FormName::SignUp {
                sign_up_and_return(next)
            } else {
                paths::sign_in_and_return(next)
            }
        }),
    }
}

/// Returns the path for signing up and then going on to `next`, if that is a path of this console.
#[cfg(feature = "ssr")]
fn sign_up_and_return(next: &str) -> String {
    paths::sign_in_and_return(next).replacen(paths::SIGN_IN, paths::SIGN_UP, 1)
}

/// Ends the session.
#[server(endpoint = "sign_out")]
pub(crate) async fn sign_out(#[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let cookies = session_context()?.cookies;
    // Whoever is signed out already needs nothing more.
    if let Ok((directory, actor)) = acting() {
        directory.sign_out(&actor).await?;
    }
    end_session(cookies);
    redirect(paths::SIGN_IN);
    Ok(Ok(Done::SignedOut))
}

/// Changes the person's own password, and ends their other sessions.
#[server(endpoint = "change_password")]
pub(crate) async fn change_password(
    current_password: String,
    password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = async {
        let password = password.parse().map_err(|_| Refusal::PasswordInvalid)?;
        directory.change_password(&actor, &current_password, password).await?;
        Ok(Done::PasswordChanged)
    }
    .await;
    answer(FormName::Password, &[], outcome, |_| paths::PROFILE.to_owned())
}

/// Changes the person's own name.
#[server(endpoint = "change_name")]
pub(crate) async fn change_name(name: String, #[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = async {
        directory.change_name(&actor, &super::name(&name)?).await?;
        Ok(Done::ProfileSaved)
    }
    .await;
    answer(FormName::Profile, &[("name", &name)], outcome, |_| {
        paths::PROFILE.to_owned()
    })
}

/// Deletes the person's own account. This can't be undone.
#[server(endpoint = "delete_account")]
pub(crate) async fn delete_account(
    current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let cookies = session_context()?.cookies;
    let (directory, actor) = acting()?;
    match directory.delete_account(&actor, &current_password).await {
        Ok(()) => {
            end_session(cookies);
            answer(FormName::DeleteAccount, &[], Ok(Done::AccountDeleted), |_| {
                paths::SIGN_IN.to_owned()
            })
        }
        Err(error) => answer(FormName::DeleteAccount, &[], Err(error.into()), |_| {
            paths::PROFILE.to_owned()
        }),
    }
}

/// Returns whether there is a mail server, and so whether people can replace a forgotten password themselves.
#[server(endpoint = "sends_mail", input = GetUrl)]
pub(crate) async fn sends_mail() -> Result<bool, Problem> {
    Ok(session_context()?.directory.settings().sends_mail)
}

/// Mails a link for a new password. The answer is the same whether the address has an account or not.
#[server(endpoint = "request_password_reset")]
pub(crate) async fn request_password_reset(
    email: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let outcome = context
        .directory
        .request_password_reset(&context.anonymous(), &email)
        .await
        .map(|()| Done::ResetRequested)
        .map_err(Problem::from);
    answer(FormName::RequestReset, &[("email", &email)], outcome, |_| {
        paths::FORGOT_PASSWORD.to_owned()
    })
}

/// What the link for a new password is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedReset {
    /// The address whose password it replaces.
    pub(crate) email: String,
    /// Whether the address is verified. If it is not, everything of the account's holder ends (J3).
    pub(crate) is_proved: bool,
}

/// Returns what the link for a new password is for. By POST, since a token must not be in a query.
#[server(endpoint = "password_reset")]
pub(crate) async fn password_reset(token: String) -> Result<OpenedReset, Problem> {
    let token = LinkToken::parse(&token).ok_or(Refusal::LinkDead)?;
    let opened = session_context()?.directory.open_password_reset(&token).await?;
    Ok(OpenedReset {
        email: opened.email.to_string(),
        is_proved: opened.is_proved,
    })
}

/// Sets a new password for the person that a link was mailed to, and signs them in. With `broken_into`, everything ends
/// that somebody else may have added to the account (J3), as it does if the address was not verified before.
#[server(endpoint = "reset_password")]
pub(crate) async fn reset_password(
    token: String,
    password: String,
    #[server(default)] broken_into: Option<String>,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let secret = LinkToken::parse(&token).ok_or(Refusal::LinkDead)?;
    let outcome = async {
        let password = password.parse().map_err(|_| Refusal::PasswordInvalid)?;
        let ends_everything = match broken_into.as_deref() {
            Some(_) => true,
            // An unusable link is refused, and audited, where it is used.
            None => {
                let opened = context.directory.open_password_reset(&secret).await;
                opened.is_ok_and(|opened| !opened.is_proved)
            }
        };
        let session = context
            .directory
            .reset_password(&context.anonymous(), &secret, password, broken_into.is_some())
            .await?;
        Ok((session, ends_everything))
    }
    .await;
    match outcome {
        Ok((session, ends_everything)) => {
            begin_session(context.cookies, &session);
            let done = Done::PasswordReset { ends_everything };
            let to = if ends_everything { paths::MADE_KEYS } else { paths::HOME };
            answer(FormName::Reset, &[], Ok(done), |_| to.to_owned())
        }
        Err(problem) => answer(FormName::Reset, &[], Err(problem), |_| {
            paths::reset_password(&secret.reveal())
        }),
    }
}
