//! Settings > Organization > Members: who belongs to the organization, with which role, and the dialogs that change
//! that (RULES M).

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::{MemberChange, OrganizationRole, Permission, Refusal, UserId};

use super::{invite, path_of, use_organization_slug};
use crate::{
    Problem,
    api::{
        invitations::InviteMembers,
        members::{self as api, ChangeMemberRole, Dialog, Ending, MemberRow, MembersPage, RemoveMember},
    },
    components::{
        ButtonLink, Dialog as DialogBox, DialogActions, Empty, Filter, FormSender, Icon, ListAddress, Listing,
        MenuExplanation, MenuForm, MenuLink, PageHeader, PageTitle, PostForm, RowActionsDialog, RowMenu, RowMenuItems,
        Rows, SearchForm, Shown, Sign, SortHeader, Tone, Zone, write_badge, write_menu_button, write_person,
        write_time,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load},
    markup::Markup,
    messages,
    outcome::{Done, FormName, Outcome, Receipt},
    paths,
    screens::owned_assets::{ManageKeys, OwnedAssetsAnywhere, ReceiptCard},
};

#[derive(Clone, Copy)]
struct Actions {
    invite: FormSender,
    change_role: FormSender,
    remove: FormSender,
}

#[component]
pub(crate) fn MembersScreen() -> impl IntoView {
    let slug = use_organization_slug();
    let live = expect_context::<Live>();
    ListAddress::provide::<Dialog>(path_of(slug, "members"));
    provide_context(Actions {
        invite: FormSender::to::<InviteMembers>(),
        change_role: FormSender::to::<ChangeMemberRole>(),
        remove: FormSender::to::<RemoveMember>(),
    });
    load::<api::Members, _>(move || live.ticks.get(), |page| view! { <Members page/> })
}

#[component]
fn Members(page: Loaded<MembersPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let organization = move || page.with(|page| page.organization.name.clone());
    let title = Signal::derive(move || format!("Members · {}", organization()));
    let lead = Signal::derive(move || format!("People in {}. All of them are in its Default Project.", organization()));
    let may_invite = Memo::new(move |_| page.with(|page| page.organization.standing.may(Permission::MemberInvite)));
    let (remove, flashed) = (expect_context::<Actions>().remove, expect_context::<Flashed>());
    let removed = move || match remove.outcome().get() {
        Some(outcome) => outcome.ok().and_then(receipt),
        None => flashed.done(FormName::Remove).and_then(receipt),
    };
    // Without mail, only the operator can verify an address (J4).
    let asks_operator =
        Memo::new(move |_| page.with(|page| !page.sends_mail && page.rows.iter().any(|row| !row.is_proved)));
    finish(page);
    view! {
        <PageTitle text=title/>
        <PageHeader title="Members" lead>
            <a class="button" href=move || address.export() rel="external" download=true>"Export CSV"</a>
            {move || may_invite.get().then(|| view! {
                <ButtonLink class="button button-primary" href=address.to(Dialog::Invite)>
                    <Icon sign=Sign::Plus/>
                    "Invite Member"
                </ButtonLink>
            })}
        </PageHeader>
        {move || removed().map(|(name, receipt)| view! { <ReceiptCard name receipt/> })}
        <SearchForm what="members" placeholder="Search by name or email">
            <Filter
                name="role"
                label="Role"
                read=|query| &query.role
                options=&[("", "Any role"), ("admin", "Admin"), ("member", "Member")]
            />
        </SearchForm>
        {move || asks_operator.get().then(|| view! {
            <p class="card-line">
                <Icon sign=Sign::Info/>
                <span>
                    "This console sends no mail, so whoever runs it verifies addresses: "
                    <code>"roster admin user verify EMAIL"</code>
                </span>
            </p>
        })}
        <Table page/>
        <Dialogs page/>
    }
}

