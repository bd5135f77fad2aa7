//! O1 to O3, D1: an organization is whole from its first instant to its last.

use policy::{OrganizationRole, OrganizationStanding, Permission, ProjectRole, Refusal};
use sqlx::PgPool;

use super::fixture::{
    Tenant, account, actor, anonymous, count, directory, events, name, refusal, refused_by_database, slug, sql,
    until_one_waits, until_waiting,
};
use crate::{Principal, Settings, Target, organizations};

/// O1, O2, D1, D2
#[sqlx::test]
async fn signing_up_makes_an_organization_with_its_owner_and_its_default_project(pool: PgPool) {
    let directory = directory(&pool);
    let session = directory
        .sign_up(&anonymous(), account("Maya Muster", "maya@acme.test"))
        .await
        .unwrap();
    let user = &actor(&directory, &session.token).await;

    let organizations = directory.organizations_of(user, 10).await.unwrap();
    let [organization] = &organizations[..] else {
        panic!("{organizations:?}")
    };
    assert_eq!(organization.name.as_str(), "Maya Muster’s organization");
    assert_eq!(organization.slug, slug("maya-muster"));
    assert_eq!(organization.standing, Some(OrganizationStanding::Owner));

    let projects = directory.find_projects(user, None, "", 10).await.unwrap();
    let [project] = &projects[..] else {
        panic!("{projects:?}")
    };
    assert_eq!(project.name.as_str(), "Default Project");
    let project = directory.project(user, &project.slug).await.unwrap();
    assert!(project.is_default && !project.allow_externals);
    assert_eq!(project.standing.project.unwrap().role, ProjectRole::Admin);
}

/// O1: in one transaction. Whatever part of it fails, nothing of it is there.
#[sqlx::test]
async fn no_part_of_a_sign_up_stays_when_another_fails(pool: PgPool) {
    let directory = directory(&pool);
    sql(
        &pool,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'",
    )
    .await;
    for table in [
        "organizations",
        "members",
        "projects",
        "project_slugs",
        "sessions",
        "audit_events",
    ] {
        sql(
            &pool,
            &format!("CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"),
        )
        .await;
        assert!(
            directory
                .sign_up(&anonymous(), account("Maya", "maya@acme.test"))
                .await
                .is_err()
        );
        let left = count(
            &pool,
            "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM organizations)",
        )
        .await;
        assert_eq!(left, 0, "{table}");
        sql(&pool, &format!("DROP TRIGGER fail ON {table}")).await;
    }
    directory
        .sign_up(&anonymous(), account("Maya", "maya@acme.test"))
        .await
        .unwrap();
}

/// O2: people of one name do not stand in each other's way, not even at the same instant: here the other is about to
/// commit.
#[sqlx::test]
async fn people_of_the_same_name_can_sign_up_at_once(pool: PgPool) {
    let directory = directory(&pool);
    let other = directory
        .create_user(&Principal::operator(), account("Other", "other@acme.test"))
        .await
        .unwrap();
    let somebody = anonymous();
    let (has_created, created) = tokio::sync::oneshot::channel();
    let waits_on = pool.clone();
    let operator = Principal::operator();
    let creating = directory.change(&operator, "fixture", |change| {
        Box::pin(async move {
            let change = &mut change.permit_operator()?;
            organizations::create(change, other, &name("First"), "maya-muster", None, true).await?;
            has_created.send(()).unwrap();
            until_one_waits(&waits_on).await;
            Ok(())
        })
    });
    let signing_up = async {
        created.await.unwrap();
        directory
            .sign_up(&somebody, account("Maya Muster", "maya@acme.test"))
            .await
    };
    let (session, created) = tokio::join!(signing_up, creating);
    created.unwrap();
    session.unwrap();
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM organizations WHERE slug LIKE 'maya-muster%'"
        )
        .await,
        2
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM projects WHERE is_default").await, 3);
}

