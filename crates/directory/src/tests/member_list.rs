//! O3, X3: the list of members: who reads it, in which order, a page at a time, as the list of collaborators is (C10).

use policy::{OrganizationRole, OrganizationStanding, Refusal, UserId};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::fixture::{Tenant, refusal, slug, sql};
use crate::{
    Cursor, Member, MemberQuery, Order, PeopleSort, authorization::lookup::find_organization, members::list_statement,
};

const ADMIN: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Admin);
const MEMBER: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Member);
const SORTS: [PeopleSort; 3] = [PeopleSort::Name, PeopleSort::Added, PeopleSort::Role];
const ORDERS: [Order; 2] = [Order::Asc, Order::Desc];

fn all() -> MemberQuery {
    MemberQuery {
        limit: 1000,
        ..MemberQuery::default()
    }
}

impl Tenant {
    /// All members, as the Owner sees them, in pages of `limit`.
    async fn member_pages(&self, mut query: MemberQuery) -> Vec<Member> {
        let mut all = Vec::new();
        loop {
            let page = self
                .directory
                .members(&self.owner.actor, &self.slug, &query)
                .await
                .unwrap();
            assert!(page.rows.len() <= usize::from(query.limit));
            all.extend(page.rows);
            match page.next {
                Some(next) => query.after = Some(Cursor::decode(&next.encode()).unwrap()),
                None => return all,
            }
        }
    }

    async fn member_names(&self, query: MemberQuery) -> Vec<String> {
        let rows = self.member_pages(query).await;
        rows.into_iter().map(|row| row.name.to_string()).collect()
    }

    /// Twelve more members, three by three of the same name, most of them of the same time.
    async fn many_members(&self) {
        for number in 0..12 {
            let name = ["Same Name", "same name", "Zoë", "Åse"][number / 3];
            let person = self.someone(name, &format!("crowd{number}@acme.test")).await;
            self.join(&person, OrganizationRole::ALL[number % 2]).await;
        }
        sql(
            &self.pool,
            "UPDATE members SET added_at = '2026-01-02 03:04:05.678901Z' WHERE name <> 'Zoë'",
        )
        .await;
    }
}

