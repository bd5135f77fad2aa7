//! X1 to X4, X6: people from outside the organization.

use policy::{
    Because, KeyScope, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Refusal,
};
use sqlx::PgPool;

use super::fixture::{Tenant, name, origin, refusal};
use crate::{ProjectChange, Settings};

impl Tenant {
    async fn allow(&self, allow_externals: bool) {
        let wanted = ProjectChange {
            allow_externals,
            ..self.settings(&self.research).await
        };
        self.directory
            .update_project(&self.lead.actor, &self.research.slug, &wanted)
            .await
            .unwrap();
    }
}

/// X1: off at first.
#[sqlx::test]
async fn a_project_takes_no_externals_until_its_admins_allow_them(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    assert!(
        !t.directory
            .project(&t.owner.actor, &t.production.slug)
            .await
            .unwrap()
            .allow_externals
    );
    let outcome = t
        .directory
        .add_collaborator(&t.owner.actor, &t.production.slug, &t.stranger.email)
        .await;
    assert_eq!(refusal(outcome), Refusal::NotInOrganization);
}

/// X1: switching it off keeps those who are there, and takes no more.
#[sqlx::test]
async fn switching_externals_off_keeps_those_who_are_there_and_takes_no_more(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    t.allow(false).await;
    assert!(t.sees(&t.research, &t.eve).await);
    assert_eq!(d.count_externals(&t.maya.actor, slug).await.unwrap(), 1);
    assert_eq!(
        refusal(d.add_collaborator(&t.owner.actor, slug, &t.stranger.email).await),
        Refusal::NotInOrganization
    );
    // Those who are there can still be changed, and given an end.
    d.change_collaborator_role(&t.lead.actor, slug, t.eve.id, ProjectRole::Admin)
        .await
        .unwrap();
    let end = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
    d.set_collaborator_end_date(&t.lead.actor, slug, t.eve.id, end)
        .await
        .unwrap();
    // Once gone, they do not come back.
    d.remove_collaborator(&t.lead.actor, slug, t.eve.id, &[]).await.unwrap();
    assert_eq!(
        refusal(d.add_collaborator(&t.owner.actor, slug, &t.eve.email).await),
        Refusal::NotInOrganization
    );
}

/// X1, C6: and it offers to remove them, with the keys they made that are to end with it; A1: each has a row in the
/// audit.
#[sqlx::test]
async fn all_externals_of_a_project_can_be_removed_at_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    d.add_collaborator(&t.lead.actor, slug, &t.stranger.email)
        .await
        .unwrap();
    assert_eq!(d.count_externals(&t.owner.actor, slug).await.unwrap(), 2);
    let mut keys = Vec::new();
    for who in [&t.eve, &t.stranger, &t.maya] {
        for called in ["Ends", "Stays"] {
            let key = d
                .create_api_key(&who.actor, slug, &name(called), KeyScope::Use, None)
                .await
                .unwrap();
            keys.push(key);
        }
    }
    let made = d.assets_of_externals(&t.lead.actor, slug).await.unwrap();
    assert_eq!(made.key_count, 4);
    assert_eq!(
        refusal(d.assets_of_externals(&t.maya.actor, slug).await),
        Refusal::Forbidden(Permission::CollaboratorRemove)
    );
    // The last is none of theirs: it is not theirs that end with it.
    let chosen = [0, 2, 4].map(|nth: usize| (keys[nth].id, policy::KeyFate::Revoke));
    let (removed, events) = t.audited(d.remove_externals(&t.lead.actor, slug, &chosen)).await;
    assert_eq!(removed.unwrap(), 2);
    let mut told: Vec<_> = events
        .iter()
        .map(|event| (event.action.as_str(), event.target_id))
        .collect();
    assert_eq!(told.remove(0), ("collaborator:remove", None));
    told.sort();
    let mut expected = [
        ("api_key:revoke", Some(keys[0].id.0)),
        ("api_key:revoke", Some(keys[2].id.0)),
        ("collaborator:remove", Some(t.eve.id.0)),
        ("collaborator:remove", Some(t.stranger.id.0)),
    ];
    expected.sort();
    assert_eq!(told, expected);
    for (key, works) in keys.iter().zip([false, true, false, true, true, true]) {
        assert_eq!(d.authenticate_key(&key.secret, origin()).await.is_ok(), works);
    }
    assert_eq!(d.count_externals(&t.owner.actor, slug).await.unwrap(), 0);
    assert!(!t.sees(&t.research, &t.eve).await && !t.sees(&t.research, &t.stranger).await);
    assert!(t.sees(&t.research, &t.maya).await && t.sees(&t.research, &t.lead).await);
    assert_eq!(d.remove_externals(&t.lead.actor, slug, &[]).await.unwrap(), 0);
}

