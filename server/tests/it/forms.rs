//! Forms (N1, N3): without scripts a redirect, with a message that the next page shows once; with them a JSON answer.
//! What was typed is kept, and a password never is.

use app::{Flash, Problem};
use axum::http::{HeaderName, header};
use directory::{Origin, Token, TokenKind};
use policy::{Permission, Refusal, ResourceField};
use sqlx::PgPool;

use crate::{
    functions::{FUNCTIONS, NEW_PASSWORD},
    test_app::{
        ACME, API_KEY, Answer, Ask, CLUSTER, EMPTY, FILE, INVITATION, INVITED, INVITED_STRANGER, MANAGE_KEY, Manner,
        OVER_KEY, PASSWORD, RESEARCH, SESSION, SSH_KEY, TestApp, Who,
    },
};

const LIST: &str = "/settings/projects/ml-research/collaborators";
const KEYS: &str = "/settings/projects/ml-research/api-keys";
const NEW_SECRET: &str = "/settings/projects/ml-research/api-keys?dialog=secret";

/// The page of [`CLUSTER`].
const CLUSTER_PAGE: &str = "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005";

/// The page of the invitation that is for nobody here.
const INVITED_PAGE: &str = "/invitations/aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk";

/// A form, where it leads, and what the page there says.
struct Sent {
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    to: &'static str,
    says: &'static str,
}

const fn sent(
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    to: &'static str,
    says: &'static str,
) -> Sent {
    Sent {
        who,
        path,
        fields,
        to,
        says,
    }
}

/// What is done, and told once.
const DONE: &[Sent] = &[
    sent(
        Who::Admin,
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", " NOAH@acme.test ")],
        LIST,
        "Noah Newcomer was added as a Member.",
    ),
    sent(
        Who::Admin,
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Member}"), ("role", "admin")],
        LIST,
        "Mia Muster is now an Admin.",
    ),
    sent(
        Who::Owner,
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Admin}"), ("role", "member")],
        LIST,
        "Maya Member is now a Member.",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        LIST,
        "Mia Muster was removed. Their access ended at once.",
    ),
    sent(
        Who::Admin,
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{External}"),
            ("expires_on", "2999-12-31"),
        ],
        LIST,
        "The end date of Eve External’s access was saved.",
    ),
    sent(
        Who::Admin,
        "/api/set_collaborator_end_date",
        &[("project", RESEARCH), ("user", "{External}"), ("expires_on", "")],
        LIST,
        "Eve External’s access no longer has an end date.",
    ),
    sent(
        Who::Admin,
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Renamed"), ("slug", "renamed")],
        "/settings/projects/renamed",
        "Your changes were saved.",
    ),
    sent(
        Who::Admin,
        "/api/remove_externals",
        &[("project", RESEARCH)],
        "/settings/projects/ml-research",
        "1 external collaborator was removed.",
    ),
    sent(
        Who::Admin,
        "/api/change_password",
        &[("current_password", PASSWORD), ("password", NEW_PASSWORD)],
        "/settings/profile",
        "Your password was changed. You were signed out everywhere else.",
    ),
];

