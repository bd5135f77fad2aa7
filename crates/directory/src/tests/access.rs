//! C1, C4, C8, D2, X2, R3: who has access to which project, as what, and for which reasons.

use std::collections::BTreeMap;

use policy::{
    Because, OrganizationRole, OrganizationStanding, ProjectId, ProjectRole, ProjectStanding, Reason, UserId,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use sqlx::{PgPool, PgTransaction};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Tenant, for_all, sql};
use crate::{
    CollaboratorQuery,
    authorization::{lookup::find_project, standing::find_person},
};

/// A row in `collaborators`: its role, and in how many days it ends.
type Given = (ProjectRole, Option<i64>);

/// What a random organization has of one person: their membership, and their rows in the Default Project, Research and
/// Production.
type Person = (Option<OrganizationRole>, [Option<Given>; 3]);

fn person() -> impl Strategy<Value = Person> {
    let end = prop_oneof![Just(None), Just(Some(-1)), Just(Some(1))];
    let given = move || option::of((select(&ProjectRole::ALL[..]), end.clone()));
    let role = option::of(select(&OrganizationRole::ALL[..]));
    (role, [given(), given(), given()])
}

/// Each person's reasons in each project, the one that counts first; nobody without one.
type Access = BTreeMap<(ProjectId, UserId), Vec<Reason>>;

/// What the tables say, read without the views.
struct Tables {
    projects: Vec<(Uuid, bool)>,
    members: BTreeMap<Uuid, OrganizationStanding>,
    given: BTreeMap<(Uuid, Uuid), (ProjectRole, Option<OffsetDateTime>)>,
}

impl Tables {
    async fn read(t: &Tenant) -> Self {
        let projects = sqlx::query_as("SELECT id, is_default FROM projects WHERE organization_id = $1");
        let members = sqlx::query_as("SELECT user_id, role FROM members WHERE organization_id = $1");
        let given = sqlx::query_as(
            "SELECT project_id, user_id, role, expires_at FROM collaborators WHERE organization_id = $1",
        );
        let members: Vec<(Uuid, String)> = members.bind(t.organization.0).fetch_all(&t.pool).await.unwrap();
        let given: Vec<(Uuid, Uuid, String, _)> = given.bind(t.organization.0).fetch_all(&t.pool).await.unwrap();
        Self {
            projects: projects.bind(t.organization.0).fetch_all(&t.pool).await.unwrap(),
            members: members
                .into_iter()
                .map(|(user, role)| (user, OrganizationStanding::Member(role.parse().unwrap())))
                .collect(),
            given: given
                .into_iter()
                .map(|(project, user, role, end)| ((project, user), (role.parse().unwrap(), end)))
                .collect(),
        }
    }

    /// Every reason of one person in one project.
    fn reasons(&self, project: Uuid, is_default: bool, user: Uuid) -> Vec<Reason> {
        let member = self.members.get(&user);
        let mut reasons = Vec::new();
        if member.is_some_and(|place| place.is_admin()) {
            reasons.push((Because::OrganizationAdmin, ProjectRole::Admin));
        }
        match self.given.get(&(project, user)) {
            Some(&(role, _)) if is_default => reasons.push((Because::OrganizationMember, role)),
            Some(&(role, end)) if end.is_none_or(|end| end > OffsetDateTime::now_utc()) => {
                let because = if member.is_some() {
                    Because::Added
                } else {
                    Because::External
                };
                reasons.push((because, role));
            }
            Some(_) | None => {}
        }
        if is_default && member.is_some() {
            reasons.push((Because::OrganizationMember, ProjectRole::Member));
        }
        let mut reasons: Vec<_> = reasons
            .into_iter()
            .map(|(because, role)| Reason { because, role })
            .collect();
        reasons.sort_by(|a, b| b.cmp(a));
        reasons.dedup();
        reasons
    }

    fn access(&self) -> Access {
        let users = self.members.keys().chain(self.given.keys().map(|(_, user)| user));
        let users: Vec<_> = users.collect();
        let mut access = Access::new();
        for &(project, is_default) in &self.projects {
            for &&user in &users {
                let reasons = self.reasons(project, is_default, user);
                if !reasons.is_empty() {
                    access.insert((ProjectId(project), UserId(user)), reasons);
                }
            }
        }
        access
    }
}

impl Tenant {
    /// Replaces everybody in the organization by these people; the first is the Owner.
    async fn fill(&self, people: &[Person]) {
        let mut tx = self.pool.begin().await.unwrap();
        sqlx::query("DELETE FROM collaborators WHERE organization_id = $1")
            .bind(self.organization.0)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("DELETE FROM members WHERE organization_id = $1 AND user_id <> $2")
            .bind(self.organization.0)
            .bind(self.owner.id.0)
            .execute(&mut *tx)
            .await
            .unwrap();
        for ((_, person), (role, given)) in self.people().into_iter().zip(people) {
            self.fill_person(&mut tx, person.id, *role, given).await;
        }
        tx.commit().await.unwrap();
    }