/// Returns what a removal ended and left, if one was done.
fn receipt(done: Done) -> Option<(String, Receipt)> {
    if let Done::MemberRemoved { name, receipt } = done {
        Some((name, receipt))
    } else {
        None
    }
}

/// Handles the outcomes of this screen's forms in the browser: shows the message, closes the dialog, reloads the list.
fn finish(page: Loaded<MembersPage>) {
    let Actions {
        invite,
        change_role,
        remove,
    } = expect_context();
    let (notices, live) = (expect_context::<Notices>(), expect_context::<Live>());
    let switch = expect_context::<ListAddress>().switch();
    let navigate = use_navigate();
    let settle = move |outcome: Option<Outcome>| match outcome {
        Some(Ok(Done::LeftOrganization)) => {
            notices.show_on_next(Notice::done(&Done::LeftOrganization));
            navigate(paths::HOME, NavigateOptions::default());
        }
        Some(outcome) => {
            if matches!(outcome, Ok(Done::MemberRemoved { .. })) {
                page.then_focus_heading();
            }
            notices.show(Notice::of(&outcome));
            switch(outcome.err().and_then(Problem::undecided_keys_of).map(Dialog::Lower));
            page.reload();
        }
        None => {}
    };
    let each = settle.clone();
    Effect::new(move |_| each(change_role.outcome().get()));
    Effect::new(move |_| settle(remove.outcome().get()));
    // Removing may be leaving, and its event can arrive before its answer.
    live.hold_while(remove, |done| *done == Done::LeftOrganization);
    invite::finish(invite, move || page.reload());
}

#[component]
fn Table(page: Loaded<MembersPage>) -> impl IntoView {
    let menu = RowMenu::new();
    let user = Signal::derive(move || menu.user());
    let name = Signal::derive(move || {
        let user = user.get();
        let name = page.with(|page| user.and_then(|user| page.find(user)).map(|row| row.name.clone()));
        name.unwrap_or_default()
    });
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| page.with(|page| write_rows(page, rows))))
            next=Signal::derive(move || page.with(|page| page.next.clone()))
            busy=page.busy
            empty=Empty {
                sign: Sign::People,
                none_fits: ("Nobody found", "No member matches this search and this filter."),
                none: ("Nobody yet", "Invite the first member."),
                show_all: "Show everyone",
            }
            head=|| view! {
                <SortHeader sort="name" label="Person"/>
                <SortHeader sort="role" label="Role"/>
                <SortHeader sort="added" label="Member since"/>
                <th scope="col" role="columnheader" class="actions-cell">
                    <span class="visually-hidden">"Actions"</span>
                </th>
            }
            menu
        />
        <RowMenuItems menu name><MemberActions page user/></RowMenuItems>
    }
}

fn write_rows(page: &MembersPage, rows: &mut Rows) {
    let zone = rows.zone;
    for row in &page.rows {
        write_row(page, row, zone, rows.row(row.user.0.as_u128()));
    }
}

fn write_row(page: &MembersPage, row: &MemberRow, zone: Zone, out: &mut Markup) {
    out.raw("<tr role=\"row\">");
    write_person(
        out,
        row.user,
        row.user == page.viewer,
        &row.name,
        &row.email,
        row.is_proved,
    );
    out.raw("<td role=\"cell\" class=\"role-cell\">");
    let tone = if row.standing.is_admin() {
        Tone::Strong
    } else {
        Tone::Plain
    };
    write_badge(out, tone, &row.standing.role().to_string());
    if row.standing.is_owner() {
        write_badge(out.raw(" "), Tone::Plain, "Owner");
    }
    out.raw("</td><td role=\"cell\" class=\"added-cell\">");
    write_time(out, row.added_at, Shown::Day, zone);
    if let Some(by) = &row.added_by {
        out.raw(" · invited by <bdi>").text(by).raw("</bdi>");
    }
    out.raw("</td><td role=\"cell\" class=\"actions-cell\">");
    if may_offer(page, row) {
        write_menu_button(out, row.user, &row.name);
    }
    out.raw("</td></tr>");
}