/// What is done in an organization, and to one's own account.
const DONE_IN_ORGANIZATIONS: &[Sent] = &[
    sent(
        Who::Owner,
        "/api/update_organization",
        &[("organization", ACME), ("name", "Renamed"), ("slug", "renamed")],
        "/settings/organization/renamed",
        "Your changes were saved.",
    ),
    sent(
        Who::Owner,
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", " Acme Research "),
        ],
        "/settings/organization/acme",
        "Adam Admin now owns the organization. You’re still an Admin of it.",
    ),
    sent(
        Who::OrganizationAdmin,
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{Newcomer}"), ("role", "admin")],
        "/settings/organization/acme/members",
        "Noah Newcomer is now an Admin of the organization.",
    ),
    sent(
        Who::OrganizationAdmin,
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Newcomer}")],
        "/settings/organization/acme/members",
        "Noah Newcomer was removed from the organization.",
    ),
    sent(
        Who::Owner,
        "/api/revoke_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        "/settings/organization/acme/invitations",
        "The invitation for invited@new.test was revoked.",
    ),
    // Its link is in the dialog, this once.
    sent(
        Who::Owner,
        "/api/invite_members",
        &[("organization", ACME), ("email", "another@new.test")],
        "/settings/organization/acme/invitations?dialog=invite",
        "Invitation link",
    ),
    sent(
        Who::Owner,
        "/api/resend_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        "/settings/organization/acme/invitations?dialog=sent",
        "Invitation link",
    ),
    sent(
        Who::Stranger,
        "/api/accept_invitation",
        &[("token", INVITED_STRANGER)],
        "/projects/acme-default",
        "You’re now a member of Acme Research.",
    ),
    sent(
        Who::Owner,
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", " staging ")],
        "/projects/staging",
        "Staging was created.",
    ),
    sent(
        Who::Owner,
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", EMPTY)],
        "/settings/organization/acme/projects",
        "Wound Up was deleted.",
    ),
    sent(
        Who::Member,
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", " Another File "),
            ("purpose", "batch"),
            ("size_bytes", " 1 "),
        ],
        "/projects/ml-research/files",
        "The file Another File was created.",
    ),
    sent(
        Who::Admin,
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", CLUSTER),
            ("name", "Another Name"),
            ("state", "running"),
        ],
        CLUSTER_PAGE,
        "Your changes to Another Name were saved.",
    ),
    sent(
        Who::Member,
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "files"), ("id", FILE)],
        "/projects/ml-research/files",
        "The file first-file was deleted.",
    ),
    sent(
        Who::Admin,
        "/api/end_session",
        &[("session", SESSION)],
        "/settings/sessions",
        "The session was signed out.",
    ),
    sent(
        Who::Admin,
        "/api/end_other_sessions",
        &[],
        "/settings/sessions",
        "You were signed out everywhere else.",
    ),
    sent(
        Who::Admin,
        "/api/remove_ssh_key",
        &[("key", SSH_KEY)],
        "/settings/ssh-keys",
        "The SSH key Desk was removed.",
    ),
    sent(
        Who::Admin,
        "/api/change_name",
        &[("name", "Maya Renamed")],
        "/settings/profile",
        "Your changes were saved.",
    ),
];

/// What is done with API keys, and in what a removal says of them.
const DONE_WITH_KEYS: &[Sent] = &[
    sent(
        Who::External,
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", " CI "),
            ("expires", "7"),
            ("expires_on", ""),
        ],
        NEW_SECRET,
        "CI is ready to use.",
    ),
    sent(
        Who::Member,
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", API_KEY), ("overlap", "24")],
        NEW_SECRET,
        "This key replaces Nightly, and is ready to use.",
    ),
    sent(
        Who::Owner,
        "/api/regenerate_default_key",
        &[("project", "acme-default")],
        "/settings/projects/acme-default/api-keys?dialog=secret",
        "The Organization Default Key has a new secret. The old secret no longer works.",
    ),
    sent(
        Who::Member,
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("expires", "on"),
            ("expires_on", " 2999-12-31 "),
        ],
        KEYS,
        "The expiration of Nightly was saved.",
    ),
    sent(
        Who::Admin,
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", MANAGE_KEY),
            ("expires", ""),
            ("expires_on", "2999-12-31"),
        ],
        KEYS,
        "The API key Deploy no longer expires.",
    ),
    sent(
        Who::Member,
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", MANAGE_KEY)],
        KEYS,
        "The API key Deploy was revoked. It no longer works.",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        LIST,
        "2 API keys they created, still working: Deploy, Nightly",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("revoke-01900000-0000-7000-8000-000000000005", "on"),
        ],
        LIST,
        "1 API key revoked: Nightly",
    ),
    sent(
        Who::Owner,
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Member}")],
        "/settings/organization/acme/members",
        "2 API keys they created, still working: Deploy, Nightly",
    ),
];

