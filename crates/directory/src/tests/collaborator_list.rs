//! C1, C10: the list of collaborators: who is on it, in which order, a page at a time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::{OrganizationRole, ProjectRole, Refusal, UserId};
use proptest::{prelude::*, sample::select};
use sqlx::{AssertSqlSafe, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Person, Project, Tenant, for_all, name, refusal, sql};
use crate::{
    CollaboratorKind, CollaboratorQuery, Cursor, Directory, Error, MemberQuery, Order, PeopleSort,
    authorization::lookup::find_project, collaborators::list::list_statement,
};

const SORTS: [PeopleSort; 3] = [PeopleSort::Name, PeopleSort::Added, PeopleSort::Role];
const ORDERS: [Order; 2] = [Order::Asc, Order::Desc];

fn all() -> CollaboratorQuery {
    CollaboratorQuery {
        limit: 1000,
        ..CollaboratorQuery::default()
    }
}

fn search(text: &str) -> CollaboratorQuery {
    CollaboratorQuery {
        search: text.to_owned(),
        ..all()
    }
}

impl Tenant {
    async fn names(&self, project: &Project, query: CollaboratorQuery) -> Vec<String> {
        self.pages(project, query)
            .await
            .into_iter()
            .map(|row| row.name.to_string())
            .collect()
    }

    /// Twelve more members and externals of Research, three by three of the same name, all added at the same time.
    async fn crowd(&self) {
        for number in 0..12 {
            let name = ["Same Name", "same name", "Zoë", "Åse"][number / 3];
            let person = self.someone(name, &format!("crowd{number}@acme.test")).await;
            if number % 2 == 0 {
                self.join(&person, OrganizationRole::Member).await;
            }
            self.put(&self.research, &person, ProjectRole::ALL[number % 3 % 2])
                .await;
        }
        sql(
            &self.pool,
            "UPDATE collaborators SET added_at = '2026-01-02 03:04:05.678901Z' WHERE name <> 'Zoë'",
        )
        .await;
    }
}

/// C1: both roles read it, those outside do not.
#[sqlx::test]
async fn everybody_in_a_project_reads_its_collaborators(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let expected = ["Adam Admin", "Eve External", "Lea Lead", "Maya Member", "Olivia Owner"];
    for person in [&t.owner, &t.admin, &t.lead, &t.maya, &t.eve] {
        let list = t
            .directory
            .collaborators(&person.actor, &t.research.slug, &all())
            .await
            .unwrap();
        let names: Vec<_> = list.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, expected);
        assert_eq!(
            list.project.standing,
            t.standing(&t.research, person).await,
            "C10: what the asker is comes with it"
        );
        assert_eq!(list.next, None);
    }
    for person in [&t.noah, &t.stranger] {
        let list = t.directory.collaborators(&person.actor, &t.research.slug, &all()).await;
        assert_eq!(refusal(list), Refusal::Hidden);
    }
    let names = t.names(&t.default, all()).await;
    assert_eq!(
        names,
        ["Adam Admin", "Lea Lead", "Maya Member", "Noah Newcomer", "Olivia Owner"],
        "D2"
    );
}

