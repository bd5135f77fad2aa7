//! P1 to P4, D1 to D4: projects, from first to last, their slugs, and the Default Project.

use policy::{Because, OrganizationRole, Permission, ProjectRole, ProjectStanding, Refusal};
use sqlx::PgPool;

use super::fixture::{Person, Project, Tenant, count, name, refusal, refused_by_database, slug, sql};
use crate::{Principal, ProjectChange, Result};

impl Tenant {
    async fn rename(&self, project: &Project, to: &str) -> Result<()> {
        let wanted = ProjectChange {
            slug: slug(to),
            ..self.settings(project).await
        };
        self.directory
            .update_project(&self.owner.actor, &project.slug, &wanted)
            .await
    }

    async fn create(&self, who: &Person, called: &str) -> Result<()> {
        let (title, slug) = (name("Vision"), slug(called));
        self.directory
            .create_project(&who.actor, &self.slug, &title, &slug)
            .await
    }

    async fn delete(&self, who: &Person, project: &Project, typed: &str) -> Result<policy::Name> {
        self.directory.delete_project(&who.actor, &project.slug, typed).await
    }

    async fn age_slugs(&self, days: i32) {
        sqlx::query("UPDATE project_slugs SET released_at = released_at - make_interval(days => $1)")
            .bind(days)
            .execute(&self.pool)
            .await
            .unwrap();
    }
}

fn with_slug(project: &Project, to: &str) -> Project {
    Project {
        id: project.id,
        slug: slug(to),
    }
}

/// P2: by a project Admin, whoever that is; nobody else.
#[sqlx::test]
async fn a_project_admin_changes_name_slug_and_settings(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let wanted = ProjectChange {
        name: name("Vision \u{1F440}"),
        slug: slug("vision"),
        allow_externals: false,
    };
    for (who, expected) in [
        (&t.maya, Refusal::Forbidden(Permission::ProjectUpdate)),
        (&t.eve, Refusal::Forbidden(Permission::ProjectUpdate)),
        (&t.noah, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden),
    ] {
        assert_eq!(
            refusal(t.directory.update_project(&who.actor, &t.research.slug, &wanted).await),
            expected
        );
    }
    t.directory
        .update_project(&t.lead.actor, &t.research.slug, &wanted)
        .await
        .unwrap();
    let seen = t.directory.project(&t.maya.actor, &slug("vision")).await.unwrap();
    assert_eq!(
        (seen.id, seen.name, seen.allow_externals),
        (t.research.id, wanted.name, false)
    );
}

/// P2: the old slug stops working, for those inside as for those outside; the id is for good.
#[sqlx::test]
async fn an_old_slug_stops_working(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.rename(&t.research, "vision").await.unwrap();
    for (who, person) in t.people() {
        assert!(!t.sees(&t.research, person).await, "{who}");
    }
    let outcome = t
        .directory
        .add_collaborator(&t.owner.actor, &t.research.slug, &t.noah.email)
        .await;
    assert_eq!(refusal(outcome), Refusal::Hidden);
    let ids = t.directory.project_ids(&t.owner.actor, &slug("vision")).await.unwrap();
    assert_eq!(ids, (t.organization, t.research.id));
}

/// P2: for 90 days to nobody else, in any organization.
#[sqlx::test]
async fn a_slug_let_go_is_given_to_nobody_else_for_90_days(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let old = t.research.slug.to_string();
    assert_eq!(
        refusal(t.rename(&t.production, &old).await),
        Refusal::SlugTaken,
        "in use"
    );
    t.rename(&t.research, "vision").await.unwrap();
    assert_eq!(
        refusal(t.rename(&t.production, &old).await),
        Refusal::SlugTaken,
        "let go just now"
    );
    t.age_slugs(89).await;
    assert_eq!(
        refusal(t.rename(&t.production, &old).await),
        Refusal::SlugTaken,
        "let go 89 days ago"
    );
    assert_eq!(
        refusal(other.rename(&other.production, &old).await),
        Refusal::SlugTaken,
        "in another organization"
    );
    assert!(
        t.sees(&t.production, &t.owner).await,
        "what was refused changed nothing"
    );
    t.age_slugs(1).await;
    other.rename(&other.production, &old).await.unwrap();
    assert!(other.sees(&with_slug(&other.production, &old), &other.owner).await);
    assert!(
        !t.sees(&t.research, &t.owner).await,
        "and leads its old project nowhere"
    );
}

