//! Server functions of a change of address (J5): requesting it, confirming it by the mailed link, and undoing it by the
//! link that the old address gets.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{NothingElse, verification::Opener};
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use {
    super::verification::link_token,
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, begin_session, confirm, session_context},
    },
    policy::{Email, Refusal},
};

/// What the link that confirms a change of address is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedEmailChange {
    /// The new address. Only the account that requested the change is told it.
    pub(crate) email: Option<String>,
    /// Who opens the link.
    pub(crate) opener: Opener,
}

/// What the link that undoes a change of address is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedEmailUndo {
    /// The address that the account gets back.
    pub(crate) old: String,
    /// The account's current address.
    pub(crate) current: String,
}

/// Requests a change of address: mails a link to the new address, which confirms it.
#[server(endpoint = "request_email_change")]
pub(crate) async fn request_email_change(
    email: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = async {
        let new = Email::from_input(&email)?;
        confirm(&directory, &actor, &current_password).await?;
        directory.request_email_change(&actor, &new).await?;
        Ok(Done::EmailChangeMailed { email: new.to_string() })
    }
    .await;
    answer(FormName::ChangeEmail, &[("email", &email)], outcome, |_| {
        paths::PROFILE.to_owned()
    })
}

/// Returns what the link that confirms a change of address is for. By POST, since a token must not be in a query.
#[server(endpoint = "email_change")]
pub(crate) async fn email_change(token: String) -> Result<OpenedEmailChange, Problem> {
    let context = session_context()?;
    let opened = context.directory.open_email_change(&link_token(&token)?).await?;
    Ok(match &context.session {
        Some(session) if session.user == opened.user => OpenedEmailChange {
            email: Some(opened.email.to_string()),
            opener: Opener::Holder,
        },
        Some(session) => OpenedEmailChange {
            email: None,
            opener: Opener::Another(session.email.to_string()),
        },
        None => OpenedEmailChange {
            email: None,
            opener: Opener::Nobody,
        },
    })
}

/// Gives the signed-in account the address that it requested.
#[server(endpoint = "change_email")]
pub(crate) async fn change_email(token: String, #[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let secret = link_token(&token)?;
    let outcome = async {
        let email = directory.change_email(&actor, &secret).await?;
        Ok(Done::EmailChanged {
            email: email.to_string(),
        })
    }
    .await;
    answer(FormName::ConfirmEmail, &[], outcome, |outcome| match outcome {
        Ok(_) => paths::PROFILE.to_owned(),
        Err(_) => paths::change_email(&secret.reveal()),
    })
}

/// Returns what the link that undoes a change of address is for. By POST, as above.
#[server(endpoint = "email_undo")]
pub(crate) async fn email_undo(token: String) -> Result<OpenedEmailUndo, Problem> {
    let opened = session_context()?
        .directory
        .open_email_undo(&link_token(&token)?)
        .await?;
    Ok(OpenedEmailUndo {
        old: opened.old.to_string(),
        current: opened.current.to_string(),
    })
}

/// Gives an account its old address back, with a new password, and signs in. Everything ends by which somebody else
/// could act as the person (J3).
#[server(endpoint = "undo_email_change")]
pub(crate) async fn undo_email_change(
    token: String,
    password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let secret = link_token(&token)?;
    let outcome = async {
        let password = password.parse().map_err(|_| Refusal::PasswordInvalid)?;
        let session = context
            .directory
            .undo_email_change(&context.anonymous(), &secret, password)
            .await?;
        begin_session(context.cookies, &session);
        Ok(Done::EmailRestored)
    }
    .await;
    answer(FormName::UndoEmail, &[], outcome, |outcome| match outcome {
        Ok(_) => paths::MADE_KEYS.to_owned(),
        Err(_) => paths::undo_email_change(&secret.reveal()),
    })
}
