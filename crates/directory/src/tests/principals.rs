//! What a principal is refused whose kind a use case isn't for (decision 113). The doors make no such principal today;
//! a new kind of credential could.

use policy::{KeyScope, MeterTokenId, Permission, ProjectRole, Refusal, UsageRange};
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Tenant, account, anonymous, count, name, nowhere, origin, password, slug};
use crate::{
    CollaboratorQuery, Error, Identity, MemberQuery, OrganizationRef, Principal, ProjectQuery, Result, Target,
};

/// Every table that use cases write, but those of the audit and of counted attempts.
const ROWS: &str =
    "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM members)
    + (SELECT count(*) FROM collaborators) + (SELECT count(*) FROM projects) + (SELECT count(*) FROM api_keys)
    + (SELECT count(*) FROM invitations) + (SELECT count(*) FROM ssh_keys) + (SELECT count(*) FROM outbox)
    + (SELECT count(*) FROM gateway_tokens) + (SELECT count(*) FROM meter_tokens) + (SELECT count(*) FROM resources)";

fn refused<T>(outcome: Result<T>) -> Option<Refusal> {
    match outcome {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// Principals of each kind, by what they are called.
async fn of_each_kind(t: &Tenant) -> [(&'static str, Principal); 5] {
    let meter = Principal {
        identity: Identity::Meter(MeterTokenId(Uuid::now_v7())),
        origin: origin(),
    };
    [
        ("person", t.owner.actor.clone()),
        ("key", t.key(&t.research, KeyScope::Manage).await),
        ("meter", meter),
        ("anonymous", anonymous()),
        ("operator", Principal::operator()),
    ]
}

/// What each of these answers to this principal. None of them can be done as it is asked here.
macro_rules! asked {
    ($($use_case:ident($($argument:expr),*)),* $(,)?) => {
        async |t: &Tenant, who: &Principal| -> Vec<(&'static str, Option<Refusal>)> {
            vec![$((stringify!($use_case), refused(t.directory.$use_case(who, $($argument),*).await))),*]
        }
    };
}

/// Asks as a principal of every kind but one, and checks that each is refused so and that nothing is written.
async fn assert_refused_to_others(
    t: &Tenant,
    but: &str,
    expected: Refusal,
    ask: impl AsyncFn(&Tenant, &Principal) -> Vec<(&'static str, Option<Refusal>)>,
) {
    for (kind, who) in of_each_kind(t).await.into_iter().filter(|(kind, _)| *kind != but) {
        let rows = count(&t.pool, ROWS).await;
        for (use_case, refusal) in ask(t, &who).await {
            assert_eq!(refusal, Some(expected), "{use_case} by {kind}");
        }
        assert_eq!(count(&t.pool, ROWS).await, rows, "{kind}");
    }
}

/// K9, P3: what is a person's is refused to every other principal, and nothing is written.
#[sqlx::test]
async fn what_is_a_persons_is_refused_to_every_other_principal(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (here, project) = (t.slug.clone(), t.research.slug.clone());
    let maya = t.maya.id;
    let link = nowhere();
    let title = name("Taken over");
    let free = slug("taken-over");
    let ask = asked!(
        accept_invitation(&link),
        add_collaborator(&project, "noah@acme.test"),
        add_ssh_key("", "ssh-ed25519 AAAA"),
        api_keys(&project, &crate::ApiKeyQuery::default()),
        change_collaborator_role(&project, maya, ProjectRole::Admin),
        change_member_role(&here, maya, policy::OrganizationRole::Admin),
        change_name(&title),
        change_password("wrong", password("correct-horse-battery")),
        collaborators(&project, &CollaboratorQuery::default()),
        confirm("wrong"),
        create_api_key(&project, &title, KeyScope::Use, None),
        create_project(&here, &title, &free),
        delete_account("wrong"),
        delete_organization(&here, "Acme Research"),
        delete_project(&project, project.as_str()),
        end_other_sessions(),
        frame(None, None),
        invite_member(&here, "nina@new.test"),
        made_keys(),
        members(&here, &MemberQuery::default()),
        organization(&here),
        organizations_of(10),
        project(&project),
        project_audit(&project, None, 10),
        projects(&here, &ProjectQuery::default()),
        remove_collaborator(&project, maya, &[]),
        remove_member(&here, maya),
        sessions(),
        sign_out(),
        ssh_keys(),
        transfer_ownership(&here, maya, "Acme Research"),
        update_organization(&here, &title, &free),
        usage(&project, UsageRange::Quarter),
        authorize(Permission::ProjectUpdate, Target::Organization(&here)),
    );
    assert_refused_to_others(&t, "person", Refusal::SignedOut, ask).await;
}

/// P3: what is the operator's does not exist for anybody else.
#[sqlx::test]
async fn what_is_the_operators_is_hidden_from_every_other_principal(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (title, maya) = (name("Mine"), t.maya.email.parse().unwrap());
    let (there, here) = ("mia@new.test".parse().unwrap(), t.slug.clone());
    let ask = asked!(
        create_gateway_token(&title),
        create_meter_token(&title),
        create_user(account("Nina New", "nina@new.test")),
        gateway_tokens(),
        meter_tokens(),
        organizations(),
        revoke_gateway_token(&title),
        revoke_meter_token(&title),
        set_additional_projects(&here, false),
        set_email(&maya, &there),
        set_password(&maya, password("staple-battery-horse")),
        transfer_ownership_as_operator(&here, &maya),
        verify_as_operator(&maya),
    );
    assert_refused_to_others(&t, "operator", Refusal::Hidden, ask).await;
}

/// E9: usage is reported by keys and meters, each in its way.
#[sqlx::test]
async fn e9_usage_is_reported_by_keys_and_meters_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, project) = (&t.directory, t.research.slug.clone().into());
    let organization = OrganizationRef::Slug(t.slug.clone());
    for (kind, who) in of_each_kind(&t).await {
        let by_key = refused(d.record_usage(&who, Some(&project), &[]).await);
        assert_eq!(by_key, (kind != "key").then_some(Refusal::KeyInvalid), "{kind}");
        // This meter's token was never made.
        let by_meter = refused(d.record_metered_usage(&who, &organization, &[]).await);
        assert_eq!(by_meter, Some(Refusal::MeterUnknown), "{kind}");
    }
}

/// J1, J3: who has a credential already signs up, and resets a password, as nobody in particular or not at all.
#[sqlx::test]
async fn what_needs_no_credential_is_done_without_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (kind, who) in of_each_kind(&t).await {
        if kind == "anonymous" {
            continue;
        }
        let rows = count(&pool, ROWS).await;
        let signed_up = t.directory.sign_up(&who, account("Nina New", "nina@new.test")).await;
        assert_eq!(refused(signed_up), Some(Refusal::Hidden), "{kind}");
        let signed_in = t
            .directory
            .sign_in(&who, "nina@new.test", "correct-horse-battery")
            .await;
        assert_eq!(refused(signed_in), Some(Refusal::Hidden), "{kind}");
        assert_eq!(count(&pool, ROWS).await, rows, "{kind}");
    }
}
