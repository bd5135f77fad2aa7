//! Settings > Organization > Invitations: who was invited and with what result, and sending an invitation again or
//! revoking it (M2, M3).

use leptos::prelude::*;
use policy::InvitationId;

use super::{invite, path_of, use_organization_slug};
use crate::{
    api::invitations::{
        self as api, Dialog, InvitationRow, InvitationsPage, InviteMembers, MailState, ResendInvitation,
        RevokeInvitation, State,
    },
    components::{
        Badge, ButtonLink, Dialog as DialogBox, Empty, Filter, FormSender, Icon, ListAddress, Listing, PageHeader,
        PageTitle, PostForm, SearchForm, Sign, TimestampText, Tone, forget_when_closed,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    outcome::{Done, FormName},
};

#[derive(Clone, Copy)]
struct Actions {
    invite: FormSender,
    resend: FormSender,
    revoke: FormSender,
}

#[component]
pub(crate) fn InvitationsScreen() -> impl IntoView {
    let slug = use_organization_slug();
    let live = expect_context::<Live>();
    ListAddress::provide::<Dialog>(path_of(slug, "invitations"));
    provide_context(Actions {
        invite: FormSender::to::<InviteMembers>(),
        resend: FormSender::to::<ResendInvitation>(),
        revoke: FormSender::to::<RevokeInvitation>(),
    });
    load::<api::Invitations, _>(move || live.ticks.get(), |page| view! { <Invitations page/> })
}

#[component]
fn Invitations(page: Loaded<InvitationsPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let title = Signal::derive(move || page.with(|page| format!("Invitations · {}", page.organization.name)));
    let lead = Signal::derive(move || {
        page.with(|page| {
            format!(
                "People invited to {} who haven’t joined yet. Resending replaces the link, revoking ends it.",
                page.organization.name
            )
        })
    });
    finish(page);
    view! {
        <PageTitle text=title/>
        <PageHeader title="Invitations" lead>
            <ButtonLink class="button button-primary" href=address.to(Dialog::Invite)>
                <Icon sign=Sign::Plus/>
                "Invite Member"
            </ButtonLink>
        </PageHeader>
        <SearchForm what="invitations" placeholder="Search by email">
            <Filter
                name="state"
                label="State"
                read=|query| &query.state
                options=&[
                    ("", "Open"),
                    ("pending", "Pending"),
                    ("expired", "Expired"),
                    ("accepted", "Accepted"),
                    ("revoked", "Revoked"),
                ]
            />
        </SearchForm>
        <Table page/>
        <Dialogs page/>
    }
}

/// Handles the outcomes of this screen's forms in the browser: shows the message or the link, and reloads the list.
fn finish(page: Loaded<InvitationsPage>) {
    let Actions { invite, resend, revoke } = expect_context();
    let notices = expect_context::<Notices>();
    let switch = expect_context::<ListAddress>().switch();
    Effect::new(move |_| {
        let Some(outcome) = resend.outcome().get() else { return };
        if outcome.is_ok() {
            notices.dismiss();
            switch(Some(Dialog::Sent));
        } else {
            notices.show(Notice::of(&outcome));
        }
        page.reload();
    });
    Effect::new(move |_| {
        let Some(outcome) = revoke.outcome().get() else { return };
        notices.show(Notice::of(&outcome));
        if outcome.is_ok() {
            page.then_focus_heading();
        }
        page.reload();
    });
    invite::finish(invite, move || page.reload());
    forget_when_closed([resend]);
}

#[component]
fn Table(page: Loaded<InvitationsPage>) -> impl IntoView {
    view! {
        <Listing
            of=page
            ids=|page| page.rows.iter().map(|row| row.id).collect()
            next=|page| page.next.clone()
            empty=Empty {
                sign: Sign::Mail,
                none_fits: ("No invitation found", "No invitation matches this search and this state."),
                none: ("No open invitations", "Invite people by their address: they join as Members once they accept."),
                show_all: "Show open invitations",
            }
            head=|| view! {
                <th scope="col">"Email"</th>
                <th scope="col" class="role-cell">"State"</th>
                <th scope="col" class="added-cell">"Sent"</th>
                <th scope="col" class="buttons-cell"><span class="visually-hidden">"Actions"</span></th>
            }
            row=move |id| view! { <Row page id/> }
        />
    }
}

#[component]
fn Row(page: Loaded<InvitationsPage>, id: InvitationId) -> impl IntoView {
    let row = Memo::new(move |_| page.with(|page| page.rows.iter().find(|row| row.id == id).cloned()));
    let email = move || row.with(|row| row.as_ref().map(|row| row.email.clone()));
    let state = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.state)));
    let tone = Signal::derive(move || match state.get() {
        Some(State::Pending) => Tone::Strong,
        Some(State::Expired) => Tone::Warning,
        Some(State::Accepted | State::Revoked) | None => Tone::Plain,
    });
    let label = move || match state.get()? {
        State::Pending => Some("Pending"),
        State::Expired => Some("Expired"),
        State::Accepted => Some("Accepted"),
        State::Revoked => Some("Revoked"),
    };
    view! {
        <tr>
            <td class="name-cell">
                <div class="person-words">
                    <bdi class="person-name">{email}</bdi>
                    <span class="person-access"><Sent row/></span>
                </div>
            </td>
            <td class="role-cell"><Badge tone>{label}</Badge></td>
            <td class="added-cell"><Sent row/></td>
            <td class="buttons-cell"><Buttons page row/></td>
        </tr>
    }
}

