//! Settings > Organization > Invitations: who was invited and with what result, and sending an invitation again or
//! revoking it (M2, M3).

use leptos::prelude::*;

use super::{invite, path_of, use_organization_slug};
use crate::{
    api::invitations::{
        self as api, Dialog, InvitationRow, InvitationsPage, InviteMembers, MailState, ResendInvitation,
        RevokeInvitation, State,
    },
    components::{
        ButtonLink, Dialog as DialogBox, Empty, Filter, FormSender, Icon, ListAddress, Listing, PageHeader, PageTitle,
        PostForm, Rows, SearchForm, Shown, Sign, Tone, Zone, forget_when_closed, write_badge, write_time,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    markup::Markup,
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
    let Actions { resend, revoke, .. } = expect_context();
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| page.with(|page| write_rows(page, rows))))
            next=Signal::derive(move || page.with(|page| page.next.clone()))
            busy=page.busy
            empty=Empty {
                sign: Sign::Mail,
                none_fits: ("No invitation found", "No invitation matches this search and this state."),
                none: ("No open invitations", "Invite people by their address: they join as Members once they accept."),
                show_all: "Show open invitations",
            }
            head=|| view! {
                <th scope="col" role="columnheader">"Email"</th>
                <th scope="col" role="columnheader" class="role-cell">"State"</th>
                <th scope="col" role="columnheader" class="added-cell">"Sent"</th>
                <th scope="col" role="columnheader" class="buttons-cell">
                    <span class="visually-hidden">"Actions"</span>
                </th>
            }
        />
        <div hidden=true>
            <RowForm id=RESEND action=resend page/>
            <RowForm id=REVOKE action=revoke page/>
        </div>
    }
}

/// The ids of the forms that the rows' buttons send.
const RESEND: &str = "resend";
const REVOKE: &str = "revoke";

/// A form for the buttons of all rows: each of them names its invitation.
#[component]
fn RowForm(id: &'static str, action: FormSender, page: Loaded<InvitationsPage>) -> impl IntoView {
    let organization = move || page.with(|page| page.organization.slug.to_string());
    view! { <PostForm id action><input type="hidden" name="organization" value=organization/></PostForm> }
}

fn write_rows(page: &InvitationsPage, rows: &mut Rows) {
    let zone = rows.zone;
    for row in &page.rows {
        write_row(row, zone, rows.row(row.id.0.as_u128()));
    }
}

fn write_row(row: &InvitationRow, zone: Zone, out: &mut Markup) {
    let (tone, state) = match row.state {
        State::Pending => (Tone::Strong, "Pending"),
        State::Expired => (Tone::Warning, "Expired"),
        State::Accepted => (Tone::Plain, "Accepted"),
        State::Revoked => (Tone::Plain, "Revoked"),
    };
    out.raw("<tr role=\"row\"><td role=\"cell\" class=\"name-cell\"><bdi class=\"person-name\">");
    out.text(&row.email)
        .raw("</bdi></td><td role=\"cell\" class=\"role-cell\">");
    write_badge(out, tone, state);
    out.raw("</td><td role=\"cell\" class=\"added-cell\">");
    write_sent(row, zone, out);
    out.raw("</td><td role=\"cell\" class=\"buttons-cell\">");
    if row.is_open() {
        out.raw("<div class=\"row-buttons\">");
        write_button(row, RESEND, "Resend", "button button-small", out);
        write_button(row, REVOKE, "Revoke", "button button-small button-quiet-danger", out);
        out.raw("</div>");
    }
    out.raw("</td></tr>");
}

/// Writes when an invitation was sent, by whom, whether its mail was delivered, and until when it works.
fn write_sent(row: &InvitationRow, zone: Zone, out: &mut Markup) {
    write_time(out, row.sent_at, Shown::Day, zone);
    if let Some(by) = &row.invited_by {
        out.raw(" by <bdi>").text(by).raw("</bdi>");
    }
    if row.is_open() {
        let (class, mail) = match row.mail {
            MailState::None => ("access-end", "Link to pass on"),
            MailState::Waiting => ("access-end", "Mail is being sent"),
            MailState::Retrying => ("access-end is-trouble", "Mail not taken yet, trying again"),
            MailState::Sent => ("access-end", "Mail sent"),
            MailState::Failed => ("access-end is-trouble", "Mail could not be sent: pass on the link"),
        };
        out.raw(" ").open("span").attribute("class", class);
        out.text(mail).raw("</span> <span class=\"access-end\">");
        out.raw(if row.state == State::Pending {
            "Works until "
        } else {
            "Expired "
        });
        write_time(out, row.expires_at, Shown::Day, zone);
        out.raw("</span>");
    }
}

fn write_button(row: &InvitationRow, form: &str, label: &str, class: &str, out: &mut Markup) {
    out.open("button")
        .attribute("form", form)
        .attribute("name", "invitation")
        .attribute("value", &row.id.to_string())
        .attribute("class", class)
        .attribute("aria-label", &format!("{label} invitation for {}", row.email));
    out.text(label).raw("</button>");
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