    async fn fill_person(
        &self,
        tx: &mut PgTransaction<'_>,
        user: UserId,
        role: Option<OrganizationRole>,
        given: &[Option<Given>; 3],
    ) {
        if let Some(role) = role.filter(|_| user != self.owner.id) {
            sqlx::query(
                "INSERT INTO members (organization_id, user_id, name, role, added_at)
                 SELECT $1, id, name, $3, now() FROM users WHERE id = $2",
            )
            .bind(self.organization.0)
            .bind(user.0)
            .bind(role.code())
            .execute(&mut **tx)
            .await
            .unwrap();
        }
        for (project, given) in self.places().into_iter().zip(given) {
            let is_external = role.is_none() && user != self.owner.id;
            // D4: nobody from outside is in the Default Project.
            let (Some((role, days)), false) = (given, is_external && project.id == self.default.id) else {
                continue;
            };
            sqlx::query(
                "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at, expires_at)
                 SELECT $1, $2, id, name, $4, now(), $5 FROM users WHERE id = $3",
            )
            .bind(self.organization.0)
            .bind(project.id.0)
            .bind(user.0)
            .bind(role.code())
            .bind(days.map(|days| OffsetDateTime::now_utc() + Duration::days(days)))
            .execute(&mut **tx)
            .await
            .unwrap();
        }
    }

    /// Fails unless the view has exactly these people in these projects, once each, with these reasons, and with the
    /// role and the reason that the policy lets count.
    async fn view_has(&self, access: &Access) -> Result<(), String> {
        type Row = (Uuid, Uuid, String, String, Vec<String>);
        let rows: Vec<Row> =
            sqlx::query_as("SELECT project_id, user_id, role, because, reasons FROM access WHERE organization_id = $1")
                .bind(self.organization.0)
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let mut viewed = Access::new();
        for (project, user, role, because, reasons) in rows {
            let reasons: Vec<Reason> = reasons.iter().map(|reason| reason.parse().unwrap()).collect();
            let counts = ProjectStanding {
                role: role.parse().unwrap(),
                because: because.parse().unwrap(),
            };
            if Reason::standing(&reasons) != Some(counts) {
                return Err(format!("{user} in {project}: {counts:?} counts of {reasons:?}"));
            }
            if viewed.insert((ProjectId(project), UserId(user)), reasons).is_some() {
                return Err(format!("{user} is in {project} twice"));
            }
        }
        if viewed == *access {
            Ok(())
        } else {
            Err(format!("the view has {viewed:#?}, the tables say {access:#?}"))
        }
    }

    /// Fails unless the list, and what a change reads of each person, carry these reasons.
    async fn readers_have(&self, access: &Access) -> Result<(), String> {
        let mut read = Access::new();
        for project in self.places() {
            let query = CollaboratorQuery {
                limit: 3,
                ..CollaboratorQuery::default()
            };
            for row in self.pages(project, query).await {
                if row.standing.project != Reason::standing(&row.reasons) {
                    return Err(format!("{row:?}"));
                }
                read.insert((project.id, row.user), row.reasons);
            }
            let seen = find_project(&self.pool, &project.slug, &self.owner.actor)
                .await
                .unwrap();
            for (who, person) in self.people() {
                let told = self.standing(project, person).await;
                let found = find_person(&self.pool, &seen, person.id).await.unwrap();
                let listed = read.get(&(project.id, person.id)).cloned().unwrap_or_default();
                if (found.standing, &found.reasons) != (told, &listed) {
                    let (standing, reasons) = (found.standing, found.reasons);
                    return Err(format!(
                        "{who}: {standing:?} for {reasons:?}; told {told:?}, listed {listed:?}"
                    ));
                }
            }
        }
        if read == *access {
            Ok(())
        } else {
            Err(format!("the list has {read:#?}, the tables say {access:#?}"))
        }
    }
}

/// C1, C4, C8, D2, X2, R3: whoever is in an organization and was added to its projects, `access` has each person once
/// in a project, with every reason that the tables give, the one that counts first, and the role that goes with it.
#[sqlx::test]
async fn access_has_everybody_once_with_every_reason(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.set_externals(&t.production, true).await;
    for_all(40, vec(person(), 7), async |people| {
        t.fill(&people).await;
        let access = Tables::read(&t).await.access();
        t.view_has(&access).await?;
        t.readers_have(&access).await
    })
    .await;
}

/// C10, E2: what somebody is to a project is looked up by indexes, however many people there are.
#[sqlx::test]
async fn one_persons_access_is_looked_up_by_indexes(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        &format!(
            "INSERT INTO users (id, email, name, password_hash, created_at)
                 SELECT gen_random_uuid(), 'many' || n || '@acme.test', 'Person ' || n, '', now()
                 FROM generate_series(1, 3000) n;
             INSERT INTO members (organization_id, user_id, name, role, added_at)
                 SELECT '{organization}', id, name, 'member', now() FROM users WHERE email LIKE 'many%';
             INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at)
                 SELECT '{organization}', p.id, u.id, u.name, 'member', now() FROM users u, projects p
                 WHERE u.email LIKE 'many%' AND p.organization_id = '{organization}';
             ANALYZE",
            organization = t.organization,
        ),
    )
    .await;
    for project in t.places() {
        for person in [&t.admin, &t.maya, &t.stranger] {
            let plan: Vec<String> = sqlx::query_scalar(
                "EXPLAIN SELECT a.role, a.because, a.reasons, a.expires_at FROM access a
                 WHERE a.organization_id = $1 AND a.project_id = $2 AND a.user_id = $3",
            )
            .bind(t.organization.0)
            .bind(project.id.0)
            .bind(person.id.0)
            .fetch_all(&pool)
            .await
            .unwrap();
            let plan = plan.join("\n");
            for table in ["members", "collaborators"] {
                assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
            }
        }
    }
}