/// Returns whether anything could ever be offered for this member.
fn may_offer(page: &MembersPage, row: &MemberRow) -> bool {
    let is_forbidden = |change| matches!(page.check(row, change), Err(Refusal::Forbidden(_)));
    !(is_forbidden(MemberChange::Role) && is_forbidden(MemberChange::Remove))
}

/// What can be done about a member.
#[derive(Clone, PartialEq)]
struct Offered {
    role: Option<OrganizationRole>,
    remove: bool,
    why_not: Option<String>,
}

impl Offered {
    /// Asks the policy, as the server does. Returns `None` if nothing could ever be offered for this member.
    fn to(page: &MembersPage, user: UserId) -> Option<Self> {
        let row = page.find(user).filter(|row| may_offer(page, row))?;
        let (role, remove) = (
            page.check(row, MemberChange::Role),
            page.check(row, MemberChange::Remove),
        );
        let is_about_the_person = |refusal: &Refusal| *refusal == Refusal::OwnerProtected;
        Some(Self {
            role: role.is_ok().then(|| row.standing.role().other()),
            remove: remove.is_ok(),
            why_not: role
                .err()
                .into_iter()
                .chain(remove.err())
                .find(is_about_the_person)
                .map(|refusal| messages::problem(refusal.into())),
        })
    }
}

/// What can be done about a member, as the items of a menu. They are created again only if they change, so that the
/// focus in an open menu stays when the list is reloaded.
#[component]
fn MemberActions(page: Loaded<MembersPage>, user: Signal<Option<UserId>>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let actions = expect_context::<Actions>();
    let offered = Memo::new(move |_| {
        let user = user.get()?;
        page.with(|page| Some((user, user == page.viewer, Offered::to(page, user)?)))
    });
    let organization = move || page.with(|page| page.organization.slug.to_string());
    move || {
        let (user, is_self, Offered { role, remove, why_not }) = offered.get()?;
        Some(view! {
            {role.map(|role| view! {
                <PostForm action=actions.change_role class="menu-form">
                    <input type="hidden" name="organization" value=organization/>
                    <input type="hidden" name="user" value=user.to_string()/>
                    <input type="hidden" name="role" value=role.code()/>
                    <MenuForm>{format!("Make {role}")}</MenuForm>
                </PostForm>
            })}
            {remove.then(|| view! {
                <MenuLink href=address.to(Dialog::Remove(user)) is_dangerous=true>
                    {if is_self { "Leave Organization" } else { "Remove Member" }}
                </MenuLink>
            })}
            {why_not.map(|text| view! { <MenuExplanation text/> })}
        })
    }
}

/// The dialog that the URL names, if the person may use it.
#[component]
fn Dialogs(page: Loaded<MembersPage>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let actions = expect_context::<Actions>();
    // Created once when the dialog opens, so that what is typed in it stays when the list behind it changes.
    let open = Memo::new(move |_| {
        address.dialog().filter(|dialog| {
            page.with(|page| match *dialog {
                Dialog::Invite => page.organization.standing.may(Permission::MemberInvite),
                // Opens once the server has sent what would end.
                Dialog::Remove(user) => page.ending.as_ref().is_some_and(|ending| ending.user == user),
                Dialog::Lower(user) => {
                    let may = |row| page.check(row, MemberChange::Role).is_ok();
                    page.ending.as_ref().is_some_and(|ending| ending.user == user) && page.find(user).is_some_and(may)
                }
                Dialog::Actions(user) => page.find(user).is_some_and(|row| may_offer(page, row)),
            })
        })
    });
    move || {
        let dialog = open.get()?;
        let loaded = page;
        let page = loaded.peek(|page| Some(page.clone()))?;
        let find = |user| page.find(user).cloned();
        let ending = page.ending.clone();
        Some(match dialog {
            Dialog::Invite => view! {
                <invite::InviteDialog
                    action=actions.invite
                    organization=page.organization.slug
                    organization_name=page.organization.name
                    sends_mail=page.sends_mail
                />
            }
            .into_any(),
            Dialog::Remove(user) => view! { <RemoveDialog row=find(user)? page ending=ending?/> }.into_any(),
            Dialog::Lower(user) => view! { <LowerDialog row=find(user)? page ending=ending?/> }.into_any(),
            Dialog::Actions(user) => view! {
                <RowActionsDialog name=find(user)?.name close=untrack(|| address.closed().get())>
                    <MemberActions page=loaded user=Signal::stored(Some(user))/>
                </RowActionsDialog>
            }
            .into_any(),
        })
    }
}

