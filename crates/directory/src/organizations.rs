//! Organizations: made whole, with their Owner and their Default Project, or not at all (O1, D1).

use policy::{Name, OrganizationId, OrganizationRole, OrganizationStanding, Slug, UserId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Directory, Result, access::organization_standing, change::Change, error::inconsistent, members, projects, secret,
};

/// An organization somebody has to do with.
#[derive(Clone, Debug)]
pub struct OrganizationSummary {
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// What the person is in it; nothing for an External Collaborator (X3).
    pub standing: Option<OrganizationStanding>,
}

/// Makes the organization that comes with an account (O2), named for the person.
pub(crate) async fn create_own(
    change: &mut Change<'_>,
    owner: UserId,
    person: &Name,
    additional_projects: bool,
) -> Result<()> {
    // A person's name may fill all the room a name has.
    let kept: String = person.as_str().chars().take(80).collect();
    let name = format!("{}’s organization", kept.trim())
        .parse()
        .map_err(|_| inconsistent("organizations", "name"))?;
    let wanted = Slug::suggest(person.as_str(), "organization");
    let organization = create(change, owner, &name, &wanted, None, additional_projects).await?;
    change.record.organization = Some(organization);
    change.values(None, Some(json!({ "organization": name })));
    Ok(())
}

/// Makes an organization, its Owner's membership and its Default Project. `wanted` is the slug if it is free, else its
/// beginning; the Default Project's is the same with `-default`, unless given.
pub(crate) async fn create(
    change: &mut Change<'_>,
    owner: UserId,
    name: &Name,
    wanted: &str,
    default_slug: Option<&Slug>,
    additional_projects: bool,
) -> Result<OrganizationId> {
    let (id, default_project) = (OrganizationId(Uuid::now_v7()), policy::ProjectId(Uuid::now_v7()));
    let at = change.at;
    let db = &mut *change.tx;
    let slug = free_slug(db, wanted).await?;
    sqlx::query!(
        "INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        slug.as_str(),
        name.as_str(),
        additional_projects,
        at,
        owner.0,
        default_project.0,
    )
    .execute(&mut *db)
    .await?;
    members::insert(db, id, owner, OrganizationRole::Admin, None, at).await?;
    let project_slug = match default_slug {
        Some(slug) => slug.clone(),
        None => format!("{slug}-default")
            .parse()
            .map_err(|_| inconsistent("project_slugs", "slug"))?,
    };
    let project_name = "Default Project"
        .parse()
        .map_err(|_| inconsistent("projects", "name"))?;
    projects::insert(db, id, default_project, &project_name, &project_slug, true, at).await?;
    Ok(id)
}

/// The wanted slug, or with a random end if it, or the Default Project's made of it, is taken. Two who want the same at
/// once take turns.
async fn free_slug(db: &mut PgConnection, wanted: &str) -> Result<Slug> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", wanted)
        .execute(&mut *db)
        .await?;
    let taken = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM organizations WHERE slug = $1)
               OR EXISTS (SELECT FROM project_slugs WHERE slug = $1 || '-default') AS "taken!""#,
        wanted,
    )
    .fetch_one(db)
    .await?
    .taken;
    let slug = if taken {
        let [a, b, c, d, ..] = secret::random()?;
        format!("{wanted}-{a:02x}{b:02x}{c:02x}{d:02x}")
    } else {
        wanted.to_owned()
    };
    slug.parse().map_err(|_| inconsistent("organizations", "slug"))
}

impl Directory {
    /// The organizations a person is in, or an external of, by name; at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn organizations_of(&self, user: UserId, limit: i64) -> Result<Vec<OrganizationSummary>> {
        let rows = sqlx::query!(
            r#"SELECT o.slug, o.name, o.owner_id, m.role AS "role?"
               FROM (
                   SELECT organization_id FROM members WHERE user_id = $1
                   UNION
                   SELECT organization_id FROM access_collaborators WHERE user_id = $1
               ) mine
               JOIN organizations o ON o.id = mine.organization_id
               LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $1
               ORDER BY o.name, o.id LIMIT $2"#,
            user.0,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OrganizationSummary {
                    slug: row.slug.parse().map_err(|_| inconsistent("organizations", "slug"))?,
                    name: row.name.parse().map_err(|_| inconsistent("organizations", "name"))?,
                    standing: organization_standing(row.role.as_deref(), row.owner_id == user.0)?,
                })
            })
            .collect()
    }
}