/// C10: a part of a name or address, whatever characters it has and in whichever case.
#[sqlx::test]
async fn the_search_takes_every_character_as_itself(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (number, name) in [
        "100% Real",
        "under_score",
        r"back\slash",
        "Élodie Ünal",
        "Иван Петров",
        "李小龍",
        "İpek",
        "O'Brien",
    ]
    .into_iter()
    .enumerate()
    {
        let person = t.someone(name, &format!("person+{number}_x@searched.test")).await;
        t.put(&t.research, &person, ProjectRole::Member).await;
    }
    for (typed, expected) in [
        ("%", vec!["100% Real"]),
        ("0%", vec!["100% Real"]),
        ("1%l", vec![]),
        ("r_s", vec!["under_score"]),
        ("r_S", vec!["under_score"]),
        ("und_rscore", vec![]),
        (r"\", vec![r"back\slash"]),
        (r"k\s", vec![r"back\slash"]),
        (r"\%", vec![]),
        ("élodie", vec!["Élodie Ünal"]),
        ("ÉLODIE üNAL", vec!["Élodie Ünal"]),
        ("ПЕТРОВ", vec!["Иван Петров"]),
        ("小", vec!["李小龍"]),
        ("İPEK", vec!["İpek"]),
        ("o'b", vec!["O'Brien"]),
        ("';", vec![]),
        ("  maya  ", vec!["Maya Member"]),
        ("MAYA@ACME", vec!["Maya Member"]),
        ("person+3_X@", vec!["Élodie Ünal"]),
        ("eve@", vec!["Eve External"]),
        ("external eve@acme", vec!["Eve External"]),
        ("nobody", vec![]),
    ] {
        assert_eq!(t.names(&t.research, search(typed)).await, expected, "{typed:?}");
    }
    for typed in ["", " ", "\u{3000}"] {
        assert_eq!(t.names(&t.research, search(typed)).await.len(), 13, "{typed:?}");
    }
    assert_eq!(t.names(&t.research, search("searched.test")).await.len(), 8);
    assert_eq!(t.names(&t.default, search("maya")).await, ["Maya Member"]);
}

/// C10
#[sqlx::test]
async fn a_search_text_that_cannot_be_one_is_refused(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for typed in ["\0", "maya\0", &"é".repeat(201)] {
        let list = t
            .directory
            .collaborators(&t.owner.actor, &t.research.slug, &search(typed))
            .await;
        assert_eq!(refusal(list), Refusal::Malformed);
    }
    assert!(t.names(&t.research, search(&"é".repeat(200))).await.is_empty());
}

/// C10
#[sqlx::test]
async fn the_list_filters_by_role_and_kind(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let filtered = |role, kind| CollaboratorQuery { role, kind, ..all() };
    for (role, kind, expected) in [
        (
            Some(ProjectRole::Admin),
            None,
            vec!["Adam Admin", "Lea Lead", "Olivia Owner"],
        ),
        (Some(ProjectRole::Member), None, vec!["Eve External", "Maya Member"]),
        (None, Some(CollaboratorKind::Admin), vec!["Adam Admin", "Olivia Owner"]),
        (None, Some(CollaboratorKind::Member), vec!["Lea Lead", "Maya Member"]),
        (None, Some(CollaboratorKind::External), vec!["Eve External"]),
        (
            Some(ProjectRole::Admin),
            Some(CollaboratorKind::Member),
            vec!["Lea Lead"],
        ),
        (Some(ProjectRole::Admin), Some(CollaboratorKind::External), vec![]),
        (Some(ProjectRole::Member), Some(CollaboratorKind::Admin), vec![]),
    ] {
        assert_eq!(
            t.names(&t.research, filtered(role, kind)).await,
            expected,
            "{role:?} {kind:?}"
        );
    }
    let members = filtered(None, Some(CollaboratorKind::Member));
    assert_eq!(
        t.names(&t.default, members).await,
        ["Lea Lead", "Maya Member", "Noah Newcomer"]
    );
    let both = CollaboratorQuery {
        search: "ma".to_owned(),
        ..filtered(Some(ProjectRole::Member), None)
    };
    assert_eq!(t.names(&t.research, both).await, ["Maya Member"]);
}

/// C10: whatever the order and the size of the pages, everybody comes exactly once, people of one name and one time
/// included.
#[sqlx::test]
async fn pages_visit_everybody_exactly_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.crowd().await;
    for project in [&t.research, &t.default] {
        for sort in SORTS {
            for order in ORDERS {
                let by = match sort {
                    PeopleSort::Name => "name, user_id",
                    PeopleSort::Added => "added_at, user_id",
                    PeopleSort::Role => "role, name, user_id",
                };
                let mut expected: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
                    "SELECT user_id FROM access WHERE project_id = $1 ORDER BY {by}"
                )))
                .bind(project.id.0)
                .fetch_all(&pool)
                .await
                .unwrap();
                if order == Order::Desc {
                    expected.reverse();
                }
                for limit in [0, 1, 2, 7, 1000] {
                    // None is as good as one: a page makes headway.
                    let query = CollaboratorQuery {
                        sort,
                        order,
                        limit,
                        ..CollaboratorQuery::default()
                    };
                    if limit > 0 {
                        let seen: Vec<_> = t.pages(project, query).await.iter().map(|row| row.user.0).collect();
                        assert_eq!(seen, expected, "{sort:?} {order:?} by {limit}");
                    } else {
                        let page = t
                            .directory
                            .collaborators(&t.owner.actor, &project.slug, &query)
                            .await
                            .unwrap();
                        assert_eq!(page.rows.len(), 1);
                    }
                }
            }
        }
    }
    let externals = CollaboratorQuery {
        kind: Some(CollaboratorKind::External),
        limit: 2,
        ..CollaboratorQuery::default()
    };
    assert_eq!(t.pages(&t.research, externals).await.len(), 7);
    let searched = CollaboratorQuery {
        search: "SAME".to_owned(),
        limit: 1,
        ..CollaboratorQuery::default()
    };
    assert_eq!(t.pages(&t.research, searched).await.len(), 6);
}

