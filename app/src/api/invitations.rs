//! Server functions of invitations to an organization: sending them, their states, and accepting one (RULES M).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::InvitationId;
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp, list::ListQuery, organizations::OrganizationHead};
use crate::{
    Problem,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    outcome::Outcome,
};

#[cfg(feature = "ssr")]
use {
    super::{list::PAGE, slug},
    crate::{
        outcome::{Done, FormName, SentInvitation},
        paths,
        request_context::{SessionContext, acting, answer, begin_session, choice, session_context, signed_in},
    },
    directory::{Delivery, InvitationQuery, InvitationState, LinkToken, NewInvitation, Target},
    policy::{Email, Permission, Refusal},
    std::collections::BTreeSet,
};

/// The most addresses that can be invited at once.
pub(crate) const MOST_ADDRESSES: usize = 20;

/// The state of an invitation (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It can be accepted.
    Pending,
    /// Its link has expired.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
}

/// The state of an invitation's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailState {
    /// No mail was requested.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server has not accepted it so far.
    Retrying,
    /// The mail server accepted it.
    Sent,
    /// The mail server refused it.
    Failed,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationRow {
    pub(crate) id: InvitationId,
    /// The invited address.
    pub(crate) email: String,
    /// The name of who sent it.
    pub(crate) invited_by: Option<String>,
    /// When its current link was made.
    pub(crate) sent_at: Timestamp,
    /// When that link expires.
    pub(crate) expires_at: Timestamp,
    pub(crate) state: State,
    /// The state of its mail.
    pub(crate) mail: MailState,
}

impl InvitationRow {
    /// Returns whether it can be sent again or revoked.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Pending | State::Expired)
    }
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationsPage {
    pub(crate) organization: OrganizationHead,
    pub(crate) rows: Vec<InvitationRow>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
    /// Whether the server sends mail.
    pub(crate) sends_mail: bool,
}

/// An invitation as the person who opens its link sees it (M4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenedInvitation {
    /// The name of the organization.
    pub(crate) organization: String,
    /// The name of who sent it.
    pub(crate) invited_by: Option<String>,
    /// The invited address; partly masked once the invitation is over, and for whoever has not shown that they know it.
    pub(crate) email: String,
    pub(crate) state: State,
    /// Who opens the link.
    pub(crate) visitor: Visitor,
    /// The problem with the address that the visitor entered.
    pub(crate) problem: Option<Problem>,
}

/// Who opens an invitation's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Visitor {
    /// Nobody signed in, with a copied link. The address is asked for first.
    Unnamed,
    /// Nobody signed in, with a copied link, who knows the address. They are still not told whether it has an account.
    Named,
    /// Nobody signed in, with the mailed link. The address has no account.
    New,
    /// Nobody signed in, with the mailed link. The address has an account.
    SignedOut,
    /// The invited person.
    Invited,
    /// Somebody else, signed in with this address.
    Another(String),
}

/// The dialogs of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Inviting people.
    Invite,
    /// The new link of an invitation that was sent again.
    Sent,
}

impl DialogUrl for Dialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Invite => DialogQuery::named("invite"),
            Self::Sent => DialogQuery::named("sent"),
        }
    }

    fn from_query(name: &str, _: DialogSubject) -> Option<Self> {
        match name {
            "invite" => Some(Self::Invite),
            "sent" => Some(Self::Sent),
            _ => None,
        }
    }
}

/// Returns a page of the list.
#[server(endpoint = "invitations", input = GetUrl)]
pub(crate) async fn invitations(
    organization: String,
    #[server(default)] query: ListQuery,
) -> Result<InvitationsPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let slug = slug(&organization)?;
    let after = choice(&query.after).map_err(|_| Refusal::CursorInvalid)?;
    let query = InvitationQuery {
        state: choice(&query.state)?,
        search: query.q,
        after,
        limit: PAGE,
    };
    let list = context.directory.invitations(&principal, &slug, &query).await?;
    Ok(InvitationsPage {
        organization: list.organization.into(),
        rows: list.rows.into_iter().map(Into::into).collect(),
        next: list.next.map(|id| id.to_string()),
        sends_mail: context.directory.settings().sends_mail,
    })
}

