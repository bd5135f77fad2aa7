//! The person's own account: name, address, password, and deleting it.

use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use policy::Field as About;

use crate::{
    api::{
        accounts::{ChangeName, ChangePassword, DeleteAccount},
        email_changes::RequestEmailChange,
        shell::{Shell, ShellView},
        verification::ResendVerification,
    },
    components::{
        Confirmation, Field, FormSender, OwnAddress, PageHeader, PageTitle, PostForm, Username, form_error,
        form_problem,
    },
    flash::{Flashed, Notice, Notices},
    live::Live,
    load::{Loaded, load, once},
    outcome::FormName,
    paths,
    signed::Signed,
};

#[component]
pub(crate) fn ProfileScreen() -> impl IntoView {
    load::<Shell, _>(once, |shell| view! { <Profile shell/> })
}

#[component]
fn Profile(shell: Loaded<ShellView>) -> impl IntoView {
    view! {
        <PageTitle text="Profile"/>
        <PageHeader title="Profile" lead="Who you are here, and how you sign in."/>
        <You shell/>
        <Proof shell/>
        <Email shell/>
        <Password/>
        <Delete/>
    }
}

#[component]
fn You(shell: Loaded<ShellView>) -> impl IntoView {
    let (flashed, notices, live) = (
        expect_context::<Flashed>(),
        expect_context::<Notices>(),
        expect_context::<Live>(),
    );
    let action = FormSender::to::<ChangeName>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
            // The frame shows the name as well.
            live.refresh();
        }
    });
    let name = shell.peek(|shell| shell.name.clone());
    let email = move || shell.with(|shell| shell.email.clone());
    view! {
        <section class="card" aria-labelledby="you">
            <h2 id="you">"You"</h2>
            <PostForm action class="form">
                {form_problem(value, FormName::Profile, &[About::Name])}
                <Field
                    label="Name"
                    name="name"
                    autocomplete="name"
                    value=flashed.typed(FormName::Profile, "name").unwrap_or(name)
                    error=form_error(value, FormName::Profile, About::Name)
                />
                <dl class="facts">
                    <div><dt>"Email"</dt><dd>{email}</dd></div>
                    <div><dt>"API keys"</dt><dd><a href=paths::MADE_KEYS>"API keys you created"</a></dd></div>
                </dl>
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || action.busy()>"Save"</button>
                </div>
            </PostForm>
        </section>
    }
}

/// What to do while the address is not verified (J2, J4).
#[component]
fn Proof(shell: Loaded<ShellView>) -> impl IntoView {
    let notices = expect_context::<Notices>();
    let action = FormSender::to::<ResendVerification>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
        }
    });
    let is_proved = Memo::new(move |_| shell.with(|shell| shell.is_proved));
    let sends_mail = shell.peek(|shell| shell.sends_mail);
    move || {
        (!is_proved.get()).then(|| {
            view! {
                <section class="card" aria-labelledby="proof">
                    <h2 id="proof">"Address not verified"</h2>
                    <p>
                        "Until it is, you can only be added to projects of organizations that invited you at this \
                         address."
                    </p>
                    {if sends_mail {
                        Either::Left(view! {
                            <p>"The mail with the link to verify it works for 24 hours."</p>
                            <PostForm action class="form">
                                {form_problem(value, FormName::ResendVerification, &[])}
                                <div class="form-actions">
                                    <button type="submit" class="button" aria-busy=move || action.busy()>
                                        "Resend"
                                    </button>
                                </div>
                            </PostForm>
                        })
                    } else {
                        Either::Right(view! {
                            <p>"This console sends no mail: ask whoever runs it to verify your address."</p>
                        })
                    }}
                </section>
            }
        })
    }
}

/// The form that changes the address (J5): the new one takes effect once it is verified.
#[component]
fn Email(shell: Loaded<ShellView>) -> impl IntoView {
    let (flashed, notices) = (expect_context::<Flashed>(), expect_context::<Notices>());
    let action = FormSender::to::<RequestEmailChange>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
        }
    });
    let sends_mail = shell.peek(|shell| shell.sends_mail);
    let body = if sends_mail {
        Either::Left(view! {
            <p class="lead">
                "We send a link to the new address. Your account gets it once you press the button behind that link."
            </p>
            <PostForm action class="form">
                {form_problem(value, FormName::ChangeEmail, &[About::Email, About::CurrentPassword])}
                <Field
                    label="New email"
                    name="email"
                    id="new-email"
                    kind="email"
                    autocomplete="email"
                    value=flashed.typed(FormName::ChangeEmail, "email").unwrap_or_default()
                    error=form_error(value, FormName::ChangeEmail, About::Email)
                />
                <Confirmation form=FormName::ChangeEmail value/>
                <div class="form-actions">
                    <button type="submit" class="button" aria-busy=move || action.busy()>"Change email"</button>
                </div>
            </PostForm>
        })
    } else {
        Either::Right(view! { <p>"This console sends no mail: ask whoever runs it to change your address."</p> })
    };
    view! {
        <section class="card" aria-labelledby="change-email">
            <h2 id="change-email">"Change email"</h2>
            {body}
        </section>
    }
}

#[component]
fn Password() -> impl IntoView {
    let notices = expect_context::<Notices>();
    let action = FormSender::to::<ChangePassword>();
    let value = action.outcome();
    Effect::new(move |_| {
        if let Some(Ok(done)) = value.get() {
            notices.show(Notice::done(&done));
        }
    });
    view! {
        <section class="card" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <p class="lead">"Changing it signs you out everywhere else."</p>
            <PostForm action class="form">
                {form_problem(value, FormName::Password, &[About::CurrentPassword, About::Password])}
                <Username email=OwnAddress::here() id="password-username"/>
                <Field
                    label="Current password"
                    name="current_password"
                    kind="password"
                    autocomplete="current-password"
                    error=form_error(value, FormName::Password, About::CurrentPassword)
                />
                <Field
                    label="New password"
                    name="password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 12 characters."
                    error=form_error(value, FormName::Password, About::Password)
                />
                <div class="form-actions">
                    <button type="submit" class="button button-primary" aria-busy=move || action.busy()>"Save"</button>
                </div>
            </PostForm>
        </section>
    }
}

/// The form that deletes the account (W1, K5). It is sent without scripts, as signing out is, since nothing on this
/// page belongs to the person afterwards.
#[component]
fn Delete() -> impl IntoView {
    let none = Signal::stored(None);
    view! {
        <section class="card card-danger" aria-labelledby="delete">
            <h2 id="delete">"Delete account"</h2>
            <p>
                "You lose every access at once, and your sessions, SSH keys and open invitations end. What you made \
                 stays with its projects, by a “Deleted user”. This can’t be undone."
            </p>
            <form
                method="post"
                action={expect_context::<Signed>().form(DeleteAccount::url())}
                class="form"
                novalidate=true
            >
                {form_problem(none, FormName::DeleteAccount, &[About::CurrentPassword])}
                <Username email=OwnAddress::here() id="delete-username"/>
                <Field
                    label="Your password"
                    name="current_password"
                    id="delete-password"
                    kind="password"
                    autocomplete="current-password"
                    error=form_error(none, FormName::DeleteAccount, About::CurrentPassword)
                />
                <div class="form-actions">
                    <button type="submit" class="button button-danger">"Delete account"</button>
                </div>
            </form>
        </section>
    }
}
