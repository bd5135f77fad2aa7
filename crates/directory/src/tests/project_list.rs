//! O3, P3: an organization's list of projects: every member sees the names, and the slugs of those they have access to.

use policy::{OrganizationRole, Permission, ProjectRole, Refusal};
use sqlx::PgPool;

use super::fixture::{Person, Tenant, name, refusal, slug, sql};
use crate::{ListedProject, ProjectCursor, ProjectQuery};

fn search(text: &str) -> ProjectQuery {
    ProjectQuery {
        search: text.to_owned(),
        limit: 100,
        ..ProjectQuery::default()
    }
}

impl Tenant {
    /// All projects, as somebody sees them, in pages.
    async fn project_pages(&self, who: &Person, mut query: ProjectQuery) -> Vec<ListedProject> {
        let mut all = Vec::new();
        loop {
            let page = self.directory.projects(&who.actor, &self.slug, &query).await.unwrap();
            assert!(page.rows.len() <= usize::from(query.limit.max(1)));
            all.extend(page.rows);
            match page.next {
                Some(next) => query.after = Some(ProjectCursor::decode(&next.encode()).unwrap()),
                None => return all,
            }
        }
    }

    async fn project_names(&self, query: ProjectQuery) -> Vec<String> {
        let rows = self.project_pages(&self.noah, query).await;
        rows.into_iter().map(|row| row.name.to_string()).collect()
    }
}

/// O3, P3, X3: the names for every member, the slugs and roles for those with access; nothing for whoever is no member.
#[sqlx::test]
async fn members_see_every_name_and_the_slugs_of_their_own(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (admin, member) = (Some(ProjectRole::Admin), Some(ProjectRole::Member));
    for (person, [default, production, research]) in [
        (&t.owner, [admin, admin, admin]),
        (&t.admin, [admin, admin, admin]),
        (&t.lead, [member, None, admin]),
        (&t.maya, [member, None, member]),
        (&t.noah, [member, None, None]),
    ] {
        let list = d.projects(&person.actor, &t.slug, &search("")).await.unwrap();
        let seen: Vec<_> = list
            .rows
            .iter()
            .map(|row| {
                (
                    row.id,
                    row.name.as_str(),
                    row.is_default,
                    row.slug.as_ref(),
                    row.standing.map(|place| place.role),
                )
            })
            .collect();
        let shown = |project: &super::fixture::Project, role: Option<ProjectRole>| role.map(|_| project.slug.clone());
        let slugs = [
            shown(&t.production, production),
            shown(&t.research, research),
            shown(&t.default, default),
        ];
        assert_eq!(
            seen,
            [
                (t.production.id, "acme-production", false, slugs[0].as_ref(), production),
                (t.research.id, "acme-research", false, slugs[1].as_ref(), research),
                (t.default.id, "Default Project", true, slugs[2].as_ref(), default),
            ]
        );
        assert_eq!(list.next, None);
        let may_create = [t.owner.id, t.admin.id].contains(&person.id);
        assert_eq!(list.organization.standing.may(Permission::ProjectCreate), may_create);
    }
    for (person, organization) in [
        (&t.eve, &t.slug),
        (&t.stranger, &t.slug),
        (&t.owner, &slug("acme-elsewhere")),
        (&t.owner, &slug("no-such-organization")),
    ] {
        for query in [search(""), search("\0")] {
            assert_eq!(
                refusal(d.projects(&person.actor, organization, &query).await),
                Refusal::Hidden
            );
        }
    }
}

/// C8, E5: access that ended takes the slug away, and leaves the name.
#[sqlx::test]
async fn a_slug_is_shown_for_as_long_as_there_is_access(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let of_research = async || {
        let rows = t.project_pages(&t.maya, search("research")).await;
        rows[0].slug.clone()
    };
    assert_eq!(of_research().await, Some(t.research.slug.clone()));
    t.let_end(&t.research, &t.maya, -1).await;
    assert_eq!(of_research().await, None);
    t.directory
        .change_member_role(&t.owner.actor, &t.slug, t.maya.id, OrganizationRole::Admin)
        .await
        .unwrap();
    assert_eq!(of_research().await, Some(t.research.slug.clone()));
}