/// O2: nor does an organization that is getting the wanted slug at that instant.
#[sqlx::test]
async fn a_sign_up_gives_way_to_an_organization_that_takes_its_slug(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (title, wanted, somebody) = (name("Acme Research"), slug("maya-muster"), anonymous());
    let mut tx = pool.begin().await.unwrap();
    // The new slug is written, and its change waits to be audited …
    sqlx::query("LOCK TABLE audit_events IN EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let (renamed, signed_up) = tokio::join!(
        t.directory
            .update_organization(&t.owner.actor, &t.slug, &title, &wanted),
        async {
            until_waiting(&pool, 1).await;
            // … when somebody signs up whose organization would have it.
            let (signed_up, ()) = tokio::join!(
                t.directory.sign_up(&somebody, account("Maya Muster", "maya@new.test")),
                async {
                    until_waiting(&pool, 2).await;
                    tx.commit().await.unwrap();
                }
            );
            signed_up
        }
    );
    renamed.unwrap();
    let maya = actor(&t.directory, &signed_up.unwrap().token).await;
    let own = t.directory.organizations_of(&maya, 10).await.unwrap();
    assert!(own[0].slug.as_str().starts_with("maya-muster-"), "{own:?}");
}

/// O2: a name need not have a letter of a to z, nor be short.
#[sqlx::test]
async fn any_name_makes_an_organization(pool: PgPool) {
    let directory = directory(&pool);
    let names = [
        "李小龍".to_owned(),
        "Х".to_owned(),
        "é".repeat(100),
        "a".repeat(100),
        "\u{1F469}\u{200D}\u{1F4BB}".to_owned(),
    ];
    for (number, name) in names.iter().enumerate() {
        directory
            .create_user(
                &Principal::operator(),
                account(name, &format!("person{number}@acme.test")),
            )
            .await
            .unwrap();
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM organizations").await, 5);
}

/// O2: where the operator closed sign-up, nothing is made, and it is audited who tried.
#[sqlx::test]
async fn nobody_signs_up_where_that_is_closed(pool: PgPool) {
    let closed = crate::Directory::new(
        pool.clone(),
        Settings {
            open_sign_up: false,
            ..Settings::default()
        },
    );
    let outcome = closed.sign_up(&anonymous(), account("Maya", "maya@acme.test")).await;
    assert_eq!(refusal(outcome), Refusal::SignUpClosed);
    assert_eq!(count(&pool, "SELECT count(*) FROM users").await, 0);
    let events = events(&pool).await;
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.refusal.as_deref()),
        ("user:create", Some("sign_up_closed"))
    );
    assert_eq!(event.target.as_deref(), Some("maya@acme.test"));
    // The operator still can.
    closed
        .create_user(&Principal::operator(), account("Maya", "maya@acme.test"))
        .await
        .unwrap();
}

/// P1: what the operator decided goes into the new organization.
#[sqlx::test]
async fn a_new_organization_gets_the_operators_setting_for_additional_projects(pool: PgPool) {
    for (wanted, email) in [(true, "maya@acme.test"), (false, "mia@acme.test")] {
        let settings = Settings {
            additional_projects: wanted,
            ..Settings::default()
        };
        let directory = crate::Directory::new(pool.clone(), settings);
        directory
            .create_user(&Principal::operator(), account("Muster", email))
            .await
            .unwrap();
        let last: bool =
            sqlx::query_scalar("SELECT additional_projects FROM organizations ORDER BY created_at DESC LIMIT 1")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(last, wanted);
    }
}