/// What is refused, and why: the words are beside the field or at the top of the page.
const REFUSED: &[(Sent, Refusal)] = &[
    refused(
        Who::Admin,
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "no address")],
        "/settings/projects/ml-research/collaborators?dialog=add",
        Refusal::EmailInvalid,
    ),
    refused(
        Who::Admin,
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "nobody@nowhere.test")],
        "/settings/projects/ml-research/collaborators?dialog=add",
        Refusal::UserNotFound,
    ),
    refused(
        Who::Owner,
        "/api/add_collaborator",
        &[("project", "production"), ("email", "eve@partner.test")],
        "/settings/projects/production/collaborators?dialog=add",
        Refusal::NotInOrganization,
    ),
    refused(
        Who::Admin,
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "mia@acme.test")],
        "/settings/projects/ml-research/collaborators?dialog=add",
        Refusal::AlreadyCollaborator,
    ),
    refused(
        Who::Owner,
        "/api/add_collaborator",
        &[("project", "acme-default"), ("email", "eve@partner.test")],
        "/settings/projects/acme-default/collaborators?dialog=add",
        Refusal::ExternalInDefaultProject,
    ),
    refused(
        Who::Member,
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Member}"), ("role", "admin")],
        LIST,
        Refusal::Forbidden(Permission::CollaboratorUpdateRole),
    ),
    refused(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Owner}")],
        LIST,
        Refusal::OwnerProtected,
    ),
    refused(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{OrganizationAdmin}")],
        LIST,
        Refusal::OrganizationAdminProtected,
    ),
    refused(
        Who::Newcomer,
        "/api/remove_collaborator",
        &[("project", "acme-default"), ("user", "{Newcomer}")],
        "/settings/projects/acme-default/collaborators",
        Refusal::DefaultProjectForAll,
    ),
    refused(
        Who::Admin,
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("expires_on", "1999-12-31"),
        ],
        "/settings/projects/ml-research/collaborators?dialog=end-date&user={Member}",
        Refusal::EndDateInvalid,
    ),
    refused(
        Who::Admin,
        "/api/update_project",
        &[("project", RESEARCH), ("name", " "), ("slug", "renamed")],
        "/settings/projects/ml-research",
        Refusal::NameInvalid,
    ),
    refused(
        Who::Admin,
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Typed Name"), ("slug", "Not A Slug")],
        "/settings/projects/ml-research",
        Refusal::SlugInvalid,
    ),
    refused(
        Who::Admin,
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Typed Name"), ("slug", "production")],
        "/settings/projects/ml-research",
        Refusal::SlugTaken,
    ),
    refused(
        Who::Admin,
        "/api/change_password",
        &[("current_password", "not-the-password"), ("password", NEW_PASSWORD)],
        "/settings/profile",
        Refusal::CurrentPasswordWrong,
    ),
    refused(
        Who::Admin,
        "/api/change_password",
        &[("current_password", PASSWORD), ("password", "short")],
        "/settings/profile",
        Refusal::PasswordInvalid,
    ),
    refused(
        Who::Member,
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", " "), ("expires", "7")],
        "/settings/projects/ml-research/api-keys?dialog=create",
        Refusal::NameInvalid,
    ),
    refused(
        Who::Member,
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", "Typed Name"),
            ("expires", "on"),
            ("expires_on", "1999-12-31"),
        ],
        "/settings/projects/ml-research/api-keys?dialog=create",
        Refusal::EndDateInvalid,
    ),
    // The form has no such choice for a Member.
    refused(
        Who::Member,
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", "Typed Name"), ("reach", "manage")],
        "/settings/projects/ml-research/api-keys?dialog=create",
        Refusal::ManageKeyForAdmins,
    ),
    refused(
        Who::Member,
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("expires", "on"),
            ("expires_on", "1999-12-31"),
        ],
        "/settings/projects/ml-research/api-keys?dialog=expiration&key=01900000-0000-7000-8000-000000000005",
        Refusal::EndDateInvalid,
    ),
    refused(
        Who::Admin,
        "/api/rotate_api_key",
        &[
            ("project", RESEARCH),
            ("key", MANAGE_KEY),
            ("overlap", "1"),
            ("expires", "on"),
            ("expires_on", ""),
        ],
        "/settings/projects/ml-research/api-keys?dialog=rotate&key=01900000-0000-7000-8000-000000000006",
        Refusal::EndDateInvalid,
    ),
    // What has no dialog any more is said at the top.
    refused(
        Who::Member,
        "/api/set_api_key_expiration",
        &[("project", RESEARCH), ("key", OVER_KEY), ("expires", "7")],
        "/settings/projects/ml-research/api-keys?dialog=expiration&key=01900000-0000-7000-8000-000000000007",
        Refusal::KeyOver,
    ),
    refused(
        Who::Member,
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", OVER_KEY), ("overlap", "24")],
        "/settings/projects/ml-research/api-keys?dialog=rotate&key=01900000-0000-7000-8000-000000000007",
        Refusal::KeyOver,
    ),
    refused(
        Who::Member,
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", MANAGE_KEY), ("overlap", "24")],
        "/settings/projects/ml-research/api-keys?dialog=rotate&key=01900000-0000-7000-8000-000000000006",
        Refusal::ManageKeyForAdmins,
    ),
    refused(
        Who::Member,
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", OVER_KEY)],
        KEYS,
        Refusal::KeyOver,
    ),
    refused(
        Who::Owner,
        "/api/rotate_api_key",
        &[("project", "acme-default"), ("key", API_KEY), ("overlap", "24")],
        "/settings/projects/acme-default/api-keys?dialog=rotate&key=01900000-0000-7000-8000-000000000005",
        Refusal::Hidden,
    ),
    refused(
        Who::OrganizationAdmin,
        "/api/regenerate_default_key",
        &[("project", "acme-default")],
        "/settings/projects/acme-default/api-keys",
        Refusal::Hidden,
    ),
    refused(
        Who::Owner,
        "/api/invite_members",
        &[("organization", ACME), ("email", "noah@acme.test")],
        "/settings/organization/acme/invitations?dialog=invite",
        Refusal::AlreadyMember,
    ),
    refused(
        Who::Owner,
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Owner}")],
        "/settings/organization/acme/members",
        Refusal::OwnerProtected,
    ),
    refused(
        Who::Owner,
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", "acme"),
        ],
        "/settings/organization/acme",
        Refusal::ConfirmationWrong,
    ),
    refused(
        Who::Owner,
        "/api/update_organization",
        &[("organization", ACME), ("name", "Typed Name"), ("slug", "partner")],
        "/settings/organization/acme",
        Refusal::SlugTaken,
    ),
    refused(
        Who::Owner,
        "/api/create_project",
        &[("organization", ACME), ("name", "Typed Name"), ("slug", "production")],
        "/settings/organization/acme/projects?dialog=create",
        Refusal::SlugTaken,
    ),
    refused(
        Who::Owner,
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", "Typed Name")],
        "/settings/projects/wound-up",
        Refusal::ConfirmationWrong,
    ),
    refused(
        Who::Owner,
        "/api/delete_project",
        &[("project", RESEARCH), ("confirmation", RESEARCH)],
        "/settings/projects/ml-research",
        Refusal::ProjectHasResources,
    ),
    refused(
        Who::Member,
        "/api/create_resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("name", "mine")],
        "/projects/ml-research/clusters?dialog=create",
        Refusal::Forbidden(Permission::ClusterCreate),
    ),
    refused(
        Who::Member,
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", "first-file"),
            ("purpose", "batch"),
            ("size_bytes", "77"),
        ],
        "/projects/ml-research/files?dialog=create",
        Refusal::ResourceNameTaken,
    ),
    refused(
        Who::Admin,
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "volumes"),
            ("name", "Typed Name"),
            ("size_gib", "0"),
            ("sharing", "local"),
        ],
        "/projects/ml-research/volumes?dialog=create",
        Refusal::DetailInvalid(ResourceField::SizeGib),
    ),
    refused(
        Who::Admin,
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", CLUSTER),
            ("name", "Typed Name"),
            ("state", "queued"),
        ],
        CLUSTER_PAGE,
        Refusal::StateInvalid,
    ),
    refused(
        Who::Member,
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", CLUSTER)],
        "/projects/ml-research/clusters",
        Refusal::Forbidden(Permission::ClusterDelete),
    ),
    refused(
        Who::Admin,
        "/api/add_ssh_key",
        &[("public_key", "no key"), ("name", "Typed Name")],
        "/settings/ssh-keys",
        Refusal::SshKeyInvalid,
    ),
    refused(
        Who::Owner,
        "/api/delete_account",
        &[("current_password", PASSWORD)],
        "/settings/profile",
        Refusal::OwnsOrganization,
    ),
    refused(
        Who::Stranger,
        "/api/accept_invitation",
        &[("token", INVITED)],
        INVITED_PAGE,
        Refusal::InvitationForAnother,
    ),
    refused(
        Who::Nobody,
        "/api/accept_invitation_as_new",
        &[("token", INVITED), ("name", "Typed Name"), ("password", "short")],
        INVITED_PAGE,
        Refusal::PasswordInvalid,
    ),
    refused(
        Who::Nobody,
        "/api/request_password_reset",
        &[("email", "no address")],
        "/forgot-password",
        Refusal::EmailInvalid,
    ),
    refused(
        Who::Nobody,
        "/api/sign_in",
        &[
            ("email", "mia@acme.test"),
            ("password", "not-her-password"),
            ("next", "/docs/roles"),
        ],
        "/sign-in?next=%2Fdocs%2Froles",
        Refusal::CredentialsWrong,
    ),
    refused(
        Who::Nobody,
        "/api/sign_up",
        &[
            ("name", "Nora New"),
            ("email", "mia"),
            ("password", NEW_PASSWORD),
            ("next", "/docs/roles"),
        ],
        "/sign-up?next=%2Fdocs%2Froles",
        Refusal::EmailInvalid,
    ),
    refused(
        Who::Nobody,
        "/api/sign_up",
        &[("name", "Nora New"), ("email", "nora@new.test"), ("password", "short")],
        "/sign-up",
        Refusal::PasswordInvalid,
    ),
];

