//! Server functions that verify an address (J1 to J4), and those for the API keys of an account that somebody else may
//! have used.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use serde::{Deserialize, Serialize};

use super::{KeyChoices, NothingElse, owned_assets::OwnedAssets};
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use {
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, begin_session, session_context, signed_in},
    },
    directory::LinkToken,
    policy::Refusal,
};

/// What the link that verifies an address is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenedVerification {
    pub(crate) email: String,
    /// Who opens the link.
    pub(crate) opener: Opener,
}

/// Who opens such a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Opener {
    /// The account's holder, signed in.
    Holder,
    /// Nobody signed in.
    Nobody,
    /// Somebody else, signed in with this address.
    Another(String),
}

/// Returns what the link that verifies an address is for. By POST, since a token must not be in a query.
#[server(endpoint = "email_verification")]
pub(crate) async fn email_verification(token: String) -> Result<OpenedVerification, Problem> {
    let context = session_context()?;
    let opened = context.directory.open_verification(&link_token(&token)?).await?;
    Ok(OpenedVerification {
        email: opened.email.to_string(),
        opener: match &context.session {
            Some(session) if session.user == opened.user => Opener::Holder,
            Some(session) => Opener::Another(session.email.to_string()),
            None => Opener::Nobody,
        },
    })
}

#[cfg(feature = "ssr")]
pub(super) fn link_token(text: &str) -> Result<LinkToken, Problem> {
    LinkToken::parse(text).ok_or(Refusal::LinkDead.into())
}

/// Verifies an address. With the account's own session the link suffices. Anybody else enters a password and is signed
/// in: the account's own, or a new one, which ends everything that its holder until then had (J3).
#[server(endpoint = "verify_email")]
pub(crate) async fn verify_email(
    token: String,
    #[server(default)] password: Option<String>,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let secret = link_token(&token)?;
    let outcome = match password {
        None => prove_own(&secret).await,
        Some(password) => match context
            .directory
            .verify_address(&context.anonymous(), &secret, &password)
            .await
        {
            Ok(verified) => {
                begin_session(context.cookies, &verified.session);
                Ok(Done::AddressVerified {
                    is_taken_over: verified.is_taken_over,
                })
            }
            Err(error) => Err(error.into()),
        },
    };
    answer(FormName::VerifyEmail, &[], outcome, |outcome| match outcome {
        Ok(Done::AddressVerified { is_taken_over: true }) => paths::MADE_KEYS.to_owned(),
        Ok(_) => paths::HOME.to_owned(),
        Err(_) => paths::verify_email(&secret.reveal()),
    })
}

#[cfg(feature = "ssr")]
async fn prove_own(secret: &LinkToken) -> Outcome {
    let (directory, actor) = acting()?;
    directory.verify_own_address(&actor, secret).await?;
    Ok(Done::AddressVerified { is_taken_over: false })
}

/// Mails the link that verifies the person's own address again.
#[server(endpoint = "resend_verification")]
pub(crate) async fn resend_verification(#[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = directory.resend_verification(&actor).await;
    let outcome = outcome
        .map(|email| Done::VerificationSent {
            email: email.to_string(),
        })
        .map_err(Problem::from);
    answer(FormName::ResendVerification, &[], outcome, |_| {
        paths::PROFILE.to_owned()
    })
}

/// Returns the working API keys that the person created (J3).
#[server(endpoint = "made_keys", input = GetUrl)]
pub(crate) async fn made_keys() -> Result<OwnedAssets, Problem> {
    let (context, _, principal) = signed_in()?;
    Ok(context.directory.made_keys(&principal).await?.into())
}

/// Revokes the chosen ones among them.
#[server(endpoint = "revoke_made_keys")]
pub(crate) async fn revoke_made_keys(#[server(flatten)] keys: KeyChoices) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let outcome = async {
        let names = directory.revoke_made_keys(&actor, &keys.revoked()?).await?;
        Ok(Done::MadeKeysRevoked { count: names.len() })
    }
    .await;
    answer(FormName::MadeKeys, &[], outcome, |_| paths::MADE_KEYS.to_owned())
}