/// O2, X3: a person's organizations are those they are a member of and those they are an external of, the latter
/// without a place.
#[sqlx::test]
async fn a_person_sees_their_organizations_and_what_they_are_in_each(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let member = |role| Some(OrganizationStanding::Member(role));
    for (who, person, expected) in [
        ("owner", &t.owner, vec![("acme", Some(OrganizationStanding::Owner))]),
        ("admin", &t.admin, vec![("acme", member(OrganizationRole::Admin))]),
        ("maya", &t.maya, vec![("acme", member(OrganizationRole::Member))]),
        ("eve", &t.eve, vec![("acme", None)]),
        (
            "stranger",
            &t.stranger,
            vec![("acme-elsewhere", Some(OrganizationStanding::Owner))],
        ),
    ] {
        let seen = t.directory.organizations_of(&person.actor, 10).await.unwrap();
        let seen: Vec<_> = seen.iter().map(|one| (one.slug.as_str(), one.standing)).collect();
        assert_eq!(seen, expected, "{who}");
    }
    t.let_end(&t.research, &t.eve, -1).await;
    assert!(t.directory.organizations_of(&t.eve.actor, 10).await.unwrap().is_empty());
    assert_eq!(t.directory.organizations_of(&t.owner.actor, 0).await.unwrap().len(), 0);
}

/// D1: the database holds it without the code's help.
#[sqlx::test]
async fn the_database_refuses_a_second_default_project_and_none_at_all(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (organization, default, other) = (t.organization, t.default.id, t.production.id);
    for (sql, constraint) in [
        (
            format!(
                "INSERT INTO projects (organization_id, id, name, is_default, created_at)
                 VALUES ('{organization}', gen_random_uuid(), 'Second', true, now())"
            ),
            "projects_one_default_index",
        ),
        (
            format!("UPDATE projects SET is_default = true WHERE id = '{other}'"),
            "projects_one_default_index",
        ),
        (
            // D6: its key holds it to that as well, and says so sooner.
            format!("UPDATE projects SET is_default = false WHERE id = '{default}'"),
            "api_keys_default_project_fkey",
        ),
        (
            format!("DELETE FROM projects WHERE id = '{default}'"),
            "organizations_default_project_fkey",
        ),
        (
            format!("UPDATE organizations SET default_project_id = '{other}' WHERE id = '{organization}'"),
            "organizations_default_project_fkey",
        ),
        (
            format!("UPDATE organizations SET default_project_id = gen_random_uuid() WHERE id = '{organization}'"),
            "organizations_default_project_fkey",
        ),
    ] {
        assert_eq!(refused_by_database(&pool, &sql).await, constraint, "{sql}");
    }
    // An organization without a project or an Owner does not come to be.
    let new =
        "INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
               SELECT gen_random_uuid(), 'hollow', 'Hollow', true, now(), id, gen_random_uuid() FROM users LIMIT 1";
    let constraint = refused_by_database(&pool, new).await;
    assert!(
        [
            "organizations_default_project_fkey",
            "organizations_owner_is_admin_fkey"
        ]
        .contains(&constraint.as_str())
    );
}

/// The house's rule: no row mixes two tenants.
#[sqlx::test]
async fn the_database_refuses_a_collaborator_row_across_tenants(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let sql = format!(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at)
         SELECT '{}', '{}', id, name, 'member', now() FROM users WHERE id = '{}'",
        t.organization, other.research.id, t.maya.id
    );
    assert_eq!(refused_by_database(&pool, &sql).await, "collaborators_project_fkey");
    let sql = format!(
        "UPDATE collaborators SET organization_id = '{}' WHERE user_id = '{}'",
        other.organization, t.eve.id
    );
    assert_eq!(refused_by_database(&pool, &sql).await, "collaborators_project_fkey");
}