#[cfg(feature = "ssr")]
impl From<directory::Invitation> for InvitationRow {
    fn from(row: directory::Invitation) -> Self {
        Self {
            id: row.id,
            email: row.email.to_string(),
            invited_by: row.invited_by.map(|name| name.to_string()),
            sent_at: Timestamp(row.sent_at.unix_timestamp()),
            expires_at: Timestamp(row.expires_at.unix_timestamp()),
            state: row.state.into(),
            mail: match row.delivery {
                Delivery::None => MailState::None,
                Delivery::Waiting => MailState::Waiting,
                Delivery::Retrying => MailState::Retrying,
                Delivery::Sent => MailState::Sent,
                Delivery::Failed => MailState::Failed,
            },
        }
    }
}

#[cfg(feature = "ssr")]
impl From<InvitationState> for State {
    fn from(state: InvitationState) -> Self {
        match state {
            InvitationState::Pending => Self::Pending,
            InvitationState::Expired => Self::Expired,
            InvitationState::Accepted => Self::Accepted,
            InvitationState::Revoked => Self::Revoked,
        }
    }
}

#[cfg(feature = "ssr")]
impl SentInvitation {
    fn new(context: &SessionContext, invitation: &NewInvitation) -> Self {
        let path = paths::invitation(&invitation.token.reveal());
        Self {
            email: invitation.email.to_string(),
            link: format!("{}{path}", context.url),
        }
    }
}

/// Invites one or more people, each address separately (M2). `email` holds the addresses as mail programs write a list
/// of them.
#[server(endpoint = "invite_members")]
pub(crate) async fn invite_members(
    organization: String,
    email: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (context, _, _) = signed_in()?;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may invite are told what is wrong with
        // it.
        directory
            .authorize(&actor, Permission::MemberInvite, Target::Organization(&slug))
            .await?;
        let mut seen = BTreeSet::new();
        let mut addresses = policy::addresses(&email);
        addresses.retain(|address| {
            seen.insert(Email::from_input(address).map_or_else(|_| address.clone(), |email| email.to_string()))
        });
        if addresses.len() > MOST_ADDRESSES {
            return Err(Refusal::TooManyAddresses.into());
        }
        let (mut sent, mut failed) = (Vec::new(), Vec::new());
        for address in &addresses {
            match directory.invite_member(&actor, &slug, address).await {
                Ok(invitation) => sent.push(SentInvitation::new(&context, &invitation)),
                Err(directory::Error::Refused(refusal)) => failed.push((address.clone(), refusal.into())),
                Err(error) if sent.is_empty() => return Err(error.into()),
                // Some invitations were sent before this failure: they are reported, with their links.
                Err(error) => failed.push((address.clone(), error.into())),
            }
        }
        let none_is_an_address = failed.iter().all(|(_, problem)| {
            [Refusal::EmailInvalid, Refusal::EmailNotAscii]
                .map(Problem::from)
                .contains(problem)
        });
        match failed.first() {
            // The error of a single address is shown beside the field, and so is that of a text without any address.
            Some((_, problem)) if addresses.len() == 1 || sent.is_empty() && none_is_an_address => Err(*problem),
            _ if addresses.is_empty() => Err(Refusal::EmailInvalid.into()),
            _ => Ok(Done::Invited { sent, failed }),
        }
    }
    .await;
    answer(FormName::Invite, &[("email", &email)], outcome, |_| {
        paths::with_dialog(&paths::invitations(&slug), Some(Dialog::Invite))
    })
}

/// Sends an invitation again: with a new link, for 7 more days (M3).
#[server(endpoint = "resend_invitation")]
pub(crate) async fn resend_invitation(
    organization: String,
    invitation: InvitationId,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (context, _, _) = signed_in()?;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = directory
        .resend_invitation(&actor, &slug, invitation)
        .await
        .map(|sent| Done::InvitationResent {
            sent: SentInvitation::new(&context, &sent),
        })
        .map_err(Problem::from);
    answer(FormName::Invitation, &[], outcome, |outcome| {
        paths::with_dialog(&paths::invitations(&slug), outcome.is_ok().then_some(Dialog::Sent))
    })
}

/// Revokes an invitation (M3).
#[server(endpoint = "revoke_invitation")]
pub(crate) async fn revoke_invitation(
    organization: String,
    invitation: InvitationId,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = directory
        .revoke_invitation(&actor, &slug, invitation)
        .await
        .map(|email| Done::InvitationRevoked {
            email: email.to_string(),
        })
        .map_err(Problem::from);
    answer(FormName::Invitation, &[], outcome, |_| paths::invitations(&slug))
}

