//! The dialog that invites people, and the links of sent invitations (M2, M3).

use leptos::{html, prelude::*};
use policy::{Field as About, Slug};

use crate::{
    api::invitations::MOST_ADDRESSES,
    components::{
        ButtonLink, CopyField, Dialog as DialogBox, DialogActions, Field, FormSender, Icon, ListAddress, PostForm,
        Sign, forget_when_closed, form_error, form_problem,
    },
    flash::{Flashed, Notices},
    messages,
    outcome::{Done, FormName, Outcome, SentInvitation},
};

/// Handles the outcome of an invitation in the browser: reloads the list, and forgets the outcome once the dialog is
/// closed.
pub(super) fn finish(action: FormSender, reload: impl Fn() + 'static) {
    let notices = expect_context::<Notices>();
    let value = action.outcome();
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(_))) {
            notices.dismiss();
            reload();
        }
    });
    forget_when_closed([action]);
}

/// The dialog: a form, and the links once it was sent.
#[component]
pub(super) fn InviteDialog(
    action: FormSender,
    organization: Slug,
    organization_name: String,
    sends_mail: bool,
) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let flashed = expect_context::<Flashed>();
    let value = action.outcome();
    let close = address.closed();
    let done = Memo::new(move |_| match value.get() {
        Some(Ok(done)) => Some(done),
        Some(Err(_)) => None,
        None => flashed.done(FormName::Invite),
    });
    view! {
        <DialogBox title="Invite Member" close=close.get_untracked()>
            {move || match done.get() {
                Some(Done::Invited { sent, failed }) => view! { <Result sent failed sends_mail close/> }.into_any(),
                _ => view! {
                    <InviteForm
                        action
                        value
                        organization=organization.clone()
                        organization_name=organization_name.clone()
                        sends_mail
                        close
                    />
                }.into_any(),
            }}
        </DialogBox>
    }
}

#[component]
fn InviteForm(
    action: FormSender,
    value: Signal<Option<Outcome>>,
    organization: Slug,
    organization_name: String,
    sends_mail: bool,
    close: Signal<String>,
) -> impl IntoView {
    let flashed = expect_context::<Flashed>();
    let lead = format!(
        "Whoever accepts becomes a Member of {organization_name} and of its Default Project. An invitation works for \
         7 days."
    );
    view! {
        <PostForm action class="form">
            <p>{lead}</p>
            {(!sends_mail).then(|| view! {
                <p class="card-line">
                    <Icon sign=Sign::Info/>
                    <span>"This console sends no mail: you get a link to pass on yourself."</span>
                </p>
            })}
            {form_problem(value, FormName::Invite, &[About::Email])}
            <input type="hidden" name="organization" value=organization.to_string()/>
            <Field
                label="Email"
                name="email"
                lines=3
                hint=format!("One address, or up to {MOST_ADDRESSES}: one to a line, or with commas between.")
                value=flashed.typed(FormName::Invite, "email").unwrap_or_default()
                error=form_error(value, FormName::Invite, About::Email)
                autofocus=true
            />
            <DialogActions close action label="Send Invitation"/>
        </PostForm>
    }
}

#[component]
fn Result(
    sent: Vec<SentInvitation>,
    failed: Vec<(String, crate::Problem)>,
    sends_mail: bool,
    close: Signal<String>,
) -> impl IntoView {
    // The form that had the focus is gone, so the result gets it.
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            drop(node.focus());
        }
    });
    view! {
        <div class="form" tabindex="-1" node_ref=node>
            {(!sent.is_empty()).then(|| view! { <Links sent sends_mail/> })}
            {(!failed.is_empty()).then(|| view! {
                <div role="alert">
                    <p class="form-problem"><Icon sign=Sign::Alert/><span>"These addresses were not invited:"</span></p>
                    <ul class="verdicts">
                        {failed.into_iter().map(|(email, problem)| view! {
                            <li>
                                <bdi class="verdict-subject">{email}</bdi>
                                " "
                                <span>{messages::problem(problem)}</span>
                            </li>
                        }).collect_view()}
                    </ul>
                </div>
            })}
            <div class="dialog-actions">
                <ButtonLink href=close class="button button-primary" autofocus=true>"Done"</ButtonLink>
            </div>
        </div>
    }
}

/// The links of invitations that were just sent, shown this once.
#[component]
pub(super) fn Links(sent: Vec<SentInvitation>, sends_mail: bool) -> impl IntoView {
    let is_one = sent.len() == 1;
    let lead = match (is_one, sends_mail) {
        (true, true) => "The invitation is on its way. You can pass on the link yourself as well:",
        (true, false) => "Pass this link on to the person you invited:",
        (false, true) => "The invitations are on their way. You can pass on the links yourself as well:",
        (false, false) => "Pass each link on to the person it is for:",
    };
    view! {
        <p role="status">{lead}</p>
        {sent.into_iter().enumerate().map(|(number, SentInvitation { email, link })| {
            let label = if is_one { "Invitation link".to_owned() } else { format!("Invitation link for {email}") };
            let id = format!("invitation-link-{number}");
            view! { <CopyField label id value=link/> }
        }).collect_view()}
        <p class="hint">"The link works once, for that address, for 7 days. It isn’t shown again."</p>
    }
}