/// P2: the quarantine keeps others out, not the project itself.
#[sqlx::test]
async fn a_project_takes_its_own_old_slug_back_at_any_time(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let old = t.research.slug.to_string();
    t.rename(&t.research, "vision").await.unwrap();
    t.rename(&with_slug(&t.research, "vision"), "sight").await.unwrap();
    t.rename(&with_slug(&t.research, "sight"), &old).await.unwrap();
    assert!(t.sees(&t.research, &t.maya).await);
    assert_eq!(refusal(t.rename(&t.production, "vision").await), Refusal::SlugTaken);
    assert_eq!(refusal(t.rename(&t.production, "sight").await), Refusal::SlugTaken);
}

/// P2: a slug is one project's. Of two who want it at once, one gets it and the other is told.
#[sqlx::test]
async fn of_two_projects_that_want_one_slug_at_once_one_gets_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (mut research, mut production) = (t.research.clone(), t.production.clone());
    for round in 0..20 {
        let wanted = format!("wanted-{round}");
        let outcomes = tokio::join!(t.rename(&research, &wanted), t.rename(&production, &wanted));
        let (winner, refused) = match outcomes {
            (Ok(()), refused) => (&mut research, refused),
            (refused, Ok(())) => (&mut production, refused),
            (Err(a), Err(b)) => panic!("{a} {b}"),
        };
        assert_eq!(refusal(refused), Refusal::SlugTaken);
        *winner = with_slug(winner, &wanted);
        assert!(t.sees(&research, &t.owner).await && t.sees(&production, &t.owner).await);
    }
}

/// P2: past the code, a project still has one slug, of the right form.
#[sqlx::test]
async fn the_database_refuses_two_current_slugs_and_malformed_ones(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let insert = |slug: &str| {
        let (organization, project) = (t.organization, t.research.id);
        format!(
            "INSERT INTO project_slugs (slug, organization_id, project_id) VALUES ('{slug}', '{organization}', '{project}')"
        )
    };
    assert_eq!(
        refused_by_database(&pool, &insert("second")).await,
        "project_slugs_one_current_index"
    );
    for malformed in ["ab", "-abc", "abc-", "Abc", "a_c", ""] {
        assert_eq!(
            refused_by_database(&pool, &insert(malformed)).await,
            "project_slugs_form",
            "{malformed:?}"
        );
    }
}

/// D1: it can be renamed.
#[sqlx::test]
async fn the_default_project_can_be_renamed_and_stays_the_default(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let wanted = ProjectChange {
        name: name("Everybody"),
        slug: slug("everybody"),
        allow_externals: false,
    };
    t.directory
        .update_project(&t.admin.actor, &t.default.slug, &wanted)
        .await
        .unwrap();
    let seen = t.directory.project(&t.noah.actor, &slug("everybody")).await.unwrap();
    assert!(seen.is_default);
    assert_eq!((seen.id, seen.name.as_str()), (t.default.id, "Everybody"));
}

/// D2: every member, with no row kept for it anywhere.
#[sqlx::test]
async fn every_member_is_in_the_default_project(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM collaborators WHERE project_id = $1")
        .bind(t.default.id.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 0);
    for (who, person) in t.people() {
        let is_member = !["eve", "stranger"].contains(&who);
        assert_eq!(t.sees(&t.default, person).await, is_member, "{who}");
    }
}

/// D2: past the code, neither an end date nor a deleted row takes the Default Project from a member.
#[sqlx::test]
async fn no_row_written_past_the_code_takes_the_default_project_from_a_member(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.put(&t.default, &t.maya, ProjectRole::Admin).await;
    t.let_end(&t.default, &t.maya, -1).await;
    assert!(t.sees(&t.default, &t.maya).await, "an end date in the past");
    sql(
        &pool,
        &format!("DELETE FROM collaborators WHERE project_id = '{}'", t.default.id),
    )
    .await;
    assert!(t.sees(&t.default, &t.maya).await, "no row");
    assert_eq!(
        t.standing(&t.default, &t.maya).await.project.unwrap().role,
        ProjectRole::Member
    );
}

/// D3: removing, leaving, and removing by whoever may remove elsewhere.
#[sqlx::test]
async fn nobody_is_removed_from_the_default_project_or_leaves_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for who in [&t.owner, &t.admin, &t.noah] {
        let outcome = t
            .directory
            .remove_collaborator(&who.actor, &t.default.slug, t.noah.id, &[])
            .await;
        assert_eq!(refusal(outcome), Refusal::DefaultProjectForAll);
    }
    // Nor with a role of one's own there.
    t.directory
        .change_collaborator_role(&t.owner.actor, &t.default.slug, t.noah.id, ProjectRole::Admin)
        .await
        .unwrap();
    for who in [&t.owner, &t.noah] {
        let outcome = t
            .directory
            .remove_collaborator(&who.actor, &t.default.slug, t.noah.id, &[])
            .await;
        assert_eq!(refusal(outcome), Refusal::DefaultProjectForAll);
    }
    assert!(t.sees(&t.default, &t.noah).await);
}