/// When an invitation was sent, by whom, whether its mail was delivered, and until when it works.
#[component]
fn Sent(row: Memo<Option<InvitationRow>>) -> impl IntoView {
    move || {
        let row = row.get()?;
        let is_open = row.is_open();
        let mail = match row.mail {
            MailState::None => "Link to pass on",
            MailState::Waiting => "Mail is being sent",
            MailState::Retrying => "Mail not taken yet, trying again",
            MailState::Sent => "Mail sent",
            MailState::Failed => "Mail could not be sent: pass on the link",
        };
        let is_trouble = matches!(row.mail, MailState::Retrying | MailState::Failed);
        Some(view! {
            <span class="access">
                <span>
                    <TimestampText at=row.sent_at/>
                    {row.invited_by.map(|by| view! { <span class="access-when">" by "<bdi>{by}</bdi></span> })}
                </span>
                {is_open.then(|| view! {
                    <span class="access-end" class:is-trouble=is_trouble>{mail}</span>
                    <span class="access-end">
                        {if row.state == State::Pending { "Works until " } else { "Expired " }}
                        <TimestampText at=row.expires_at/>
                    </span>
                })}
            </span>
        })
    }
}

#[component]
fn Buttons(page: Loaded<InvitationsPage>, row: Memo<Option<InvitationRow>>) -> impl IntoView {
    let Actions { resend, revoke, .. } = expect_context();
    let open = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_ref().filter(|row| row.is_open())?;
            Some((row.id, row.email.clone()))
        })
    });
    move || {
        let (id, email) = open.get()?;
        let organization = page.peek(|page| page.organization.slug.to_string());
        let fields = move || {
            view! {
                <input type="hidden" name="organization" value=organization.clone()/>
                <input type="hidden" name="invitation" value=id.to_string()/>
            }
        };
        let (resend_fields, resend_label) = (fields.clone(), format!("Resend invitation for {email}"));
        let revoke_label = format!("Revoke invitation for {email}");
        Some(view! {
            <div class="row-buttons">
                <PostForm action=resend>
                    {resend_fields()}
                    <button type="submit" class="button button-small" aria-label=resend_label>"Resend"</button>
                </PostForm>
                <PostForm action=revoke>
                    {fields()}
                    <button type="submit" class="button button-small button-quiet-danger" aria-label=revoke_label>
                        "Revoke"
                    </button>
                </PostForm>
            </div>
        })
    }
}

/// The dialog that the URL names.
#[component]
fn Dialogs(page: Loaded<InvitationsPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let flashed = expect_context::<Flashed>();
    let actions = expect_context::<Actions>();
    let sent = Memo::new(move |_| {
        let done = match actions.resend.outcome().get() {
            Some(outcome) => outcome.ok(),
            None => flashed.done(FormName::Invitation),
        };
        match done {
            Some(Done::InvitationResent { sent }) => Some(sent),
            _ => None,
        }
    });
    let open = Memo::new(move |_| address.dialog());
    move || {
        let page = page.peek(|page| Some(page.clone()))?;
        match open.get()? {
            Dialog::Invite => Some(
                view! {
                    <invite::InviteDialog
                        action=actions.invite
                        organization=page.organization.slug
                        organization_name=page.organization.name
                        sends_mail=page.sends_mail
                    />
                }
                .into_any(),
            ),
            Dialog::Sent => {
                let sent = sent.get_untracked()?;
                let close = address.closed();
                Some(view! {
                    <DialogBox title="The invitation was sent again" close=close.get_untracked()>
                        <div class="form">
                            <invite::Links sent=vec![sent] sends_mail=page.sends_mail/>
                            <p class="hint">"The old link no longer works."</p>
                            <div class="dialog-actions">
                                <ButtonLink href=close class="button button-primary" autofocus=true>"Done"</ButtonLink>
                            </div>
                        </div>
                    </DialogBox>
                }.into_any())
            }
        }
    }
}