const fn refused(
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    to: &'static str,
    refusal: Refusal,
) -> (Sent, Refusal) {
    (sent(who, path, fields, to, ""), refusal)
}

impl Sent {
    fn ask(&self, app: &TestApp, manner: Manner) -> Ask {
        let fields = self.fields.iter().map(|(name, value)| (*name, app.fill(value)));
        Ask::post(self.path, fields).by(self.who).manner(manner)
    }
}

/// The page a browser shows next, with the cookie it was given; then once more, as it is after the cookie was taken
/// away.
async fn follow(app: &TestApp, sent: &Sent, answer: &Answer) -> (Answer, Answer) {
    let what = format!("{} {:?}", sent.path, sent.fields);
    assert_eq!(answer.status, 303, "{what}");
    assert_eq!(answer.location(), app.fill(sent.to), "{what}");
    let flash = answer.cookie("roster-flash").unwrap();
    let get = || Ask::get(answer.location()).by(sent.who).manner(Manner::Plain);
    let first = app
        .ask(get().with(header::COOKIE, format!("roster-flash={flash}")))
        .await;
    assert_eq!(first.status, 200, "{what}");
    assert_eq!(first.cookie("roster-flash"), Some(""), "{what}: shown once");
    let second = app.ask(get()).await;
    (first, second)
}

