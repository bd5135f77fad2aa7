//! The creation of an organization, with its Owner and its Default Project (O1, D1).
//!
//! Owns the choice of a free slug. It must not know the principal: the transaction and the Owner are passed in.

use policy::{Name, OrganizationId, OrganizationRole, Slug, UserId};
use serde_json::json;

use crate::{
    Result, api_keys,
    authorization::permitted::Permitted,
    connections::PgConnection,
    error::{decode, inconsistent},
    memberships, projects, secret,
};

/// Creates the organization that comes with an account (O2), named after the person.
pub(crate) async fn create_own(
    change: &mut Permitted<'_, '_>,
    owner: UserId,
    person: &Name,
    additional_projects: bool,
) -> Result<()> {
    // A person's name may have the greatest length of a name, so it is cut to leave room for the rest.
    let kept: String = person.as_str().chars().take(80).collect();
    let name = format!("{}’s organization", kept.trim())
        .parse()
        .map_err(|_| inconsistent("organizations", "name"))?;
    let wanted = Slug::suggest(person.as_str(), "organization");
    let organization = create(change, owner, &name, &wanted, None, additional_projects).await?;
    change.record.organization = Some(organization);
    change.values(None, Some(json!({ "name": person, "organization": name })));
    Ok(())
}

/// Creates an organization, its Owner's membership and its Default Project. The slug is `wanted` if that is free, else
/// `wanted` with a suffix. The Default Project's slug is the organization's with `-default`, unless one is given.
pub(crate) async fn create(
    change: &mut Permitted<'_, '_>,
    owner: UserId,
    name: &Name,
    wanted: &str,
    default_slug: Option<&Slug>,
    additional_projects: bool,
) -> Result<OrganizationId> {
    let (id, default_project) = (OrganizationId(change.new_id()), policy::ProjectId(change.new_id()));
    let at = change.at;
    let db = change.write();
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
    memberships::insert(db, id, owner, OrganizationRole::Admin, None, at).await?;
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
    api_keys::insert_default(db, id, default_project, at).await?;
    Ok(id)
}

/// Serializes concurrent changes that want the same organization slug.
pub(super) async fn wait_for_slug(db: &mut PgConnection, wanted: &str) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", wanted)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the wanted slug, or one with a random suffix if it is taken, or if the Default Project's slug made from it
/// is taken.
async fn free_slug(db: &mut PgConnection, wanted: &str) -> Result<Slug> {
    wait_for_slug(db, wanted).await?;
    let taken = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM organizations WHERE slug = $1)
               OR EXISTS (SELECT FROM project_slugs WHERE slug = $1 || '-default') AS "taken!""#,
        wanted,
    )
    .fetch_one(db)
    .await?
    .taken;
    let slug = if taken {
        let [a, b, c, d] = secret::random()?;
        format!("{wanted}-{a:02x}{b:02x}{c:02x}{d:02x}")
    } else {
        wanted.to_owned()
    };
    decode(&slug, "organizations", "slug")
}
