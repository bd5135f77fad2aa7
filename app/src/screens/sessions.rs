//! The person's own sessions: where they are signed in, and ending each.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::{
        accounts::SignOut,
        sessions::{self as api, EndOtherSessions, EndSession, SessionRow},
    },
    components::{Badge, FormSender, PageHeader, PageTitle, PostForm, TimestampText, Tone},
    flash::{Notice, Notices},
    load::{Loaded, load, once},
};

#[component]
pub(crate) fn SessionsScreen() -> impl IntoView {
    load::<api::Sessions, _>(once, |rows| view! { <Sessions rows/> })
}

#[component]
fn Sessions(rows: Loaded<Vec<SessionRow>>) -> impl IntoView {
    let notices = expect_context::<Notices>();
    let (end, end_others) = (FormSender::to::<EndSession>(), FormSender::to::<EndOtherSessions>());
    for value in [end.outcome(), end_others.outcome()] {
        Effect::new(move |_| {
            if let Some(outcome) = value.get() {
                notices.show(Notice::of(&outcome));
                rows.then_focus_heading();
                rows.reload();
            }
        });
    }
    let has_others = Memo::new(move |_| rows.with(|rows| rows.len() > 1));
    view! {
        <PageTitle text="Sessions"/>
        <PageHeader
            title="Sessions"
            lead="Where you’re signed in. Sign out what you don’t recognize, and change your password."
        >
            {move || has_others.get().then(|| view! {
                <PostForm action=end_others>
                    <button type="submit" class="button button-danger" aria-busy=move || end_others.busy()>
                        "Sign out all others"
                    </button>
                </PostForm>
            })}
        </PageHeader>
        <div class="table-frame">
            <table class="table listing" aria-labelledby="heading">
                <thead>
                    <tr>
                        <th scope="col">"Device"</th>
                        <th scope="col" class="role-cell">"Address"</th>
                        <th scope="col" class="added-cell">"Last seen"</th>
                        <th scope="col" class="buttons-cell"><span class="visually-hidden">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || rows.with(Clone::clone) key=|row| row.id let:row>
                        <Row row end/>
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: SessionRow, end: FormSender) -> impl IntoView {
    let label = format!("Sign out {}, {}", row.device, row.address);
    view! {
        <tr>
            <td class="name-cell">
                <div class="person-words">
                    <span class="person-name">{row.device}</span>
                    <span class="person-email">"Signed in "<TimestampText at=row.since/></span>
                    <span class="person-access">"Last seen "<TimestampText at=row.last_seen with_time=true/></span>
                </div>
            </td>
            <td class="role-cell"><code>{row.address}</code></td>
            <td class="added-cell"><TimestampText at=row.last_seen with_time=true/></td>
            <td class="buttons-cell">
                {if row.is_this {
                    view! {
                        <div class="row-buttons">
                            <Badge tone=Signal::stored(Tone::Strong)>"This device"</Badge>
                            // Ending the current session loads a whole new page, so that nothing of this one is left.
                            <form method="post" action=SignOut::url()>
                                <button type="submit" class="button button-small">"Sign out"</button>
                            </form>
                        </div>
                    }.into_any()
                } else {
                    view! {
                        <PostForm action=end class="row-buttons">
                            <input type="hidden" name="session" value=row.id.to_string()/>
                            <button type="submit" class="button button-small" aria-label=label>"Sign out"</button>
                        </PostForm>
                    }.into_any()
                }}
            </td>
        </tr>
    }
}