/// What a person reads: the text of the page's body, without markup and without what is in it for scripts.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split("<script").enumerate() {
        let part = if at == 0 {
            part
        } else {
            part.split_once("</script>").map_or("", |(_, rest)| rest)
        };
        for piece in part.split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, words)| words));
        }
    }
    text.replace("&#x27;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_scripts_what_was_done_is_told_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for sent in DONE.iter().chain(DONE_IN_ORGANIZATIONS).chain(DONE_WITH_KEYS) {
        let answer = app.ask(sent.ask(&app, Manner::Plain)).await;
        let (first, second) = follow(&app, sent, &answer).await;
        assert!(
            words(&first.text).contains(sent.says),
            "{}: {}",
            sent.path,
            words(&first.text)
        );
        assert!(!second.text.contains(sent.says), "{}: told twice", sent.path);
        app.restore().await;
    }
}

/// K3: the secret is in the page that comes next, once; in no address, no other page and no cache; and it opens the
/// project.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k3_a_new_secret_is_shown_once_and_kept_nowhere(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for sent in &DONE_WITH_KEYS[..3] {
        let answer = app.ask(sent.ask(&app, Manner::Plain)).await;
        let flash = serde_json::to_value(answer.flash().unwrap()).unwrap();
        let secret = flash["outcome"]["Ok"]["key_made"]["secret"].as_str().unwrap();
        let token = Token::parse(TokenKind::ApiKey, secret).unwrap();
        // On its way it is on the server, and the browser has a ticket that no script reads, for a minute (J11).
        assert!(!format!("{:?}", answer.headers).contains("rsk_"), "{}", sent.path);
        let cookie = answer.set_cookie("roster-flash").unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Max-Age=60"] {
            assert!(cookie.contains(part), "{}: {part}: {cookie}", sent.path);
        }
        assert!(!answer.location().contains("rsk_"), "{}", sent.path);
        let (first, second) = follow(&app, sent, &answer).await;
        let shown = first
            .text
            .split("<input")
            .find(|input| input.contains("id=\"secret-key\""))
            .unwrap();
        let (shown, _) = shown.split_once('>').unwrap();
        assert!(
            shown.contains(&format!("value=\"{secret}\"")) && shown.contains("readonly"),
            "{shown}"
        );
        assert!(words(&first.text).contains("Secret key"), "{}", sent.path);
        for page in [&first, &second, &answer] {
            assert_eq!(page.header("cache-control"), "no-store", "{}", sent.path);
        }
        assert!(
            !second.text.contains(secret) && !second.text.contains("secret-key"),
            "{}",
            sent.path
        );
        assert!(second.text.contains(&secret[..8]), "the list shows how it begins");
        let opened = app.state.directory.authenticate_key(&token, Origin::default()).await;
        assert!(opened.is_ok(), "{}", sent.path);

        // With scripts it is in the answer, and nowhere else either.
        app.restore().await;
        let answer = app.ask(sent.ask(&app, Manner::Script)).await;
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        let secret = json["Ok"]["key_made"]["secret"].as_str().unwrap();
        assert!(Token::parse(TokenKind::ApiKey, secret).is_ok(), "{json}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.set_cookie("roster-flash"), None);
        let audit: Vec<String> = sqlx::query_scalar("SELECT a::text FROM audit_events a")
            .fetch_all(&app.pool)
            .await
            .unwrap();
        assert!(audit.iter().all(|row| !row.contains("rsk_")), "A3");
        app.restore().await;
    }
}

