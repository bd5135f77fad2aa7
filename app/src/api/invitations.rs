//! Invitations to an organization: sending them, what became of them, and accepting one.

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

/// No more addresses are invited at once than this.
pub(crate) const MOST_ADDRESSES: usize = 20;

/// What has become of an invitation (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It can be accepted.
    Pending,
    /// It lapsed.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
}

/// What has become of an invitation's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailState {
    /// None was wanted.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server did not take it so far.
    Retrying,
    /// The mail server took it.
    Sent,
    /// The mail server would not take it.
    Failed,
}

/// An invitation in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationRow {
    /// Its id.
    pub(crate) id: InvitationId,
    /// The address it is for.
    pub(crate) email: String,
    /// Who sent it.
    pub(crate) invited_by: Option<String>,
    /// When its link was made.
    pub(crate) sent_at: Timestamp,
    /// When that lapses.
    pub(crate) expires_at: Timestamp,
    /// What has become of it.
    pub(crate) state: State,
    /// What has become of its mail.
    pub(crate) mail: MailState,
}

impl InvitationRow {
    /// Whether it can be sent again, or revoked.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Pending | State::Expired)
    }
}

/// The list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InvitationsPage {
    /// The organization.
    pub(crate) organization: OrganizationHead,
    /// The invitations.
    pub(crate) rows: Vec<InvitationRow>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    /// Whether mail is sent.
    pub(crate) sends_mail: bool,
}

/// An invitation, as whoever opens its link sees it (M4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenedInvitation {
    /// The organization's name.
    pub(crate) organization: String,
    /// Who invites.
    pub(crate) invited_by: Option<String>,
    /// The address it is for; partly masked for whoever has not shown that they know it, and once it is over.
    pub(crate) email: String,
    /// What has become of it.
    pub(crate) state: State,
    /// Who opens it.
    pub(crate) visitor: Visitor,
    /// What is wrong with the address they named.
    pub(crate) problem: Option<Problem>,
}

/// Who opens an invitation's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Visitor {
    /// Nobody signed in, with a copied link: the address is asked for before anything is said of it.
    Unnamed,
    /// Nobody signed in, with a copied link, who knows the address: whether it has an account is still not told.
    Named,
    /// Nobody signed in, with a mailed link; the address has no account.
    New,
    /// Nobody signed in, with a mailed link; the address has an account.
    SignedOut,
    /// The person it is for.
    Invited,
    /// Somebody else, with this address.
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

/// A page of the list.
#[server(endpoint = "invitations", input = GetUrl)]
pub(crate) async fn invitations(
    organization: String,
    #[server(default)] query: ListQuery,
) -> Result<InvitationsPage, Problem> {
    let (context, _) = signed_in()?;
    let principal = context.principal();
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

/// Invites one person or several, each address on its own (M2). `email` holds them as mail programs list them.
#[server(endpoint = "invite_members")]
pub(crate) async fn invite_members(
    organization: String,
    email: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (context, _) = signed_in()?;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = async {
        // Permission first: what is wrong with the input is for those who may invite.
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
                // What is done is done, and is told, with its links.
                Err(error) => failed.push((address.clone(), error.into())),
            }
        }
        let none_is_an_address = failed.iter().all(|(_, problem)| {
            [Refusal::EmailInvalid, Refusal::EmailNotAscii]
                .map(Problem::from)
                .contains(problem)
        });
        match failed.first() {
            // One address and its error belong beside the field, and so does text that has no address in it.
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

/// Sends an invitation again: a new link, 7 more days (M3).
#[server(endpoint = "resend_invitation")]
pub(crate) async fn resend_invitation(
    organization: String,
    invitation: InvitationId,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (context, _) = signed_in()?;
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

/// What an invitation's link leads to; accepts nothing (M4). Asked for by POST: a link's secret doesn't belong into a
/// query. `email` is the address that whoever has a copied link says it is for.
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

/// Who has a copied link, by the address they name; and what is wrong with that.
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

/// A link's secret. What cannot be one leads nowhere.
#[cfg(feature = "ssr")]
fn link_token(text: &str) -> Result<LinkToken, Problem> {
    LinkToken::parse(text).ok_or(Refusal::Hidden.into())
}

/// An address as somebody else is told it (M4): enough to know one's own by.
#[cfg(feature = "ssr")]
fn masked(email: &Email) -> String {
    let (local, domain) = email.as_str().split_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}•••@{domain}")
}

/// Accepts an invitation as the signed-in person it is for (M4).
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

/// Accepts an invitation as somebody without an account: makes one, and signs in (O2). With a copied link `email` is
/// the address that was named.
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
            // A dead link is refused, and audited, where it is used.
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
