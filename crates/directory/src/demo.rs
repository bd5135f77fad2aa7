//! The demo organization (INTERFACES, demo data): people of every kind, for trying the console and for tests.
//!
//! Owns its people and projects. It must not run on a database with people in it.

mod data;
mod work;

use policy::{KeyScope, Name, OrganizationId, OrganizationRole, Password, ProjectId, ProjectRole, Slug, UserId};
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Error, NewAccount, Principal, Result,
    api_keys::{self, NewKey},
    authorization::permitted::Permitted,
    authorization::writer::Writer,
    error::inconsistent,
    memberships, organizations, projects, secret, users, verification,
};

/// The password of every person.
pub const DEMO_PASSWORD: &str = "correct-horse-battery";

/// The age of the demo organization.
const AGE: Duration = Duration::days(90);

/// Why the demo data was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There are people in the database already.
    #[error("the database has people in it already: demo data goes into an empty one only")]
    NotEmpty,
    /// The database refused or failed.
    #[error(transparent)]
    Directory(#[from] Error),
}

impl Directory {
    /// Fills an empty database with the demo organization, in one transaction.
    ///
    /// # Errors
    /// [`DemoError::NotEmpty`] if there is anybody in the database.
    pub async fn load_demo(&self, principal: &Principal) -> std::result::Result<(), DemoError> {
        let any = sqlx::query!(r#"SELECT EXISTS (SELECT FROM users) AS "any!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(Error::from)?
            .any;
        if any {
            return Err(DemoError::NotEmpty);
        }
        let filled = self.change(principal, "demo:load", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                let now = change.at;
                change.at = now - AGE;
                let filled = fill(change, now).await;
                change.at = now;
                filled
            })
        });
        Ok(filled.await?)
    }
}

async fn fill(change: &mut Permitted<'_, '_>, now: OffsetDateTime) -> Result<()> {
    let at = change.at;
    let password: Password = DEMO_PASSWORD.parse().map_err(|_| inconsistent("demo", "password"))?;
    let hash = secret::hash_password(secret::Asker::Known, password.clone()).await?;
    let mut people = Vec::new();
    for (name, email) in [
        ("Olivia Owner", "olivia@acme.test"),
        ("Adam Admin", "adam@acme.test"),
        ("Maya Member", "maya@acme.test"),
        ("Noah Newcomer", "noah@acme.test"),
        ("Mia Muster", "mia@acme.test"),
        ("Eve External", "eve@partner.test"),
    ] {
        let account = NewAccount {
            email: parse(email)?,
            name: parse(name)?,
            password: password.clone(),
        };
        let user = users::insert(change.write(), &account, &hash, at).await?;
        verification::prove(change, user).await?;
        people.push(user);
    }
    let [olivia, adam, maya, noah, mia, eve] = people[..] else {
        return Err(inconsistent("demo", "people"));
    };

    let acme = found(change, olivia, "Acme Research", "acme").await?;
    for (user, role) in [
        (adam, OrganizationRole::Admin),
        (maya, OrganizationRole::Member),
        (noah, OrganizationRole::Member),
        (mia, OrganizationRole::Member),
    ] {
        memberships::insert(change.write(), acme, user, role, Some(olivia), at).await?;
    }
    found(change, eve, "Partner Labs", "partner").await?;

    let db = change.write();
    let research = project(db, acme, "ML Research", "ml-research", true, at).await?;
    let production = project(db, acme, "Production", "production", false, at).await?;
    for (user, role) in [
        (maya, ProjectRole::Admin),
        (mia, ProjectRole::Member),
        (eve, ProjectRole::Member),
    ] {
        collaborator(db, acme, research, user, role, olivia, at).await?;
    }
    let default = sqlx::query!("SELECT default_project_id FROM organizations WHERE id = $1", acme.0)
        .fetch_one(&mut *db)
        .await?
        .default_project_id;
    for (project, name, by) in [
        (ProjectId(default), "playground", noah),
        (research, "training-jobs", maya),
        (production, "inference-gateway", adam),
    ] {
        // Their secrets are never shown.
        let key = NewKey {
            name: &parse(name)?,
            reach: KeyScope::Use,
            expires_at: None,
            by,
            at,
        };
        api_keys::insert(db, acme, project, &key).await?;
    }
    let scene = work::Scene {
        organization: acme,
        default: ProjectId(default),
        research,
        production,
        adam,
        maya,
        noah,
        mia,
    };
    work::fill(db, &scene, now).await
}

async fn found(change: &mut Permitted<'_, '_>, owner: UserId, name: &str, slug: &str) -> Result<OrganizationId> {
    let name: Name = parse(name)?;
    organizations::create(change, owner, &name, slug, None, true).await
}

async fn project(
    db: &mut Writer,
    organization: OrganizationId,
    name: &str,
    slug: &str,
    externals: bool,
    at: OffsetDateTime,
) -> Result<ProjectId> {
    let (name, slug): (Name, Slug) = (parse(name)?, parse(slug)?);
    let id = ProjectId(db.new_id());
    projects::insert(db, organization, id, &name, &slug, false, at).await?;
    sqlx::query!(
        "UPDATE projects SET allow_externals = $3 WHERE organization_id = $1 AND id = $2",
        organization.0,
        id.0,
        externals,
    )
    .execute(db)
    .await?;
    Ok(id)
}

async fn collaborator(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    user: UserId,
    role: ProjectRole,
    by: UserId,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
         SELECT $1, $2, u.id, u.name, $4, $5, $6 FROM users u WHERE u.id = $3",
        organization.0,
        project.0,
        user.0,
        role.code(),
        by.0,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Parses a value of the demo data. A value that doesn't parse is a bug, and is reported as one.
fn parse<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Internal(format!("demo data: {text}")))
}
