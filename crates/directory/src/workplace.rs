//! The project that somebody works in: a person by their access to it, a program by its key, which reaches this one project
//! and no other (K1). It must not know what is done there.

use std::{convert::Infallible, str::FromStr};

use policy::{Holder, KeyState, Name, OrganizationId, Permission, ProjectId, Refusal, Slug, Standing, UserId};

use crate::{
    Agent, Directory, KeyActor, ProjectView, Result,
    access::{ProjectSeen, find_project, lock_project},
    api_keys,
    change::{By, Change},
    connections::PgConnection,
    error::inconsistent,
};

/// A project, as an address names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRef {
    /// By its permanent id. A text that can be an id is one.
    Id(ProjectId),
    /// By its slug.
    Slug(Slug),
    /// By something that no project is called.
    Nothing,
}

impl FromStr for ProjectRef {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match (text.parse(), text.parse()) {
            (Ok(id), _) => Self::Id(id),
            (Err(_), Ok(slug)) => Self::Slug(slug),
            (Err(_), Err(_)) => Self::Nothing,
        })
    }
}

impl From<Slug> for ProjectRef {
    fn from(slug: Slug) -> Self {
        Self::Slug(slug)
    }
}

/// Whoever looks at resources, and changes nothing.
#[derive(Clone, Copy, Debug)]
pub enum Viewer<'a> {
    /// A person.
    Person(UserId),
    /// A program with an API key.
    Key(&'a KeyActor),
}

impl<'a> From<Agent<'a>> for Viewer<'a> {
    fn from(agent: Agent<'a>) -> Self {
        match agent {
            Agent::Person(actor) => Self::Person(actor.user),
            Agent::Key(actor) => Self::Key(actor),
        }
    }
}

/// A project, and what whoever works in it may do there.
#[derive(Clone, Debug)]
pub struct ProjectContext {
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The project. A program has no standing in it: see `holder`.
    pub project: ProjectView,
    /// What decides what they may do to its resources.
    pub holder: Holder,
}

impl ProjectContext {
    /// Whether whoever works there has access at all: what others try is not in the project's audit (A4).
    const fn is_visible(&self) -> bool {
        match self.holder {
            Holder::Person(standing) => standing.project.is_some(),
            Holder::Key(_) => true,
        }
    }
}

impl From<ProjectSeen> for ProjectContext {
    fn from(seen: ProjectSeen) -> Self {
        Self {
            organization: seen.organization,
            holder: Holder::Person(seen.standing),
            project: seen.into(),
        }
    }
}

/// Finds the project that somebody looks at.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none, or not the key's (K1); [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`],
/// [`Refusal::KeyInvalid`]. Whether a person may see it is still to be decided, by `holder`.
pub(crate) async fn find_project_context(
    db: &mut PgConnection,
    viewer: Viewer<'_>,
    project: &ProjectRef,
) -> Result<ProjectContext> {
    match viewer {
        Viewer::Person(user) => {
            let slug = slug_of(db, project).await?;
            Ok(find_project(db, &slug, user).await?.into())
        }
        Viewer::Key(key) => find_of_key(db, key, project).await,
    }
}

/// Finds the project that somebody changes something in, and locks it, with its organization, until the change ends. Notes it
/// for the audit.
///
/// # Errors
/// Those of [`find_project_context`].
pub(crate) async fn lock_project_context(
    change: &mut Change<'_>,
    agent: Agent<'_>,
    project: &ProjectRef,
) -> Result<ProjectContext> {
    let place = match agent {
        Agent::Person(actor) => {
            let slug = slug_of(&mut change.tx, project).await?;
            lock_project(&mut change.tx, &slug, actor.user).await?.into()
        }
        Agent::Key(key) => {
            // Whatever it tries, those who look after its project read of it.
            change.record.organization = Some(key.organization);
            change.record.project = Some(key.project);
            // As a person does it: see `lock_project`.
            sqlx::query!("SELECT pg_advisory_xact_lock_shared(turn_in($1))", key.organization.0)
                .execute(&mut *change.tx)
                .await?;
            sqlx::query!(
                "SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id
                 WHERE p.organization_id = $1 AND p.id = $2
                 FOR SHARE OF o FOR NO KEY UPDATE OF p",
                key.organization.0,
                key.project.0,
            )
            .fetch_optional(&mut *change.tx)
            .await?;
            // Read again: the wait for the lock may have changed everything.
            find_of_key(&mut change.tx, key, project).await?
        }
    };
    if place.is_visible() {
        change.record.organization = Some(place.organization);
        change.record.project = Some(place.project.id);
    }
    Ok(place)
}