/// Returns what an invitation's link is for, and accepts nothing (M4). By POST, since a token must not be in a query.
/// `email` is the address that a visitor with a copied link entered.
#[server(endpoint = "invitation")]
pub(crate) async fn invitation(token: String, #[server(default)] email: String) -> Result<OpenedInvitation, Problem> {
    let context = session_context()?;
    let secret = link_token(&token)?;
    let opened = context.directory.open_invitation(&secret).await?;
    let is_pending = opened.state == InvitationState::Pending;
    let (visitor, problem) = match &context.session {
        Some(session) if session.email == opened.email => (Visitor::Invited, None),
        Some(session) => (Visitor::Another(session.email.to_string()), None),
        None if !is_pending => (Visitor::SignedOut, None),
        None if !opened.is_mailed => named(&context, &secret, &email).await?,
        None if opened.has_account => (Visitor::SignedOut, None),
        None => (Visitor::New, None),
    };
    let may_know = match visitor {
        Visitor::Invited => true,
        Visitor::Named | Visitor::New | Visitor::SignedOut => is_pending,
        Visitor::Unnamed | Visitor::Another(_) => false,
    };
    Ok(OpenedInvitation {
        organization: opened.organization.to_string(),
        invited_by: opened.invited_by.map(|name| name.to_string()),
        email: if may_know {
            opened.email.to_string()
        } else {
            masked(&opened.email)
        },
        state: opened.state.into(),
        visitor,
        problem,
    })
}

/// Returns who a visitor with a copied link is, from the address they entered, and the problem with that address.
#[cfg(feature = "ssr")]
async fn named(
    context: &SessionContext,
    secret: &LinkToken,
    email: &str,
) -> Result<(Visitor, Option<Problem>), Problem> {
    if email.is_empty() {
        return Ok((Visitor::Unnamed, None));
    }
    match context
        .directory
        .confirm_invited(&context.anonymous(), secret, email)
        .await
    {
        Ok(()) => Ok((Visitor::Named, None)),
        Err(directory::Error::Refused(refusal)) => Ok((Visitor::Unnamed, Some(refusal.into()))),
        Err(error) => Err(error.into()),
    }
}

/// Parses the token of a link. A text that is not one is answered like an unknown link.
#[cfg(feature = "ssr")]
fn link_token(text: &str) -> Result<LinkToken, Problem> {
    LinkToken::parse(text).ok_or(Refusal::Hidden.into())
}

/// Returns an address partly masked (M4), so that its owner recognizes it.
#[cfg(feature = "ssr")]
fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().split_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}•••@{domain}")
}

/// Accepts an invitation as the signed-in, invited person (M4).
#[server(endpoint = "accept_invitation")]
pub(crate) async fn accept_invitation(token: String, #[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let secret = link_token(&token)?;
    match directory.accept_invitation(&actor, &secret).await {
        Ok(joined) => {
            let to = paths::project(&joined.default_project);
            let done = Done::Joined {
                organization: joined.organization.to_string(),
            };
            answer(FormName::Accept, &[], Ok(done), |_| to)
        }
        Err(error) => answer(FormName::Accept, &[], Err(error.into()), |_| {
            paths::invitation(&secret.reveal())
        }),
    }
}

/// Accepts an invitation without an account: makes one, and signs in (O2). With a copied link, `email` is the address
/// that the visitor entered.
#[server(endpoint = "accept_invitation_as_new")]
pub(crate) async fn accept_invitation_as_new(
    token: String,
    name: String,
    password: String,
    #[server(default)] email: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let context = session_context()?;
    let secret = link_token(&token)?;
    let joined = async {
        let person = super::name(&name)?;
        let password = password.parse().map_err(|_| Refusal::PasswordInvalid)?;
        match context
            .directory
            .confirm_invited(&context.anonymous(), &secret, &email)
            .await
        {
            // An unusable link is refused, and audited, where it is used.
            Ok(()) | Err(directory::Error::Refused(Refusal::Hidden)) => {}
            Err(error) => return Err(Problem::from(error)),
        }
        let made = context
            .directory
            .accept_invitation_as_new(&context.anonymous(), &secret, person, password)
            .await?;
        Ok(made)
    }
    .await;
    match joined {
        Ok((session, joined)) => {
            begin_session(context.cookies, &session);
            let to = paths::project(&joined.default_project);
            let done = Done::Joined {
                organization: joined.organization.to_string(),
            };
            answer(FormName::Accept, &[], Ok(done), |_| to)
        }
        Err(problem) => answer(FormName::Accept, &[("name", &name)], Err(problem), |_| {
            paths::invitation_named(&secret.reveal(), &email)
        }),
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::masked;

    #[test]
    fn m4_an_address_is_partly_masked_for_others() {
        assert_eq!(masked(&"noah.new@acme.test".parse().unwrap()), "n•••@acme.test");
    }
}