/// C5, D2: a role in the Default Project is given and taken back; the access stays, with its reason.
#[sqlx::test]
async fn a_member_can_be_made_an_admin_of_the_default_project_and_back(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for role in [
        ProjectRole::Admin,
        ProjectRole::Member,
        ProjectRole::Member,
        ProjectRole::Admin,
    ] {
        t.directory
            .change_collaborator_role(&t.owner.actor, &t.default.slug, t.noah.id, role)
            .await
            .unwrap();
        let expected = ProjectStanding {
            role,
            because: Because::OrganizationMember,
        };
        assert_eq!(t.standing(&t.default, &t.noah).await.project, Some(expected));
        assert_eq!(t.row(&t.default, &t.noah).await.standing.project, Some(expected));
    }
    let end = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
    let outcome = t
        .directory
        .set_collaborator_end_date(&t.owner.actor, &t.default.slug, t.noah.id, end)
        .await;
    assert_eq!(refusal(outcome), Refusal::NoEndDate);
}

/// D4: by no door of the directory.
#[sqlx::test]
async fn the_default_project_takes_no_external(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let wanted = ProjectChange {
        allow_externals: true,
        ..t.settings(&t.default).await
    };
    let outcome = t
        .directory
        .update_project(&t.owner.actor, &t.default.slug, &wanted)
        .await;
    assert_eq!(refusal(outcome), Refusal::ExternalInDefaultProject);
    for person in [&t.eve, &t.stranger] {
        let outcome = t
            .directory
            .add_collaborator(&t.owner.actor, &t.default.slug, &person.email)
            .await;
        assert_eq!(refusal(outcome), Refusal::ExternalInDefaultProject);
    }
}

/// D4: past the code, too: by a setting, a new row, a row moved there, a member's row made an external's.
#[sqlx::test]
async fn the_database_refuses_externals_in_the_default_project(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (organization, default, eve) = (t.organization, t.default.id, t.eve.id);
    for (sql, constraint) in [
        (
            format!("UPDATE projects SET allow_externals = true WHERE id = '{default}'"),
            "projects_default_has_no_externals",
        ),
        (
            format!(
                "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at)
                 SELECT '{organization}', '{default}', id, name, 'member', now() FROM users WHERE id = '{eve}'"
            ),
            "collaborators_external_allowed",
        ),
        (
            format!("UPDATE collaborators SET project_id = '{default}' WHERE user_id = '{eve}'"),
            "collaborators_external_allowed",
        ),
        (
            format!(
                "UPDATE collaborators SET member_id = '{}' WHERE user_id = '{eve}'",
                t.maya.id
            ),
            // The row finds out itself whose it is, whatever was written: an external's, in a project that takes no
            // more.
            "collaborators_external_allowed",
        ),
    ] {
        t.set_externals(&t.research, false).await;
        assert_eq!(refused_by_database(&pool, &sql).await, constraint, "{sql}");
    }
    t.put(&t.default, &t.maya, ProjectRole::Member).await;
    sql(
        &pool,
        &format!(
            "UPDATE collaborators SET member_id = NULL WHERE user_id = '{}'",
            t.maya.id
        ),
    )
    .await;
    let externals: i64 = sqlx::query_scalar("SELECT count(*) FROM access WHERE project_id = $1 AND is_external")
        .bind(default.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(externals, 0);
}

/// C4, D2: a person's projects, the Default Project first, then by name, each once.
#[sqlx::test]
async fn a_person_sees_their_projects_in_order(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.put(&t.research, &t.admin, ProjectRole::Member).await;
    t.put(&t.research, &t.stranger, ProjectRole::Member).await;
    let all = vec!["acme-default", "acme-production", "acme-research"];
    for (who, person, expected) in [
        ("owner", &t.owner, all.clone()),
        ("admin", &t.admin, all),
        ("maya", &t.maya, vec!["acme-default", "acme-research"]),
        ("noah", &t.noah, vec!["acme-default"]),
        ("eve", &t.eve, vec!["acme-research"]),
        ("stranger", &t.stranger, vec!["acme-research", "acme-elsewhere-default"]),
    ] {
        let seen = t.directory.find_projects(&person.actor, None, "", 10).await.unwrap();
        let seen: Vec<_> = seen.iter().map(|project| project.slug.as_str()).collect();
        assert_eq!(seen, expected, "{who}");
    }
    t.join(&t.stranger, OrganizationRole::Admin).await;
    assert_eq!(
        t.directory
            .find_projects(&t.stranger.actor, None, "", 10)
            .await
            .unwrap()
            .len(),
        4
    );
    assert_eq!(
        t.directory
            .find_projects(&t.stranger.actor, None, "", 2)
            .await
            .unwrap()
            .len(),
        2
    );
}

/// A1
#[sqlx::test]
async fn changes_of_settings_are_audited_with_what_was_before_and_after(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (done, events) = t.audited(t.rename(&t.research, "vision")).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.action.as_str(), &event.refusal), ("project:update", &None));
    assert_eq!(event.before.as_ref().unwrap()["slug"], "acme-research");
    assert_eq!(event.after.as_ref().unwrap()["slug"], "vision");

    let (done, events) = t.audited(t.rename(&t.production, "vision")).await;
    assert_eq!(refusal(done), Refusal::SlugTaken);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.refusal.as_deref(), Some("slug_taken"));
    assert_eq!(event.project_id, Some(t.production.id.0));
    assert_eq!(event.after, None, "nothing came of it");
}