/// C10: whatever the size of the pages, every project comes once, those of one name included; the search takes every
/// character as itself.
#[sqlx::test]
async fn projects_are_searched_and_paged(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (number, title) in ["Same", "Same", "same", "100% Real", "under_score", "Élan"]
        .into_iter()
        .enumerate()
    {
        let slug = slug(&format!("paged-{number}"));
        t.directory
            .create_project(&t.admin.actor, &t.slug, &name(title), &slug)
            .await
            .unwrap();
    }
    let expected = [
        "100% Real",
        "acme-production",
        "acme-research",
        "Default Project",
        "Élan",
        "same",
        "Same",
        "Same",
        "under_score",
    ];
    for limit in [1, 2, 4, 100] {
        let query = ProjectQuery {
            limit,
            ..ProjectQuery::default()
        };
        let rows = t.project_pages(&t.noah, query.clone()).await;
        let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), expected.len());
        assert_eq!(t.project_names(query).await, expected, "{limit}");
    }
    let none = t
        .directory
        .projects(&t.noah.actor, &t.slug, &ProjectQuery::default())
        .await
        .unwrap();
    assert_eq!(none.rows.len(), 1, "none is as good as one");
    for (typed, expected) in [
        ("  SAME ", vec!["same", "Same", "Same"]),
        ("%", vec!["100% Real"]),
        ("r_s", vec!["under_score"]),
        ("éLAN", vec!["Élan"]),
        ("acme-elsewhere", vec![]),
        ("paged", vec![]),
    ] {
        let query = ProjectQuery {
            limit: 1,
            ..search(typed)
        };
        assert_eq!(
            t.project_names(query).await,
            expected,
            "{typed:?}: a slug is not searched for, for it may be hidden"
        );
    }
    for typed in ["\0", &"é".repeat(201)] {
        let outcome = t.directory.projects(&t.noah.actor, &t.slug, &search(typed)).await;
        assert_eq!(refusal(outcome), Refusal::Malformed);
    }
}

/// C10: whatever goes meanwhile takes nothing else off the next page, and a forged place is refused or harmless.
#[sqlx::test]
async fn a_place_in_the_projects_stays_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let query = ProjectQuery {
        limit: 1,
        ..ProjectQuery::default()
    };
    let first = t.directory.projects(&t.owner.actor, &t.slug, &query).await.unwrap();
    let production = &t.production.slug;
    t.directory
        .delete_project(&t.owner.actor, production, production.as_str())
        .await
        .unwrap();
    let rest = t
        .project_names(ProjectQuery {
            after: first.next.clone(),
            ..query
        })
        .await;
    assert_eq!(rest, ["acme-research", "Default Project"]);
    let encoded = first.next.unwrap().encode();
    for text in ["", "not base64!", "AAAA", &encoded[1..], "bnVsbA"] {
        assert_eq!(
            ProjectCursor::decode(text).unwrap_err(),
            Refusal::CursorInvalid,
            "{text}"
        );
    }
}

/// P3, X3: the projects a person has access to, everywhere or in one organization, by a part of the name.
#[sqlx::test]
async fn a_persons_projects_are_narrowed_to_an_organization_and_a_name(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.put(&t.research, &t.stranger, ProjectRole::Member).await;
    let found = async |who: &Person, organization: Option<&str>, search: &str| {
        let organization = organization.map(slug);
        let found = t
            .directory
            .find_projects(&who.actor, organization.as_ref(), search, 10)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|project| project.slug.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(&t.stranger, None, "").await,
        ["acme-research", "acme-elsewhere-default"]
    );
    assert_eq!(found(&t.stranger, Some("acme"), "").await, ["acme-research"]);
    assert_eq!(
        found(&t.stranger, Some("acme-elsewhere"), "").await,
        ["acme-elsewhere-default"]
    );
    assert_eq!(
        found(&t.stranger, Some("no-such-organization"), "").await,
        Vec::<String>::new()
    );
    assert_eq!(found(&t.stranger, None, " RESEARCH").await, ["acme-research"]);
    assert_eq!(
        found(&t.stranger, Some("acme-elsewhere"), "research").await,
        Vec::<String>::new()
    );
    assert_eq!(
        found(&t.noah, None, "research").await,
        Vec::<String>::new(),
        "P3: a name is no access"
    );
    assert_eq!(found(&t.owner, None, "_").await, Vec::<String>::new());
    let outcome = t.directory.find_projects(&t.owner.actor, None, "\0", 10).await;
    assert_eq!(refusal(outcome), Refusal::Malformed);
}