/// O3, X3: every member reads it, with who each is, by whom and since when; nobody else learns that it is there.
#[sqlx::test]
async fn every_member_reads_the_members_and_nobody_else_does(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for person in [&t.owner, &t.admin, &t.lead, &t.maya, &t.noah] {
        let list = t.directory.members(&person.actor, &t.slug, &all()).await.unwrap();
        let seen: Vec<_> = list
            .rows
            .iter()
            .map(|row| {
                (
                    row.name.as_str(),
                    row.email.as_str(),
                    row.standing,
                    row.added_by.is_some(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("Adam Admin", "adam@acme.test", ADMIN, true),
                ("Lea Lead", "lea@acme.test", MEMBER, true),
                ("Maya Member", "maya@acme.test", MEMBER, true),
                ("Noah Newcomer", "noah@acme.test", MEMBER, true),
                ("Olivia Owner", "olivia@acme.test", OrganizationStanding::Owner, false),
            ]
        );
        assert_eq!(list.next, None);
        assert_eq!(
            list.organization.standing.organization,
            t.standing(&t.default, person).await.organization,
            "what the asker is comes with it"
        );
        let maya = t.directory.member(&person.actor, &t.slug, t.maya.id).await.unwrap();
        assert_eq!((maya.user, maya.name.as_str()), (t.maya.id, "Maya Member"));
        assert_eq!(maya.added_by.unwrap().as_str(), "Olivia Owner");
    }
    for (person, organization) in [
        (&t.eve, &t.slug),
        (&t.stranger, &t.slug),
        (&t.owner, &slug("acme-elsewhere")),
        (&t.owner, &slug("no-such-organization")),
    ] {
        let (d, bad) = (
            &t.directory,
            MemberQuery {
                search: "\0".to_owned(),
                ..all()
            },
        );
        assert_eq!(
            refusal(d.members(&person.actor, organization, &all()).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.members(&person.actor, organization, &bad).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.member(&person.actor, organization, person.id).await),
            Refusal::Hidden
        );
    }
    for nobody in [t.eve.id, t.stranger.id, UserId(Uuid::now_v7())] {
        let outcome = t.directory.member(&t.maya.actor, &t.slug, nobody).await;
        assert_eq!(refusal(outcome), Refusal::NotAMember);
    }
}

/// C10: a part of a name or address, whatever characters it has; a role; both.
#[sqlx::test]
async fn members_are_searched_and_filtered(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (number, name) in ["100% Real", "under_score", r"back\slash", "Élodie Ünal"]
        .into_iter()
        .enumerate()
    {
        let person = t.someone(name, &format!("person+{number}@searched.test")).await;
        t.join(&person, OrganizationRole::Member).await;
    }
    for (typed, expected) in [
        ("%", vec!["100% Real"]),
        ("r_s", vec!["under_score"]),
        ("und_rscore", vec![]),
        (r"k\s", vec![r"back\slash"]),
        ("ÉLODIE ü", vec!["Élodie Ünal"]),
        ("  mAyA  ", vec!["Maya Member"]),
        ("person+0@", vec!["100% Real"]),
        ("member maya@", vec!["Maya Member"]),
        ("eve", vec![]),
        ("';", vec![]),
    ] {
        let query = MemberQuery {
            search: typed.to_owned(),
            ..all()
        };
        assert_eq!(t.member_names(query).await, expected, "{typed:?}");
    }
    for (role, search, expected) in [
        (OrganizationRole::Admin, "", vec!["Adam Admin", "Olivia Owner"]),
        (OrganizationRole::Member, "ma", vec!["Maya Member"]),
        (OrganizationRole::Admin, "maya", vec![]),
    ] {
        let query = MemberQuery {
            role: Some(role),
            search: search.to_owned(),
            ..all()
        };
        assert_eq!(t.member_names(query).await, expected, "{role:?} {search:?}");
    }
    for typed in ["maya\0", &"é".repeat(201)] {
        let query = MemberQuery {
            search: typed.to_owned(),
            ..all()
        };
        let outcome = t.directory.members(&t.maya.actor, &t.slug, &query).await;
        assert_eq!(refusal(outcome), Refusal::Malformed);
    }
}

/// C10: whatever the order, the filter and the size of the pages, everybody comes exactly once, people of one name and
/// one time included.
#[sqlx::test]
async fn pages_of_members_visit_everybody_exactly_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.many_members().await;
    for (sort, order) in SORTS.into_iter().flat_map(|sort| ORDERS.map(|order| (sort, order))) {
        let by = match sort {
            PeopleSort::Name => "name, user_id",
            PeopleSort::Added => "added_at, user_id",
            PeopleSort::Role => "role, name, user_id",
        };
        for role in [None, Some(OrganizationRole::Admin), Some(OrganizationRole::Member)] {
            let mut expected: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT user_id FROM members WHERE organization_id = $1 AND role = coalesce($2, role) ORDER BY {by}"
            )))
            .bind(t.organization.0)
            .bind(role.map(OrganizationRole::code))
            .fetch_all(&pool)
            .await
            .unwrap();
            if order == Order::Desc {
                expected.reverse();
            }
            for limit in [1, 2, 7, 1000] {
                let query = MemberQuery {
                    role,
                    sort,
                    order,
                    limit,
                    ..MemberQuery::default()
                };
                let seen: Vec<_> = t.member_pages(query).await.iter().map(|row| row.user.0).collect();
                assert_eq!(seen, expected, "{role:?} {sort:?} {order:?} by {limit}");
            }
        }
    }
    // None is as good as one: a page makes headway.
    let page = t
        .directory
        .members(&t.owner.actor, &t.slug, &MemberQuery::default())
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 1);
    let searched = MemberQuery {
        search: "SAME".to_owned(),
        limit: 1,
        ..MemberQuery::default()
    };
    assert_eq!(t.member_pages(searched).await.len(), 6);
}