/// O3: by Admins; every member reads it, under the new slug from then on; nobody who was in it is put out by that.
#[sqlx::test]
async fn admins_change_an_organizations_name_and_slug(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (title, new) = (name("Acme Labs \u{1F52C}"), slug("acme-labs"));
    for (who, expected) in [
        (&t.lead, Refusal::Forbidden(Permission::OrganizationUpdate)),
        (&t.noah, Refusal::Forbidden(Permission::OrganizationUpdate)),
        (&t.eve, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden),
    ] {
        for slug in [&new, &slug("acme-elsewhere")] {
            let outcome = d.update_organization(&who.actor, &t.slug, &title, slug).await;
            assert_eq!(refusal(outcome), expected);
        }
    }
    let taken = d
        .update_organization(&t.admin.actor, &t.slug, &title, &slug("acme-elsewhere"))
        .await;
    assert_eq!(refusal(taken), Refusal::SlugTaken);
    let nowhere = d
        .update_organization(&t.admin.actor, &slug("no-such-organization"), &title, &new)
        .await;
    assert_eq!(refusal(nowhere), Refusal::Hidden);
    let unchanged = d.organization(&t.maya.actor, &t.slug).await.unwrap();
    assert_eq!(unchanged.name.as_str(), "Acme Research");

    let (done, events) = t
        .audited(d.update_organization(&t.admin.actor, &t.slug, &title, &new))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.organization_id),
        ("organization:update", Some(t.organization.0))
    );
    assert_eq!(
        event.before,
        Some(serde_json::json!({ "name": "Acme Research", "slug": "acme" }))
    );
    assert_eq!(
        event.after,
        Some(serde_json::json!({ "name": title, "slug": "acme-labs" }))
    );
    for person in [&t.owner, &t.maya] {
        let seen = d.organization(&person.actor, &new).await.unwrap();
        assert_eq!((seen.id, seen.name.as_str()), (t.organization, title.as_str()));
        assert_eq!(refusal(d.organization(&person.actor, &t.slug).await), Refusal::Hidden);
        assert!(t.sees(&t.default, person).await);
    }
    // Its own slug is not in its own way.
    d.update_organization(&t.owner.actor, &new, &name("Acme"), &new)
        .await
        .unwrap();
    d.update_organization(&t.owner.actor, &new, &name("Acme"), &t.slug)
        .await
        .unwrap();
}

/// W1: the Owner deletes it, once nobody else and nothing but the Default Project is in it, with its name typed.
#[sqlx::test]
async fn an_organization_in_use_is_not_deleted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let delete =
        async |who: &super::fixture::Person, typed: &str| d.delete_organization(&who.actor, &t.slug, typed).await;
    for (who, expected) in [
        (&t.admin, Refusal::OwnerOnly),
        (&t.maya, Refusal::OwnerOnly),
        (&t.eve, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden),
        (&t.owner, Refusal::OrganizationInUse),
    ] {
        for typed in ["Acme Research", "something else"] {
            assert_eq!(refusal(delete(who, typed).await), expected);
        }
    }
    for project in [&t.research, &t.production] {
        d.delete_project(&t.owner.actor, &project.slug, project.slug.as_str())
            .await
            .unwrap();
    }
    for person in [&t.admin, &t.lead, &t.maya] {
        d.remove_member(&t.owner.actor, &t.slug, person.id).await.unwrap();
    }
    assert_eq!(
        refusal(delete(&t.owner, "Acme Research").await),
        Refusal::OrganizationInUse,
        "noah is there"
    );
    d.remove_member(&t.owner.actor, &t.slug, t.noah.id).await.unwrap();
    for wrong in ["", "acme", "acme research"] {
        assert_eq!(
            refusal(delete(&t.owner, wrong).await),
            Refusal::ConfirmationWrong,
            "{wrong}"
        );
    }
    assert!(t.sees(&t.default, &t.owner).await);
    delete(&t.owner, " Acme Research").await.unwrap();
}

