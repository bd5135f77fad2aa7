//! The document around every page, and the routes.

use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
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

/// The document of every page. The names of the files that wake it in the browser change with their content, so that
/// they can be kept for good.
pub fn document(script: &str, wasm: &str, style: &str) -> impl IntoView + use<> {
    let nonce = use_nonce();
    let wake = format!("import start,{{hydrate}} from '{script}';start({{module_or_path:'{wasm}'}}).then(hydrate)");
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link
                    rel="preload"
                    href="/fonts/inter-latin.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin="anonymous"
                />
                <link rel="stylesheet" href=style.to_owned()/>
                <link rel="modulepreload" href=script.to_owned() nonce=nonce.clone()/>
                <link
                    rel="preload"
                    href=wasm.to_owned()
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                />
                <script type="module" nonce=nonce>{wake}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The console.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Signed::provide();
    let flashed = Flashed::provide();
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