/// P1, P2, C4: by organization Admins; they are its Admins by that, nobody else is in it, and no externals are let in.
#[sqlx::test]
async fn organization_admins_create_projects(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (who, expected) in [
        (&t.lead, Refusal::Forbidden(Permission::ProjectCreate)),
        (&t.noah, Refusal::Forbidden(Permission::ProjectCreate)),
        (&t.eve, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden),
    ] {
        assert_eq!(refusal(t.create(who, "vision").await), expected);
        assert_eq!(
            refusal(t.create(who, "acme-research").await),
            expected,
            "P3: whether it is taken is not told"
        );
    }
    let (done, events) = t.audited(t.create(&t.admin, "vision")).await;
    done.unwrap();
    let seen = t.directory.project(&t.admin.actor, &slug("vision")).await.unwrap();
    assert_eq!(
        (seen.name.as_str(), seen.is_default, seen.allow_externals),
        ("Vision", false, false)
    );
    let vision = Project {
        id: seen.id,
        slug: slug("vision"),
    };
    for (who, person) in t.people() {
        let is_admin = ["owner", "admin"].contains(&who);
        assert_eq!(t.sees(&vision, person).await, is_admin, "{who}");
    }
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target.as_deref()),
        ("project:create", Some("vision"))
    );
    assert_eq!(
        (event.organization_id, event.project_id),
        (Some(t.organization.0), Some(vision.id.0))
    );
    assert_eq!(
        event.after,
        Some(serde_json::json!({ "name": "Vision", "slug": "vision" }))
    );
}

/// P2: a slug that is in use anywhere, or was until less than 90 days ago, is taken; names may be the same.
#[sqlx::test]
async fn a_new_project_takes_a_free_slug_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let before = count(&pool, "SELECT count(*) FROM projects").await;
    t.rename(&t.research, "vision").await.unwrap();
    for taken in ["vision", "acme-research", "acme-default", "other-production"] {
        assert_eq!(refusal(t.create(&t.owner, taken).await), Refusal::SlugTaken, "{taken}");
        assert_eq!(
            refusal(other.create(&other.owner, taken).await),
            Refusal::SlugTaken,
            "{taken}"
        );
    }
    assert_eq!(
        count(&pool, "SELECT count(*) FROM projects").await,
        before,
        "nothing is left of what was refused"
    );
    t.create(&t.owner, "sight").await.unwrap();
    t.create(&t.owner, "hearing").await.unwrap();
    t.age_slugs(90).await;
    other.create(&other.owner, "acme-research").await.unwrap();
}

/// P1: where the operator switched them off, nobody creates one; those that are there stay, and it can be switched on
/// again.
#[sqlx::test]
async fn additional_projects_can_be_switched_off(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let (done, events) = t
        .audited(
            t.directory
                .set_additional_projects(&Principal::operator(), &t.slug, false),
        )
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.actor_kind.as_str(), event.action.as_str()),
        ("operator", "organization:additional_projects")
    );
    assert_eq!(event.organization_id, Some(t.organization.0));
    assert_eq!(event.before, Some(serde_json::json!({ "additional_projects": true })));
    assert_eq!(event.after, Some(serde_json::json!({ "additional_projects": false })));
    for who in [&t.owner, &t.admin] {
        assert_eq!(refusal(t.create(who, "vision").await), Refusal::ProjectsSwitchedOff);
    }
    let forbidden = refusal(t.create(&t.maya, "vision").await);
    assert_eq!(
        forbidden,
        Refusal::Forbidden(Permission::ProjectCreate),
        "that is another matter"
    );
    assert!(
        !t.directory
            .organization(&t.maya.actor, &t.slug)
            .await
            .unwrap()
            .additional_projects
    );
    assert!(t.sees(&t.research, &t.maya).await);
    t.rename(&t.research, "sight").await.unwrap();
    other.create(&other.owner, "vision").await.unwrap();
    t.directory
        .set_additional_projects(&Principal::operator(), &t.slug, true)
        .await
        .unwrap();
    t.create(&t.admin, "hearing").await.unwrap();
    let nowhere = t
        .directory
        .set_additional_projects(&Principal::operator(), &slug("no-such-organization"), true)
        .await;
    assert_eq!(refusal(nowhere), Refusal::Hidden);
}