/// C6: a checkbox for each key is all there is beside the person and the project; its name says which.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn c6_only_keys_are_chosen_in_a_removal(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let user = app.id(Who::Member).to_string();
    for wrong in [
        "revoke",
        "revoke-",
        "revoke-x",
        "revoke-{Member}x",
        "revoke[]",
        "Revoke-01900000-0000-7000-8000-000000000005",
        "unrevoke-01900000-0000-7000-8000-000000000005",
        "revoke-01900000-0000-7000-8000-000000000005[x]",
        "role",
        "",
    ] {
        let wrong = app.fill(wrong);
        let fields = [("project", RESEARCH), ("user", &user), (&*wrong, "on")];
        let answer = app
            .ask(Ask::post("/api/remove_collaborator", fields).by(Who::Admin))
            .await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
        assert_eq!(app.fingerprint().await, before, "{wrong}");
    }
    // One that is not theirs, or nowhere, is left alone without a word.
    let none = "revoke-00000000-0000-7000-8000-000000000000";
    let fields = [("project", RESEARCH), ("user", &user), (none, "on")];
    let answer = app
        .ask(Ask::post("/api/remove_collaborator", fields).by(Who::Admin))
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("\"revoked_count\":0"), "{}", answer.text);
}

/// C7: who left has no page of the project to go back to.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn who_leaves_is_led_home_and_told(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let fields = [
        ("project", RESEARCH.to_owned()),
        ("user", app.id(Who::Member).to_string()),
    ];
    let answer = app
        .ask(
            Ask::post("/api/remove_collaborator", fields)
                .by(Who::Member)
                .manner(Manner::Plain),
        )
        .await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"));
    let flash = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
    // Home leads on to a project; the message must survive that.
    let home = Ask::get("/").by(Who::Member).manner(Manner::Plain);
    let home = app.ask(home.with(header::COOKIE, flash.clone())).await;
    assert_eq!((home.status.as_u16(), home.location()), (302, "/projects/acme-default"));
    assert_eq!(
        home.set_cookie("roster-flash"),
        None,
        "not taken away by a page that nobody sees"
    );
    let page = app
        .ask(Ask::get(home.location()).by(Who::Member).with(header::COOKIE, flash))
        .await;
    assert!(words(&page.text).contains("You left the project."));
    assert_eq!(page.cookie("roster-flash"), Some(""));
}

/// N3: the error is beside its field, and what was typed is in it; once.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_scripts_what_was_refused_is_told_where_it_belongs_and_what_was_typed_is_kept(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for (sent, refusal) in REFUSED {
        let what = format!("{} {:?}", sent.path, sent.fields);
        let says = app::explain((*refusal).into());
        let answer = app.ask(sent.ask(&app, Manner::Plain)).await;
        let (first, second) = follow(&app, sent, &answer).await;
        // Once more than the page says it anyway: a menu may give the same reason.
        let times = |answer: &Answer| words(&answer.text).matches(&says).count();
        assert_eq!(times(&first), times(&second) + 1, "{what}: told once: {}", first.text);
        let Flash { outcome, .. } = answer.flash().unwrap();
        assert_eq!(outcome, Err((*refusal).into()), "{what}");
        if let Some(field) = refusal.field() {
            let name = serde_json::to_value(field).unwrap();
            // The field of a resource's detail is called as the detail is.
            let name = name.as_str().or_else(|| name.get("detail")?.as_str()).unwrap();
            // The field says that it is wrong, and by which words.
            let input = input(&first.text, name)
                .or_else(|| tag(&first.text, name, "<select", ">"))
                .unwrap_or_else(|| panic!("{what}: no field {name}"));
            assert!(input.contains("aria-invalid=\"true\""), "{what}: {input}");
            assert!(input.contains(&format!("field-{name}-error")), "{what}: {input}");
            let (_, beside) = first.text.split_once(&format!("id=\"field-{name}-error\"")).unwrap();
            let (beside, _) = beside.split_once("</p>").unwrap();
            assert!(words(&format!("<{beside}")).contains(&says), "{what}: {beside}");
        }
        // What was typed is kept, in every field of the form that is shown; but never a password.
        for (name, typed) in sent.fields {
            let Some(input) = input(&first.text, name).filter(|input| !input.contains("type=\"hidden\"")) else {
                continue;
            };
            if name.contains("password") {
                assert!(
                    !input.contains("value=\"") || input.contains("value=\"\""),
                    "{what}: {input}"
                );
            } else {
                let typed = app.fill(typed);
                let is_kept = input.contains(&format!("value=\"{typed}\"")) || input.contains(&format!(">{typed}"));
                assert!(is_kept, "{what}: {input}");
            }
        }
        assert_eq!(app.fingerprint().await, before, "{what}");
        app.restore().await;
    }
}

