//! Forms that are refused: the message beside its field, and what was typed kept.

use app::Flash;
use policy::{Permission, Refusal, ResourceField};
use sqlx::PgPool;

use super::{CLUSTER_PAGE, INVITED_PAGE, KEYS, LIST, Sent, follow, input, sent, tag, words};
use crate::{
    functions::NEW_PASSWORD,
    test_app::{
        ACME, API_KEY, Answer, CLUSTER, EMPTY, INVITED, MANAGE_KEY, Manner, OVER_KEY, PASSWORD, RESEARCH, TestApp, Who,
    },
};

/// What is refused, and why: the words are beside the field or at the top of the page.
pub(super) const REFUSED: &[(Sent, Refusal)] = &[
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