/// C10: a place in one order is none in another.
#[sqlx::test]
async fn a_cursor_of_another_order_of_members_is_refused(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let ways = || SORTS.into_iter().flat_map(|sort| ORDERS.map(|order| (sort, order)));
    for (sort, order) in ways() {
        let query = MemberQuery {
            sort,
            order,
            limit: 1,
            ..MemberQuery::default()
        };
        let after = t.directory.members(&t.maya.actor, &t.slug, &query).await.unwrap().next;
        for (other, reverse) in ways() {
            let query = MemberQuery {
                sort: other,
                order: reverse,
                after: after.clone(),
                limit: 1,
                ..MemberQuery::default()
            };
            let outcome = t.directory.members(&t.maya.actor, &t.slug, &query).await;
            if (other, reverse) == (sort, order) {
                outcome.unwrap();
            } else {
                assert_eq!(refusal(outcome), Refusal::CursorInvalid);
            }
        }
    }
}

/// C10: whoever leaves meanwhile takes nobody else off the next page.
#[sqlx::test]
async fn a_page_of_members_goes_on_even_if_its_last_person_left(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let query = MemberQuery {
        limit: 2,
        ..MemberQuery::default()
    };
    let first = t.directory.members(&t.owner.actor, &t.slug, &query).await.unwrap();
    assert_eq!(first.rows[1].user, t.lead.id);
    t.directory
        .remove_member(&t.owner.actor, &t.slug, t.lead.id)
        .await
        .unwrap();
    let rest = t
        .member_names(MemberQuery {
            after: first.next,
            ..query
        })
        .await;
    assert_eq!(rest, ["Maya Member", "Noah Newcomer", "Olivia Owner"]);
}

/// C10: a page is read in the order of an index and no further: nothing is sorted, whatever the filter.
#[sqlx::test]
async fn pages_of_members_are_read_from_the_indexes_made_for_them(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        &format!(
            "INSERT INTO users (id, email, name, password_hash, created_at)
                 SELECT gen_random_uuid(), 'many' || n || '@acme.test', 'Person ' || n, '', now() FROM generate_series(1, 3000) n;
             INSERT INTO members (organization_id, user_id, name, role, added_at)
                 SELECT '{}', id, name, CASE WHEN email LIKE 'many1%' THEN 'admin' ELSE 'member' END, now() FROM users
                 WHERE email LIKE 'many%';
             ANALYZE",
            t.organization
        ),
    )
    .await;
    let organization = find_organization(&pool, &t.slug, &t.owner.actor).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for (role, sort, index) in [
        (None, PeopleSort::Name, "members_all_name_index"),
        (None, PeopleSort::Added, "members_all_added_index"),
        (None, PeopleSort::Role, "members_name_index"),
        (Some(OrganizationRole::Admin), PeopleSort::Name, "members_name_index"),
        (Some(OrganizationRole::Member), PeopleSort::Added, "members_added_index"),
    ] {
        let query = MemberQuery {
            role,
            sort,
            limit: 50,
            ..MemberQuery::default()
        };
        let statement = list_statement(&organization, &query, 51).into_string();
        let (types, values) = match role {
            Some(role) => (
                "uuid, text, bigint",
                format!("'{}', '{}', 51", t.organization, role.code()),
            ),
            None => ("uuid, bigint", format!("'{}', 51", t.organization)),
        };
        let prepare = format!("DEALLOCATE ALL; PREPARE list ({types}) AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *db).await.unwrap();
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN EXECUTE list ({values})")))
            .persistent(false)
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let plan = plan.join("\n");
        // The 51 rows of the page are put in order once more after what is looked up for each of them.
        let below_the_limit = plan.split_once("Limit").unwrap().1;
        assert!(
            below_the_limit.contains(index) && !below_the_limit.contains("Sort"),
            "{index}\n{plan}"
        );
    }
}