/// W1, P2: nothing is left of a deleted organization but its audit and its project's slug, which rests.
#[sqlx::test]
async fn nothing_is_left_of_a_deleted_organization(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let elsewhere = slug("acme-elsewhere");
    let sent = d
        .invite_member(&t.stranger.actor, &elsewhere, "nina@new.test")
        .await
        .unwrap();
    let id = d.organization(&t.stranger.actor, &elsewhere).await.unwrap().id;
    let (done, events) = t
        .audited(d.delete_organization(&t.stranger.actor, &elsewhere, "Elsewhere"))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target.as_deref()),
        ("organization:delete", Some("acme-elsewhere"))
    );
    assert_eq!(event.organization_id, Some(id.0));
    assert_eq!(event.before, Some(serde_json::json!({ "name": "Elsewhere" })));
    assert_eq!(
        refusal(d.organization(&t.stranger.actor, &elsewhere).await),
        Refusal::Hidden
    );
    assert!(d.organizations_of(&t.stranger.actor, 10).await.unwrap().is_empty());
    assert!(
        d.find_projects(&t.stranger.actor, None, "", 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(refusal(d.open_invitation(&sent.token).await), Refusal::Hidden);
    assert!(d.take_mail().await.unwrap().is_none());
    for table in [
        "organizations",
        "members",
        "projects",
        "invitations",
        "invitation_tokens",
        "outbox",
    ] {
        let column = if table == "organizations" {
            "id"
        } else {
            "organization_id"
        };
        assert_eq!(
            count(&pool, &format!("SELECT count(*) FROM {table} WHERE {column} = '{id}'")).await,
            0,
            "{table}"
        );
    }
    let resting = slug("acme-elsewhere-default");
    let create = async || {
        d.create_project(&t.owner.actor, &t.slug, &name("Again"), &resting)
            .await
    };
    assert_eq!(refusal(create().await), Refusal::SlugTaken);
    sql(
        &pool,
        "UPDATE project_slugs SET released_at = released_at - interval '90 days'",
    )
    .await;
    create().await.unwrap();
    // The organization's own slug leads nowhere but there, and is free.
    d.update_organization(&t.owner.actor, &t.slug, &name("Acme"), &elsewhere)
        .await
        .unwrap();
}

/// P1, W2: what an operator sees of every organization.
#[sqlx::test]
async fn the_operator_sees_every_organization(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .set_additional_projects(&Principal::operator(), &t.slug, false)
        .await
        .unwrap();
    let seen = t.directory.organizations(&Principal::operator()).await.unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|one| {
            let texts = (one.slug.as_str(), one.name.as_str(), one.owner.as_str());
            (texts, one.members, one.projects, one.additional_projects)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (("acme", "Acme Research", "olivia@acme.test"), 5, 3, false),
            (("acme-elsewhere", "Elsewhere", "sam@acme.test"), 1, 1, true),
        ]
    );
}

/// R2, A1: asked for before what was typed is looked at; a no is audited, a yes is not yet anything.
#[sqlx::test]
async fn a_permission_in_an_organization_can_be_asked_for_first(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for (who, permission, expected) in [
        (&t.admin, Permission::MemberInvite, None),
        (&t.maya, Permission::MemberList, None),
        (
            &t.maya,
            Permission::MemberInvite,
            Some(Refusal::Forbidden(Permission::MemberInvite)),
        ),
        (&t.eve, Permission::MemberList, Some(Refusal::Hidden)),
        (&t.stranger, Permission::ProjectCreate, Some(Refusal::Hidden)),
    ] {
        let (outcome, events) = t
            .audited(d.authorize(&who.actor, permission, Target::Organization(&t.slug)))
            .await;
        match expected {
            None => {
                outcome.unwrap();
                assert!(events.is_empty());
            }
            Some(expected) => {
                assert_eq!(refusal(outcome), expected);
                let [event] = &events[..] else { panic!("{events:?}") };
                assert_eq!(
                    (event.action.as_str(), event.refusal.as_deref()),
                    (permission.name(), Some(expected.code()))
                );
                assert_eq!(
                    (event.actor_id, event.organization_id),
                    (
                        Some(who.id.0),
                        Some(t.organization.0).filter(|_| expected != Refusal::Hidden)
                    )
                );
            }
        }
    }
    let nowhere = d
        .authorize(
            &t.owner.actor,
            Permission::MemberList,
            Target::Organization(&slug("no-such-organization")),
        )
        .await;
    assert_eq!(refusal(nowhere), Refusal::Hidden);
}