/// The tag of a field, and where it is a text of several lines, the text as well.
fn input<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    tag(html, name, "<input", ">").or_else(|| tag(html, name, "<textarea", "</textarea>"))
}

/// What is between these two around a field of this name.
fn tag<'a>(html: &'a str, name: &str, start: &str, end: &str) -> Option<&'a str> {
    html.split(start)
        .skip(1)
        .map(|rest| rest.split_once(end).map_or(rest, |(field, _)| field))
        .find(|field| field.contains(&format!("name=\"{name}\"")))
}

/// A password is in no flash, no page and no audit, whatever came of the form.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_password_is_never_kept(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (one, other) = ("a-secret-to-look-for", "another-secret-to-look-for");
    let forms: [(&str, Vec<(&str, &str)>); 6] = [
        ("/api/sign_in", vec![("email", "mia@acme.test"), ("password", one)]),
        ("/api/sign_in", vec![("email", one), ("password", other)]),
        (
            "/api/sign_up",
            vec![("name", "N"), ("email", "mia@acme.test"), ("password", one)],
        ),
        ("/api/sign_up", vec![("name", ""), ("email", "x"), ("password", one)]),
        (
            "/api/change_password",
            vec![("current_password", one), ("password", other)],
        ),
        (
            "/api/change_password",
            vec![("current_password", PASSWORD), ("password", other)],
        ),
    ];
    for (path, fields) in forms {
        for manner in Manner::ALL {
            let answer = app
                .ask(Ask::post(path, fields.clone()).by(Who::Member).manner(manner))
                .await;
            let flash = serde_json::to_string(&answer.flash()).unwrap();
            let typed_as_address = fields.iter().any(|(name, value)| *name == "email" && *value == one);
            for secret in [one, other] {
                let is_address = secret == one && typed_as_address;
                assert!(is_address || !flash.contains(secret), "{path}: {flash}");
                assert!(!answer.text.contains(secret), "{path}: {}", answer.text);
                assert!(!answer.location().contains(secret), "{path}: {}", answer.location());
            }
            app.restore().await;
        }
    }
    // A3. Even what was typed into the wrong field does not stay: an address that is none is not recorded.
    let audit: Vec<String> = sqlx::query_scalar("SELECT a::text FROM audit_events a")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert!(audit.len() > 5);
    for row in audit {
        assert!(!row.contains("secret-to-look-for") && !row.contains(PASSWORD), "{row}");
    }
}

/// With scripts: JSON, the outcome in it; 200 also for a slip of a person, whose browser need not shout about it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn with_scripts_the_answer_is_json(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (sent, is_done) in DONE
        .iter()
        .chain(DONE_WITH_KEYS)
        .map(|sent| (sent, true))
        .chain(REFUSED.iter().map(|(sent, _)| (sent, false)))
    {
        let answer = app.ask(sent.ask(&app, Manner::Script)).await;
        let what = format!("{} {:?}", sent.path, sent.fields);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json", "{what}");
        assert_eq!(
            (answer.location(), answer.set_cookie("roster-flash")),
            ("", None),
            "{what}"
        );
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(json.get("Ok").is_some(), is_done, "{what}: {json}");
        assert_eq!(json.get("Err").is_some(), !is_done, "{what}: {json}");
        app.restore().await;
    }
}