/// X1: switching off and adding at the same time never leaves an external who was added after the switch.
#[sqlx::test]
async fn nobody_from_outside_slips_in_while_externals_are_switched_off(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let mut seen = [0, 0];
    for round in 0..20 {
        t.allow(true).await;
        let (add, ()) = if round % 2 == 0 {
            tokio::join!(
                d.add_collaborator(&t.owner.actor, slug, &t.stranger.email),
                t.allow(false)
            )
        } else {
            let (off, add) = tokio::join!(
                t.allow(false),
                d.add_collaborator(&t.owner.actor, slug, &t.stranger.email)
            );
            (add, off)
        };
        let events = super::fixture::events(&pool).await;
        let at = |action: &str| {
            events
                .iter()
                .filter(|event| event.refusal.is_none() && event.action == action)
                .map(|event| event.id)
                .max()
        };
        match add {
            Ok(_) => {
                seen[0] += 1;
                assert!(at("collaborator:add") < at("project:update"), "the add came first");
                d.remove_collaborator(&t.owner.actor, slug, t.stranger.id, &[])
                    .await
                    .unwrap();
            }
            Err(error) => {
                seen[1] += 1;
                assert_eq!(refusal::<()>(Err(error)), Refusal::NotInOrganization);
                assert!(!t.sees(&t.research, &t.stranger).await);
            }
        }
    }
    assert_eq!(seen[0] + seen[1], 20);
}

/// X1: past the code, too.
#[sqlx::test]
async fn the_database_refuses_an_external_where_none_are_allowed(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let sql = format!(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, member_id, added_at)
         SELECT '{}', '{}', id, name, 'member', id, now() FROM users WHERE id = '{}'",
        t.organization, t.production.id, t.stranger.id
    );
    assert_eq!(
        super::fixture::refused_by_database(&pool, &sql).await,
        "collaborators_external_allowed"
    );
}

/// X2: by the same flow, with either role.
#[sqlx::test]
async fn an_external_may_hold_either_role(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    d.add_collaborator(&t.lead.actor, slug, &t.stranger.email)
        .await
        .unwrap();
    for role in [ProjectRole::Admin, ProjectRole::Member] {
        d.change_collaborator_role(&t.lead.actor, slug, t.stranger.id, role)
            .await
            .unwrap();
        let expected = ProjectStanding {
            role,
            because: Because::External,
        };
        assert_eq!(t.standing(&t.research, &t.stranger).await.project, Some(expected));
    }
    d.change_collaborator_role(&t.lead.actor, slug, t.eve.id, ProjectRole::Admin)
        .await
        .unwrap();
    d.add_collaborator(&t.eve.actor, slug, &t.noah.email).await.unwrap();
    d.remove_collaborator(&t.eve.actor, slug, t.lead.id, &[]).await.unwrap();
}