/// Lowers the role of somebody who made keys with the reach Manage (M6, K11).
#[component]
fn LowerDialog(page: MembersPage, row: MemberRow, ending: Ending) -> impl IntoView {
    let action = expect_context::<Actions>().change_role;
    let close = expect_context::<ListAddress>().closed();
    let organization = page.organization;
    view! {
        <DialogBox title=format!("Make {} a Member?", row.name) close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="organization" value=organization.slug.to_string()/>
                <input type="hidden" name="user" value=row.user.to_string()/>
                <input type="hidden" name="role" value=OrganizationRole::Member.code()/>
                <p>
                    {format!(
                        "They stay in {}, and manage neither it nor all of its projects any more.",
                        organization.name,
                    )}
                </p>
                <ManageKeys keys=ending.managing has_project=true/>
                <DialogActions close action label="Make Member" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// Removes somebody (M6), or leaves (M8): says what ends and what stays.
#[component]
fn RemoveDialog(page: MembersPage, row: MemberRow, ending: Ending) -> impl IntoView {
    let action = expect_context::<Actions>().remove;
    let close = expect_context::<ListAddress>().closed();
    let organization = page.organization;
    let is_self = row.user == page.viewer;
    let (title, lead, confirm) = if is_self {
        let lead = format!("Your access to {} ends at once, and with it to:", organization.name);
        (format!("Leave {}?", organization.name), lead, "Leave Organization")
    } else {
        let lead = format!("Their access to {} ends at once, and with it to:", organization.name);
        (format!("Remove {}?", row.name), lead, "Remove Member")
    };
    let has_invitations = !ending.invitations.is_empty();
    view! {
        <DialogBox title close=close.get_untracked()>
            <PostForm action class="form">
                <input type="hidden" name="organization" value=organization.slug.to_string()/>
                <input type="hidden" name="user" value=row.user.to_string()/>
                <p>{lead}</p>
                <ul class="crosses" aria-label="Projects">
                    {ending.projects.into_iter().map(|name| view! { <li><bdi>{name}</bdi></li> }).collect_view()}
                    {(ending.more_projects > 0).then(|| view! {
                        <li>{format!("and {} more", ending.more_projects)}</li>
                    })}
                </ul>
                {has_invitations.then(|| view! {
                    <p>
                        {if is_self {
                            "Invitations you sent that are still open are revoked:"
                        } else {
                            "Invitations they sent that are still open are revoked:"
                        }}
                    </p>
                    <ul class="crosses" aria-label="Invitations">
                        {ending.invitations.into_iter().map(|email| view! {
                            <li><bdi>{email}</bdi></li>
                        }).collect_view()}
                        {(ending.more_invitations > 0).then(|| view! {
                            <li>{format!("and {} more", ending.more_invitations)}</li>
                        })}
                    </ul>
                })}
                <OwnedAssetsAnywhere made=ending.made who=if is_self { "You" } else { "They" }/>
                <p class="hint">"Whoever comes back starts afresh."</p>
                <DialogActions close action label=confirm is_final=true/>
            </PostForm>
        </DialogBox>
    }
}