/// A program is told by the status; and only a browser, which no page can make lie, is taken for a script of ours.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn programs_are_told_by_the_status(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dest = || HeaderName::from_static("sec-fetch-dest");
    for (sent, refusal) in REFUSED {
        for ask in [
            sent.ask(&app, Manner::Program),
            sent.ask(&app, Manner::Program).with(header::ACCEPT, "application/json"),
            sent.ask(&app, Manner::Program).with(dest(), "empty"),
        ] {
            let answer = app.ask(ask).await;
            let problem = crate::security::closed_code(sent.path, &answer);
            assert_eq!(problem, Problem::from(*refusal), "{}", sent.path);
            app.restore().await;
        }
    }
}

/// Unknown person and wrong password: the same words and status, in every manner; the password is checked either way.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_does_not_tell_who_has_an_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for manner in Manner::ALL {
        let mut answers = Vec::new();
        for email in ["mia@acme.test", "aia@acme.test"] {
            let enter = [
                ("email", email),
                ("password", "not-the-password"),
                ("next", "/docs/roles"),
            ];
            let answer = app.ask(Ask::post("/api/sign_in", enter).manner(manner)).await;
            assert_eq!(answer.set_cookie("roster"), None);
            answers.push(answer.anonymous(email));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

/// Attempts are counted, for an account that is there and for one that is not; the answer says when to come back.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_is_limited_for_known_and_unknown_alike(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for email in ["mia@acme.test", "nobody@nowhere.test"] {
        let enter = |password| Ask::post("/api/sign_in", [("email", email), ("password", password)]);
        let mut statuses = Vec::new();
        for _ in 0..11 {
            statuses.push(app.ask(enter("not-the-password")).await.status.as_u16());
        }
        assert_eq!(statuses, [[422; 10].as_slice(), &[429]].concat(), "{email}");
        let answer = app.ask(enter(PASSWORD)).await;
        assert_eq!(answer.status, 429, "{email}: not even with the right one");
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=5 * 60).contains(&wait), "{wait}");
        let plain = app.ask(enter(PASSWORD).manner(Manner::Plain)).await;
        let flash = format!("roster-flash={}", plain.cookie("roster-flash").unwrap());
        let page = app.ask(Ask::get(plain.location()).with(header::COOKIE, flash)).await;
        assert!(
            words(&page.text).contains("Too many attempts. Try again in 5 minutes."),
            "{email}"
        );
    }
}

/// The way in and out, without scripts: to where one was going, and back to the door.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_leads_to_where_one_was_going(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let wanted = "/settings/projects/ml-research/collaborators?q=mia&role=member";
    let first = app.ask(Ask::get(wanted).manner(Manner::Plain)).await;
    assert_eq!(first.status, 303);
    let page = app.ask(Ask::get(first.location())).await;
    assert!(page.text.contains("action=\"/api/sign_in\""));
    let next = input(&page.text, "next").unwrap().replace("&amp;", "&");
    assert!(next.contains(&format!("value=\"{wanted}\"")), "{next}");
    let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", wanted)];
    let entered = app.ask(Ask::post("/api/sign_in", enter).manner(Manner::Plain)).await;
    assert_eq!((entered.status.as_u16(), entered.location()), (303, wanted));
    let cookie = format!("roster={}", entered.cookie("roster").unwrap());
    let page = app.ask(Ask::get(wanted).with(header::COOKIE, cookie.clone())).await;
    assert_eq!(page.status, 200);
    assert!(words(&page.text).contains("Mia Muster"));
    let out = Ask::post("/api/sign_out", [("", ""); 0])
        .manner(Manner::Plain)
        .with(header::COOKIE, cookie.clone());
    let out = app.ask(out).await;
    assert_eq!((out.status.as_u16(), out.location()), (303, "/sign-in"));
    let again = app.ask(Ask::get(wanted).with(header::COOKIE, cookie)).await;
    assert_eq!(again.status, 303, "the back button shows nothing");
}

/// N1: a form that is sent after the session ended leads to the door, not to a page of JSON.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_plain_form_without_a_session_leads_to_signing_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        if function.is_for_nobody() {
            continue;
        }
        let answer = app
            .ask(function.call(&function.filled(&app)).manner(Manner::Plain))
            .await;
        assert_eq!(answer.status, 303, "{}", function.path);
        assert!(
            answer.location().starts_with("/sign-in"),
            "{}: {}",
            function.path,
            answer.location()
        );
    }
}