/// C10: names come as people expect them, whatever the case and script.
#[sqlx::test]
async fn names_sort_as_people_expect(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (number, name) in ["zara", "Zoë", "ábel", "Abel", "abel", "Иван", "Álvaro"]
        .into_iter()
        .enumerate()
    {
        let person = t.someone(name, &format!("sorted{number}@sorted.test")).await;
        t.put(&t.research, &person, ProjectRole::Member).await;
    }
    let expected = ["abel", "Abel", "ábel", "Álvaro", "zara", "Zoë", "Иван"];
    assert_eq!(t.names(&t.research, search("sorted.test")).await, expected);
    let mut backwards = t
        .names(
            &t.research,
            CollaboratorQuery {
                order: Order::Desc,
                ..search("sorted.test")
            },
        )
        .await;
    backwards.reverse();
    assert_eq!(backwards, expected);
}

/// C10: whoever leaves meanwhile takes nobody else off the next page.
#[sqlx::test]
async fn a_page_goes_on_where_the_last_ended_even_if_its_last_person_left(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let query = CollaboratorQuery {
        limit: 2,
        ..CollaboratorQuery::default()
    };
    let first = t
        .directory
        .collaborators(&t.owner.actor, &t.research.slug, &query)
        .await
        .unwrap();
    assert_eq!(first.rows[1].user, t.eve.id);
    t.directory
        .remove_collaborator(&t.owner.actor, &t.research.slug, t.eve.id, &[])
        .await
        .unwrap();
    let rest = t
        .names(
            &t.research,
            CollaboratorQuery {
                after: first.next,
                ..query
            },
        )
        .await;
    assert_eq!(rest, ["Lea Lead", "Maya Member", "Olivia Owner"]);
}

/// C10: a place in one order is none in another.
#[sqlx::test]
async fn a_cursor_of_another_order_is_refused(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for sort in SORTS {
        for order in ORDERS {
            let query = CollaboratorQuery {
                sort,
                order,
                limit: 1,
                ..CollaboratorQuery::default()
            };
            let next = t
                .directory
                .collaborators(&t.owner.actor, &t.research.slug, &query)
                .await
                .unwrap()
                .next
                .unwrap();
            for (other, reverse) in SORTS.into_iter().flat_map(|sort| ORDERS.map(|order| (sort, order))) {
                let query = CollaboratorQuery {
                    sort: other,
                    order: reverse,
                    after: Some(next.clone()),
                    limit: 1,
                    ..CollaboratorQuery::default()
                };
                let outcome = t
                    .directory
                    .collaborators(&t.owner.actor, &t.research.slug, &query)
                    .await;
                if (other, reverse) == (sort, order) {
                    outcome.unwrap();
                } else {
                    assert_eq!(refusal(outcome), Refusal::CursorInvalid);
                }
            }
        }
    }
}