/// The project of a key, if it is the one that is asked for: to a key there is no other. The key is looked at again, since it
/// may have come to its end after it was shown (E5).
pub(crate) async fn find_of_key(db: &mut PgConnection, key: &KeyActor, project: &ProjectRef) -> Result<ProjectContext> {
    let row = sqlx::query!(
        r#"SELECT k.reach, k.revoked_at IS NOT NULL AS "is_revoked!",
                  COALESCE(k.expires_at <= statement_timestamp(), false) AS "is_expired!",
                  s.slug, p.name, p.is_default, p.allow_externals,
                  o.slug AS organization_slug, o.name AS organization_name
           FROM api_keys k
           JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
           JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
           JOIN organizations o ON o.id = p.organization_id
           WHERE k.organization_id = $1 AND k.project_id = $2 AND k.id = $3"#,
        key.organization.0,
        key.project.0,
        key.key.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Refusal::KeyInvalid)?;
    KeyState::of(row.is_revoked, row.is_expired).require_active()?;
    let slug: Slug = row.slug.parse().map_err(|_| inconsistent("project_slugs", "slug"))?;
    let is_its_own = match project {
        ProjectRef::Id(id) => *id == key.project,
        ProjectRef::Slug(wanted) => *wanted == slug,
        ProjectRef::Nothing => false,
    };
    if !is_its_own {
        return Err(Refusal::Hidden.into());
    }
    let name: Name = row.name.parse().map_err(|_| inconsistent("projects", "name"))?;
    Ok(ProjectContext {
        organization: key.organization,
        project: ProjectView {
            id: key.project,
            slug,
            name,
            organization_slug: row
                .organization_slug
                .parse()
                .map_err(|_| inconsistent("organizations", "slug"))?,
            organization_name: row
                .organization_name
                .parse()
                .map_err(|_| inconsistent("organizations", "name"))?,
            is_default: row.is_default,
            allow_externals: row.allow_externals,
            standing: Standing::default(),
            expires_at: None,
        },
        holder: Holder::Key(api_keys::reach(&row.reach)?),
    })
}

/// The slug a project has now.
async fn slug_of(db: &mut PgConnection, project: &ProjectRef) -> Result<Slug> {
    match project {
        ProjectRef::Slug(slug) => Ok(slug.clone()),
        ProjectRef::Nothing => Err(Refusal::Hidden.into()),
        ProjectRef::Id(id) => sqlx::query!(
            "SELECT slug FROM project_slugs WHERE project_id = $1 AND released_at IS NULL",
            id.0
        )
        .fetch_optional(db)
        .await?
        .ok_or(Refusal::Hidden)?
        .slug
        .parse()
        .map_err(|_| inconsistent("project_slugs", "slug")),
    }
}

impl Directory {
    /// Asks for a permission before what was sent is looked at, like [`Directory::authorize`], for a person or a program.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; for a key [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`],
    /// [`Refusal::KeyInvalid`].
    pub async fn authorize_agent(&self, agent: Agent<'_>, project: &ProjectRef, permission: Permission) -> Result<()> {
        let mut db = self.pool.acquire().await?;
        let (ids, decision) = match find_project_context(&mut db, agent.into(), project).await {
            Ok(place) => (
                Some((place.organization, place.project.id)).filter(|_| place.is_visible()),
                place.holder.require(permission).map_err(Into::into),
            ),
            Err(error) => (
                match agent {
                    Agent::Person(_) => None,
                    Agent::Key(key) => Some((key.organization, key.project)),
                },
                Err(error),
            ),
        };
        drop(db);
        if decision.is_ok() {
            return Ok(());
        }
        self.change(By::from(agent), permission.name(), |change| {
            Box::pin(async move {
                (change.record.organization, change.record.project) = ids.unzip();
                decision
            })
        })
        .await
    }
}