/// X3: nothing of the organization but its name.
#[sqlx::test]
async fn an_external_sees_the_organizations_name_and_nothing_else_of_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let standing = t.standing(&t.research, &t.eve).await;
    for permission in Permission::ALL
        .iter()
        .filter(|permission| permission.scope() == policy::Scope::Organization)
    {
        assert!(!standing.may(*permission), "{permission}");
    }
    assert_eq!(
        t.directory
            .project(&t.eve.actor, &t.research.slug)
            .await
            .unwrap()
            .organization_name
            .as_str(),
        "Acme Research"
    );
    for project in [&t.default, &t.production] {
        assert!(!t.sees(project, &t.eve).await);
    }
    t.directory
        .change_collaborator_role(&t.lead.actor, &t.research.slug, t.eve.id, ProjectRole::Admin)
        .await
        .unwrap();
    let outcome = t.directory.remove_member(&t.eve.actor, &t.slug, t.maya.id).await;
    assert_eq!(refusal(outcome), Refusal::Hidden);
    let outcome = t
        .directory
        .change_member_role(&t.eve.actor, &t.slug, t.eve.id, OrganizationRole::Admin)
        .await;
    assert_eq!(refusal(outcome), Refusal::Hidden);
}

/// X4: keeps the role, loses the badge, is in the Default Project; and from then on leaves as members do (M6).
#[sqlx::test]
async fn an_external_who_becomes_a_member_keeps_their_project_role(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .change_collaborator_role(&t.lead.actor, &t.research.slug, t.eve.id, ProjectRole::Admin)
        .await
        .unwrap();
    t.join(&t.eve, OrganizationRole::Member).await;
    let standing = t.standing(&t.research, &t.eve).await;
    assert_eq!(
        standing.organization,
        Some(OrganizationStanding::Member(OrganizationRole::Member))
    );
    assert_eq!(
        standing.project,
        Some(ProjectStanding {
            role: ProjectRole::Admin,
            because: Because::Added
        })
    );
    assert_eq!(t.row(&t.research, &t.eve).await.standing, standing);
    assert!(t.sees(&t.default, &t.eve).await);
    assert_eq!(
        t.directory
            .count_externals(&t.owner.actor, &t.research.slug)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        t.directory
            .remove_externals(&t.owner.actor, &t.research.slug, &[])
            .await
            .unwrap(),
        0
    );
    t.directory
        .remove_member(&t.owner.actor, &t.slug, t.eve.id)
        .await
        .unwrap();
    assert!(!t.sees(&t.research, &t.eve).await, "no external by it");
}

/// X4: the same where externals are not allowed any more.
#[sqlx::test]
async fn an_external_becomes_a_member_where_externals_are_off_by_now(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.allow(false).await;
    t.join(&t.eve, OrganizationRole::Member).await;
    assert_eq!(
        t.standing(&t.research, &t.eve).await.project.unwrap().because,
        Because::Added
    );
}

/// X6: where the operator wants it so, an Admin from outside learns nothing about who has an account; members learn it.
#[sqlx::test]
async fn an_admin_from_outside_gets_one_neutral_answer(pool: PgPool) {
    let neutral = Settings {
        neutral_add_errors: true,
        ..Settings::default()
    };
    let t = Tenant::new(&pool).await.with_settings(neutral);
    t.put(&t.research, &t.stranger, ProjectRole::Admin).await;
    t.allow(false).await;
    let other = t.someone("Otto Other", "otto@other.test").await;
    let add = async |who: &super::fixture::Person, typed: &str| {
        refusal(t.directory.add_collaborator(&who.actor, &t.research.slug, typed).await)
    };
    for typed in [other.email.as_str(), "nobody@other.test"] {
        assert_eq!(add(&t.stranger, typed).await, Refusal::CannotAdd);
    }
    assert_eq!(add(&t.stranger, "no address").await, Refusal::EmailInvalid);
    assert_eq!(add(&t.lead, &other.email).await, Refusal::NotInOrganization);
    assert_eq!(add(&t.lead, "nobody@other.test").await, Refusal::UserNotFound);
    t.directory
        .add_collaborator(&t.stranger.actor, &t.research.slug, &t.noah.email)
        .await
        .unwrap();

    let plain = t.with_settings(Settings::default());
    let outcome = plain
        .directory
        .add_collaborator(&plain.stranger.actor, &plain.research.slug, "nobody@other.test")
        .await;
    assert_eq!(refusal(outcome), Refusal::UserNotFound);
}