/// C10: what no list gave out is refused, or is a harmless place in the list; it never fails, and never shows more.
#[sqlx::test]
async fn a_forged_cursor_is_refused_or_harmless(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let forged = |sort: &str, name: &str, added: &str, user: &str| {
        let name = serde_json::to_string(name).unwrap();
        URL_SAFE_NO_PAD.encode(format!(
            r#"{{"sort":"{sort}","order":"asc","role":"member","name":{name},"added":{added},"user":"{user}"}}"#
        ))
    };
    let (at, user) = ("1767323045678901000", "01893c5a-7e00-7000-8000-000000000001");
    for text in [
        String::new(),
        "not base64!".to_owned(),
        "AAAA".to_owned(),
        URL_SAFE_NO_PAD.encode("{}"),
        URL_SAFE_NO_PAD.encode("null"),
        URL_SAFE_NO_PAD.encode("[".repeat(100_000)),
        forged("email", "x", at, user),
        forged("name", "x\0", at, user),
        forged("name", "x", at, "not-an-id"),
        forged("added", "x", "170141183460469231731687303715884105727", user),
        forged("added", "x", "-170141183460469231731687303715884105728", user),
        forged("added", "x", "-1", user),
        forged("added", "x", "999999999999999999999", user),
        forged("added", "x", "1e400", user),
        forged("added", "x", "NaN", user),
    ] {
        assert_eq!(Cursor::decode(&text).unwrap_err(), Refusal::CursorInvalid, "{text:.80}");
    }
    for name in [
        "",
        "'; DROP TABLE users; --",
        "\u{10FFFF}",
        "Maya Member",
        &"z".repeat(10_000),
    ] {
        for sort in SORTS {
            let code = serde_json::to_value(sort).unwrap();
            let after = Cursor::decode(&forged(code.as_str().unwrap(), name, "253402300799000000000", user)).unwrap();
            let query = CollaboratorQuery {
                sort,
                after: Some(after),
                ..all()
            };
            let rows = t
                .directory
                .collaborators(&t.owner.actor, &t.research.slug, &query)
                .await
                .unwrap()
                .rows;
            assert!(rows.len() <= 5);
        }
    }
    // And whoever may not see the list does not see it by a cursor.
    let after = Some(Cursor::decode(&forged("name", "", at, user)).unwrap());
    let list = t
        .directory
        .collaborators(
            &t.stranger.actor,
            &t.research.slug,
            &CollaboratorQuery { after, ..all() },
        )
        .await;
    assert_eq!(refusal(list), Refusal::Hidden);
}