/// P4, R2, P3: organization Admins alone, with the slug typed. A project's own Admin sees it, so hears no; who has no
/// access hears that there is none, also where they read its name in the organization's list.
#[sqlx::test]
async fn who_may_delete_a_project(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let outside = t.someone("Xena External", "xena@partner.test").await;
    t.put(&t.research, &outside, ProjectRole::Admin).await;
    let typed = t.research.slug.as_str();
    let forbidden = Refusal::Forbidden(Permission::ProjectDelete);
    for (who, expected) in [
        (&t.lead, forbidden),
        (&t.maya, forbidden),
        (&t.eve, forbidden),
        (&outside, forbidden),
        (&t.noah, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden),
    ] {
        for typed in [typed, "something else"] {
            assert_eq!(
                refusal(t.delete(who, &t.research, typed).await),
                expected,
                "{}",
                who.email
            );
        }
    }
    for wrong in ["", "acme_research", "acme-research-", "Acme Research"] {
        assert_eq!(
            refusal(t.delete(&t.owner, &t.research, wrong).await),
            Refusal::ConfirmationWrong,
            "{wrong}"
        );
    }
    for who in [&t.owner, &t.admin] {
        let kept = t.delete(who, &t.default, t.default.slug.as_str()).await;
        assert_eq!(refusal(kept), Refusal::DefaultProjectKept, "D1");
    }
    let member = refusal(t.delete(&t.maya, &t.default, "").await);
    assert_eq!(member, forbidden);
    for project in [&t.default, &t.research, &t.production] {
        assert!(t.sees(project, &t.owner).await);
    }
    t.delete(&t.admin, &t.research, " acme-research ").await.unwrap();
}

/// P4, P2, E5: gone at once, for everybody; its slug is nobody's for 90 days, not even its organization's; the rest
/// stays.
#[sqlx::test]
async fn a_deleted_project_is_gone_and_its_slug_rests(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let typed = t.research.slug.to_string();
    let (done, events) = t.audited(t.delete(&t.owner, &t.research, &typed)).await;
    assert_eq!(done.unwrap().as_str(), "acme-research");
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target.as_deref()),
        ("project:delete", Some("acme-research"))
    );
    assert_eq!((event.project_id, &event.after), (Some(t.research.id.0), &None));
    assert_eq!(
        event.before,
        Some(serde_json::json!({ "name": "acme-research", "slug": "acme-research", "collaborators": 3, "keys": 0 }))
    );
    for (who, person) in t.people() {
        assert!(!t.sees(&t.research, person).await, "{who}");
        assert!(
            !t.directory
                .has_access(&person.actor, t.organization, t.research.id)
                .await
                .unwrap()
        );
    }
    assert!(
        t.directory.organizations_of(&t.eve.actor, 10).await.unwrap().is_empty(),
        "X3"
    );
    assert_eq!(
        count(
            &pool,
            &format!(
                "SELECT count(*) FROM collaborators WHERE project_id = '{}'",
                t.research.id
            )
        )
        .await,
        0
    );
    assert!(t.sees(&t.default, &t.maya).await && t.sees(&t.production, &t.admin).await);
    assert_eq!(refusal(t.delete(&t.owner, &t.research, &typed).await), Refusal::Hidden);
    for days in [0, 89] {
        t.age_slugs(days).await;
        assert_eq!(refusal(t.create(&t.owner, &typed).await), Refusal::SlugTaken, "{days}");
        assert_eq!(
            refusal(other.create(&other.owner, &typed).await),
            Refusal::SlugTaken,
            "{days}"
        );
        assert_eq!(
            refusal(t.rename(&t.production, &typed).await),
            Refusal::SlugTaken,
            "{days}"
        );
    }
    t.age_slugs(1).await;
    other.create(&other.owner, &typed).await.unwrap();
    assert!(
        !t.sees(&t.research, &t.maya).await,
        "who was in the old one is not in the new one"
    );
}