/// P3: the project a person is at: the last one, if they may, else their first; in an organization, one of its own.
#[sqlx::test]
async fn the_current_project_is_the_last_one_they_may_see(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.put(&t.research, &t.stranger, ProjectRole::Member).await;
    let current = async |who: &Person, last: Option<&str>, organization: Option<&str>| {
        let organization = organization.map(slug);
        let found = t
            .directory
            .current_project(&who.actor, last, organization.as_ref())
            .await
            .unwrap();
        found.map(|project| project.slug.to_string())
    };
    for (who, last, organization, expected) in [
        (&t.maya, None, None, Some("acme-default")),
        (&t.maya, Some("acme-research"), None, Some("acme-research")),
        (&t.maya, Some("acme-production"), None, Some("acme-default")),
        (&t.maya, Some("not a slug"), None, Some("acme-default")),
        (&t.maya, Some("acme-research"), Some("acme"), Some("acme-research")),
        (&t.maya, Some("acme-research"), Some("acme-elsewhere"), None),
        (
            &t.stranger,
            Some("acme-research"),
            Some("acme-elsewhere"),
            Some("acme-elsewhere-default"),
        ),
        (&t.stranger, None, Some("acme"), Some("acme-research")),
        (&t.eve, None, None, Some("acme-research")),
    ] {
        assert_eq!(
            current(who, last, organization).await.as_deref(),
            expected,
            "{} {last:?} {organization:?}",
            who.email
        );
    }
    sql(&pool, "DELETE FROM collaborators").await;
    assert_eq!(current(&t.eve, Some("acme-research"), None).await, None);
}

/// P3, X3: the frame's one query answers as the list of projects, the list of organizations and the current project do.
#[sqlx::test]
async fn the_frame_shows_what_the_lists_of_a_person_show(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.put(&t.research, &t.stranger, ProjectRole::Member).await;
    for who in [&t.owner, &t.maya, &t.noah, &t.eve, &t.stranger] {
        let listed = d.find_projects(&who.actor, None, "", 200).await.unwrap();
        let organizations = d.organizations_of(&who.actor, 200).await.unwrap();
        for last in [None, Some("acme-research"), Some("acme-production"), Some("not a slug")] {
            for organization in [None, Some("acme"), Some("acme-elsewhere"), Some("nowhere")] {
                let organization = organization.map(slug);
                let frame = d.frame(&who.actor, last, organization.as_ref()).await.unwrap();
                let mut current = d
                    .current_project(&who.actor, last, organization.as_ref())
                    .await
                    .unwrap();
                if current.is_none() {
                    current = d.current_project(&who.actor, last, None).await.unwrap();
                }
                let about = format!("{} {last:?} {organization:?}", who.email);
                assert_eq!(format!("{:?}", frame.current), format!("{current:?}"), "{about}");
                let slugs: Vec<_> = frame.projects.iter().map(|project| &project.slug).collect();
                assert_eq!(
                    slugs,
                    listed.iter().map(|project| &project.slug).collect::<Vec<_>>(),
                    "{about}"
                );
                assert_eq!(
                    format!("{:?}", frame.organizations),
                    format!("{organizations:?}"),
                    "{about}"
                );
            }
        }
    }
}