/// C10: what a page reads is in the order of an index already: nothing is sorted, and externals come from their own
/// index.
#[sqlx::test]
async fn pages_are_read_from_the_indexes_made_for_them(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        &format!(
            "INSERT INTO users (id, email, name, password_hash, created_at)
                 SELECT gen_random_uuid(), 'many' || n || '@acme.test', 'Person ' || n, '', now() FROM generate_series(1, 3000) n;
             INSERT INTO members (organization_id, user_id, name, role, added_at)
                 SELECT '{organization}', id, name, 'member', now() FROM users WHERE email LIKE 'many%' AND email NOT LIKE 'many1%';
             INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at)
                 SELECT '{organization}', '{project}', id, name, 'member', now() FROM users
                 WHERE email LIKE 'many%' AND (email NOT LIKE 'many1%' OR email LIKE 'many11%');
             ANALYZE",
            organization = t.organization,
            project = t.research.id
        ),
    )
    .await;
    let project = find_project(&pool, &t.research.slug, &t.owner.actor).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    sqlx::raw_sql("SET enable_seqscan = off")
        .execute(&mut *db)
        .await
        .unwrap();
    for (kind, sort, index) in [
        (
            Some(CollaboratorKind::External),
            PeopleSort::Name,
            "collaborators_external_index",
        ),
        (None, PeopleSort::Name, "collaborators_name_index"),
        (None, PeopleSort::Added, "collaborators_added_index"),
        (None, PeopleSort::Role, "collaborators_role_index"),
    ] {
        let query = CollaboratorQuery {
            kind,
            sort,
            limit: 50,
            ..CollaboratorQuery::default()
        };
        let statement = list_statement(&project, &query, 51).into_string();
        // The plan for these values. What is bound is, for each view: organization, project, limit; and the limit of
        // all. Members are read for the Default Project alone: for another one, all 100,000 would be, to find nobody.
        assert!(!statement.contains("access_default_members"), "{statement}");
        let views = if kind.is_some() { 1 } else { 2 };
        let values = format!("'{}', '{}', 51, ", t.organization, t.research.id).repeat(views) + "51";
        let types = "uuid, uuid, bigint, ".repeat(views) + "bigint";
        let prepare = format!("DEALLOCATE ALL; PREPARE list ({types}) AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *db).await.unwrap();
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN EXECUTE list ({values})")))
            .persistent(false)
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(index), "{index}\n{plan}");
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Add(usize, usize),
    Remove(usize, usize),
    Role(usize, usize, ProjectRole),
    EndAt(usize, usize, i64),
    Lapse(usize, usize),
    Join(usize),
    Accept(usize),
    Rename(usize, &'static str),
    Expel(usize),
    OrganizationRole(usize, OrganizationRole),
    Externals(bool),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (project, person) = (0..3_usize, 0..7_usize);
    let role = select(&ProjectRole::ALL[..]);
    prop_oneof![
        3 => (project.clone(), person.clone()).prop_map(|(project, person)| Step::Add(project, person)),
        1 => (project.clone(), person.clone()).prop_map(|(project, person)| Step::Remove(project, person)),
        2 => (project.clone(), person.clone(), role).prop_map(|(project, person, role)| Step::Role(project, person, role)),
        1 => (project.clone(), person.clone(), 1..100_i64).prop_map(|(project, person, days)| Step::EndAt(project, person, days)),
        2 => (project, person.clone()).prop_map(|(project, person)| Step::Lapse(project, person)),
        2 => person.clone().prop_map(Step::Join),
        2 => person.clone().prop_map(Step::Accept),
        1 => (person.clone(), select(&["Adam Admin", "zara", "Ørsted"][..])).prop_map(|(person, name)| Step::Rename(person, name)),
        1 => person.clone().prop_map(Step::Expel),
        2 => (person, select(&OrganizationRole::ALL[..])).prop_map(|(person, role)| Step::OrganizationRole(person, role)),
        1 => any::<bool>().prop_map(Step::Externals),
    ]
}

impl Tenant {
    pub(super) fn places(&self) -> [&Project; 3] {
        [&self.default, &self.research, &self.production]
    }

    /// Does it, or is refused: both are fine, only faults are not.
    pub(super) async fn take(&self, step: &Step) -> Result<(), String> {
        let people = self.people().map(|(_, person)| person);
        let (d, a): (&Directory, _) = (&self.directory, &self.owner.actor);
        let outcome = match *step {
            Step::Add(project, person) => {
                d.add_collaborator(a, &self.places()[project].slug, &people[person].email).await.map(drop)
            }
            Step::Remove(project, person) => {
                d.remove_collaborator(a, &self.places()[project].slug, people[person].id, &[]).await.map(drop)
            }
            Step::Role(project, person, role) => {
                d.change_collaborator_role(a, &self.places()[project].slug, people[person].id, role).await.map(drop)
            }
            Step::EndAt(project, person, days) => {
                let end = Some(OffsetDateTime::now_utc() + Duration::days(days));
                d.set_collaborator_end_date(a, &self.places()[project].slug, people[person].id, end).await.map(drop)
            }
            Step::Lapse(project, person) => {
                sqlx::query("UPDATE collaborators SET expires_at = now() - interval '1 second' WHERE project_id = $1 AND user_id = $2")
                    .bind(self.places()[project].id.0)
                    .bind(people[person].id.0)
                    .execute(&self.pool)
                    .await
                    .map(drop)
                    .map_err(Error::from)
            }
            Step::Join(person) => sqlx::query(
                "INSERT INTO members (organization_id, user_id, name, role, added_at)
                 SELECT $1, id, name, 'member', now() FROM users WHERE id = $2 ON CONFLICT DO NOTHING",
            )
            .bind(self.organization.0)
            .bind(people[person].id.0)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(Error::from),
            Step::Accept(person) => match d.invite_member(a, &self.slug, &people[person].email).await {
                Ok(sent) => d.accept_invitation(&people[person].actor, &sent.token).await.map(drop),
                Err(error) => Err(error),
            },
            Step::Rename(person, to) => d.change_name(&people[person].actor, &name(to)).await,
            Step::Expel(person) => d.remove_member(a, &self.slug, people[person].id).await.map(drop),
            Step::OrganizationRole(person, role) => {
                d.change_member_role(a, &self.slug, people[person].id, role).await.map(drop)
            }
            Step::Externals(allow) => {
                let wanted = crate::ProjectChange { allow_externals: allow, ..self.settings(&self.research).await };
                d.update_project(a, &self.research.slug, &wanted).await
            }
        };
        match outcome {
            Ok(()) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(format!("{step:?}: {error}")),
        }
    }

    /// Whether the list, the view and what each person is told of themselves say the same.
    async fn readers_agree(&self, query: &CollaboratorQuery) -> Result<(), String> {
        for project in self.places() {
            let mut listed: Vec<_> = self
                .pages(project, query.clone())
                .await
                .into_iter()
                .map(|row| (row.user, row.standing, row.expires_at))
                .collect();
            listed.sort_by_key(|row| row.0);
            let mut viewed: Vec<UserId> = sqlx::query_scalar("SELECT user_id FROM access WHERE project_id = $1")
                .bind(project.id.0)
                .fetch_all(&self.pool)
                .await
                .unwrap()
                .into_iter()
                .map(UserId)
                .collect();
            viewed.sort();
            let mut told = Vec::new();
            for (_, Person { id, actor, .. }) in self.people() {
                let seen = find_project(&self.pool, &project.slug, actor)
                    .await
                    .map_err(|error| error.to_string())?;
                if seen.standing.project.is_some() {
                    told.push((*id, seen.standing, seen.expires_at));
                }
            }
            told.sort_by_key(|row| row.0);
            let members: Vec<_> = self
                .directory
                .members(
                    &self.owner.actor,
                    &self.slug,
                    &MemberQuery {
                        limit: 100,
                        ..MemberQuery::default()
                    },
                )
                .await
                .map_err(|error| error.to_string())?
                .rows;
            for (who, person) in self.people() {
                let listed = members.iter().find(|row| row.user == person.id).map(|row| row.standing);
                let told = self.standing(project, person).await.organization;
                if listed != told {
                    return Err(format!(
                        "{who}: the list of members says {listed:?}, they are told {told:?}"
                    ));
                }
            }
            if listed != told {
                return Err(format!(
                    "{}: the list says {listed:#?}, people are told {told:#?}",
                    project.slug
                ));
            }
            if listed.iter().map(|row| row.0).ne(viewed.iter().copied()) {
                return Err(format!(
                    "{}: the list says {listed:#?}, the view {viewed:#?}",
                    project.slug
                ));
            }
        }
        Ok(())
    }
}

/// C1, C4, C8, D2, O3, X2: one truth. Whatever is done to people, in whatever order, the lists in pages, the view and
/// what each person is told are the same; D2 and C4 hold throughout.
#[sqlx::test]
async fn the_list_the_view_and_each_persons_standing_always_agree(pool: PgPool) {
    let mut number = 0;
    let query =
        (select(&SORTS[..]), select(&ORDERS[..]), 1..5_u16).prop_map(|(sort, order, limit)| CollaboratorQuery {
            sort,
            order,
            limit,
            ..CollaboratorQuery::default()
        });
    for_all(
        24,
        (prop::collection::vec(step(), 1..20), query),
        async |(steps, query)| {
            number += 1;
            let t = Tenant::named(&pool, &format!("tenant-{number}")).await;
            for step in &steps {
                t.take(step).await?;
            }
            t.readers_agree(&query).await?;
            for (who, person) in t.people() {
                let standing = t.standing(&t.default, person).await;
                if standing.project.is_some() != standing.organization.is_some() {
                    return Err(format!("D2, D4: {who} {standing:?}"));
                }
                let is_admin = standing
                    .organization
                    .is_some_and(policy::OrganizationStanding::is_admin);
                let standing = t.standing(&t.production, person).await;
                if is_admin && !standing.project.is_some_and(policy::ProjectStanding::is_admin) {
                    return Err(format!("C4: {who} {standing:?}"));
                }
            }
            Ok(())
        },
    )
    .await;
}
