//! The routes. What each page asks the server for stands in `page_data`.

use leptos::prelude::*;
use leptos_router::{
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    components::{Arrived, NotFoundScreen},
    flash::{Flashed, Notices},
    screens::{
        api_keys::ApiKeysScreen,
        change_email::{ChangeEmailScreen, UndoEmailScreen},
        collaborators::CollaboratorsScreen,
        forgot_password::{ForgotPasswordScreen, ResetPasswordScreen},
        frame::Frame,
        home::HomeScreen,
        invitation::InvitationScreen,
        made_keys::MadeKeysScreen,
        organization::{
            invitations::InvitationsScreen, members::MembersScreen, projects::ProjectsScreen,
            settings::OrganizationScreen,
        },
        overview::OverviewScreen,
        profile::ProfileScreen,
        project_settings::ProjectSettingsScreen,
        resources::{ResourcesScreen, one::ResourceScreen},
        roles::RolesScreen,
        sessions::SessionsScreen,
        sign_in::SignInScreen,
        sign_up::SignUpScreen,
        ssh_keys::SshKeysScreen,
        usage::UsageScreen,
        verify_email::VerifyEmailScreen,
    },
    signed::Signed,
};

#[cfg(feature = "ssr")]
use crate::answers::page_state;

/// What the page knows of its request, which came with it, as all its answers did.
#[cfg(feature = "hydrate")]
fn page_state() -> crate::answers::PageState {
    use crate::{address::PageAddress, answers, page_data::asks};

    let location = window().location();
    let (path, search) = (location.pathname(), location.search());
    let address = PageAddress::parse(&path.unwrap_or_default(), &search.unwrap_or_default());
    let asked: Vec<_> = asks(&address).all().collect();
    answers::wake(|path| {
        let ask = asked.iter().find(|ask| ask.path == path);
        ask.map_or_else(|| path.to_owned(), |ask| ask.key())
    })
}

/// The console.
#[component]
pub fn App() -> impl IntoView {
    let state = page_state();
    Signed::provide(&state);
    let flashed = Flashed::provide(state.flash);
    Notices::provide(flashed);
    Arrived::provide();
    view! {
        <Router>
            <Routes fallback=NotFoundScreen>
                <Route path=path!("/sign-in") view=SignInScreen/>
                <Route path=path!("/sign-up") view=SignUpScreen/>
                <Route path=path!("/forgot-password") view=ForgotPasswordScreen/>
                <Route path=path!("/reset-password/:token") view=ResetPasswordScreen/>
                <Route path=path!("/invitations/:token") view=InvitationScreen/>
                <Route path=path!("/verify-email/:token") view=VerifyEmailScreen/>
                <Route path=path!("/change-email/:token") view=ChangeEmailScreen/>
                <Route path=path!("/undo-email-change/:token") view=UndoEmailScreen/>
                <Route path=path!("/docs/roles") view=RolesScreen/>
                <ParentRoute path=path!("") view=Frame>
                    <Route path=path!("/") view=HomeScreen/>
                    <Route path=path!("/projects/:project") view=OverviewScreen/>
                    <Route path=path!("/projects/:project/usage") view=UsageScreen/>
                    <Route path=path!("/projects/:project/:kind") view=ResourcesScreen/>
                    <Route path=path!("/projects/:project/:kind/:id") view=ResourceScreen/>
                    <Route path=path!("/settings/profile") view=ProfileScreen/>
                    <Route path=path!("/settings/sessions") view=SessionsScreen/>
                    <Route path=path!("/settings/ssh-keys") view=SshKeysScreen/>
                    <Route path=path!("/settings/my-api-keys") view=MadeKeysScreen/>
                    <Route path=path!("/settings/organization/:organization") view=OrganizationScreen/>
                    <Route path=path!("/settings/organization/:organization/members") view=MembersScreen/>
                    <Route path=path!("/settings/organization/:organization/invitations") view=InvitationsScreen/>
                    <Route path=path!("/settings/organization/:organization/projects") view=ProjectsScreen/>
                    <Route path=path!("/settings/projects/:project") view=ProjectSettingsScreen/>
                    <Route path=path!("/settings/projects/:project/collaborators") view=CollaboratorsScreen/>
                    <Route path=path!("/settings/projects/:project/api-keys") view=ApiKeysScreen/>
                    <Route path=path!("/*rest") view=NotFoundScreen/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