/// X6: sixty failures of one person in ten minutes that could tell who has an account. What succeeds does not count,
/// nor what tells nothing: no address, or no access.
#[sqlx::test]
async fn failed_adds_are_limited_per_person(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..2 {
        d.add_collaborator(&t.lead.actor, slug, &t.noah.email).await.unwrap();
        d.remove_collaborator(&t.lead.actor, slug, t.noah.id, &[])
            .await
            .unwrap();
    }
    for _ in 0..60 {
        let refused = refusal(d.add_collaborator(&t.lead.actor, slug, "nobody@acme.test").await);
        assert_eq!(refused, Refusal::UserNotFound);
        let refused = refusal(
            d.add_collaborator(&t.lead.actor, &t.production.slug, "nobody@acme.test")
                .await,
        );
        assert!(
            matches!(refused, Refusal::Hidden | Refusal::TooManyAttempts { .. }),
            "{refused:?}"
        );
    }
    let refused = refusal(d.add_collaborator(&t.lead.actor, slug, &t.noah.email).await);
    assert!(
        matches!(refused, Refusal::TooManyAttempts { retry_after: 1..=600 }),
        "{refused:?}"
    );
    assert!(!t.sees(&t.research, &t.noah).await);
    // Nobody else is held up, and in ten minutes neither are they.
    d.add_collaborator(&t.owner.actor, slug, &t.noah.email).await.unwrap();
    d.remove_collaborator(&t.owner.actor, slug, t.noah.id, &[])
        .await
        .unwrap();
    let later = d
        .clone()
        .with_clock(|| time::OffsetDateTime::now_utc() + time::Duration::minutes(11));
    later
        .add_collaborator(&t.lead.actor, slug, &t.noah.email)
        .await
        .unwrap();
}

/// X6, A1: with the address, in the project's own audit, if whoever tried has access to the project (A4).
#[sqlx::test]
async fn each_failed_add_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (who, typed, code, target_id) in [
        (&t.lead, "nobody@acme.test", "user_not_found", None),
        (&t.lead, "not an address\u{7}", "email_invalid", None),
        (&t.lead, "maya@acme.test", "already_collaborator", Some(t.maya.id.0)),
        (&t.maya, "noah@acme.test", "forbidden", None),
        (&t.stranger, "noah@acme.test", "not_found", None),
    ] {
        let (done, events) = t
            .audited(t.directory.add_collaborator(&who.actor, &t.research.slug, typed))
            .await;
        assert_eq!(refusal(done).code(), code);
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(
            (event.action.as_str(), event.refusal.as_deref()),
            ("collaborator:add", Some(code))
        );
        assert_eq!((event.actor_id, event.target_id), (Some(who.id.0), target_id));
        // A4: what is no address is nobody's to leave there.
        assert_eq!(event.target.as_deref(), Some(typed).filter(|_| code != "email_invalid"));
        assert_eq!(event.project_id, Some(t.research.id.0).filter(|_| code != "not_found"));
        assert_eq!((&event.before, &event.after), (&None, &None));
        assert_eq!(event.request_id, "request-1");
    }
}

/// X1: externals who stay when the project takes no more of them are kept as they are, and may still change their name.
#[sqlx::test]
async fn x1_an_external_who_stays_has_another_name(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.allow(false).await;
    t.directory
        .change_name(&t.eve.actor, &name("Eve Evermore"))
        .await
        .unwrap();
    let row: (String, Option<uuid::Uuid>) =
        sqlx::query_as("SELECT name, member_id FROM collaborators WHERE user_id = $1 AND project_id = $2")
            .bind(t.eve.id.0)
            .bind(t.research.id.0)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(row, ("Eve Evermore".to_owned(), None));
}
