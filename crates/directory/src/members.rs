//! Members of an organization. Access to the Default Project follows from membership by itself (D2), and what was given to a
//! member ends with it (M6): the database sees to both.

use policy::{
    OrganizationId, OrganizationRole, OrganizationStanding, Permission, Refusal, Slug, Standing, UserId,
    check_member_change,
};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Actor, Directory, Hint, Result, access::organization_standing, change::By, error::inconsistent};

struct OrganizationSeen {
    id: OrganizationId,
    owner: UserId,
    standing: Standing,
}

impl Directory {
    /// Gives a member another organization role (M6).
    ///
    /// # Errors
    /// [`Refusal::OwnerProtected`] for the Owner (W1); [`Refusal::Hidden`] if there is no such organization or member.
    pub async fn change_member_role(
        &self,
        actor: &Actor,
        organization: &Slug,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<()> {
        let mut change = self
            .change(By::User(actor), Permission::MemberUpdateRole.name())
            .await?;
        change.about(user);
        let outcome = async {
            let organization = lock(&mut change.tx, organization, actor.user).await?;
            change.record.organization = Some(organization.id);
            let before = place(&mut change.tx, &organization, user).await?;
            check_member_change(
                &organization.standing,
                before,
                user == actor.user,
                Permission::MemberUpdateRole,
            )?;
            sqlx::query!(
                "UPDATE members SET role = $3 WHERE organization_id = $1 AND user_id = $2",
                organization.id.0,
                user.0,
                role.code(),
            )
            .execute(&mut *change.tx)
            .await?;
            change.values(
                before.map(|place| json!({ "role": place.role() })),
                Some(json!({ "role": role })),
            );
            change.hint(Hint::Organization(organization.id));
            change.hint(Hint::User(user));
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }

    /// Ends a membership, and with it all access to the organization and its projects (M6); one's own is leaving (M8).
    ///
    /// # Errors
    /// [`Refusal::OwnerProtected`] for the Owner (W1); [`Refusal::Hidden`] if there is no such organization or member.
    pub async fn remove_member(&self, actor: &Actor, organization: &Slug, user: UserId) -> Result<()> {
        let mut change = self.change(By::User(actor), Permission::MemberRemove.name()).await?;
        change.about(user);
        let outcome = async {
            let organization = lock(&mut change.tx, organization, actor.user).await?;
            change.record.organization = Some(organization.id);
            let before = place(&mut change.tx, &organization, user).await?;
            check_member_change(
                &organization.standing,
                before,
                user == actor.user,
                Permission::MemberRemove,
            )?;
            sqlx::query!(
                "DELETE FROM members WHERE organization_id = $1 AND user_id = $2",
                organization.id.0,
                user.0
            )
            .execute(&mut *change.tx)
            .await?;
            change.values(before.map(|place| json!({ "role": place.role() })), None);
            change.hint(Hint::Organization(organization.id));
            change.hint(Hint::User(user));
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }
}

/// Locks an organization against every change to its people, and reads what `user` is in it.
async fn lock(db: &mut PgConnection, slug: &Slug, user: UserId) -> Result<OrganizationSeen> {
    let row = sqlx::query!(
        "SELECT id, owner_id FROM organizations WHERE slug = $1 FOR NO KEY UPDATE",
        slug.as_str()
    )
    .fetch_optional(&mut *db)
    .await?
    .ok_or(Refusal::Hidden)?;
    let mut organization = OrganizationSeen {
        id: OrganizationId(row.id),
        owner: UserId(row.owner_id),
        standing: Standing::default(),
    };
    organization.standing.organization = place(db, &organization, user).await?;
    Ok(organization)
}

/// What a person is in an organization.
async fn place(
    db: &mut PgConnection,
    organization: &OrganizationSeen,
    user: UserId,
) -> Result<Option<OrganizationStanding>> {
    let row = sqlx::query!(
        "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2",
        organization.id.0,
        user.0
    )
    .fetch_optional(db)
    .await?;
    organization_standing(row.as_ref().map(|row| row.role.as_str()), organization.owner == user)
}

/// Writes a membership.
pub(crate) async fn insert(
    db: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    role: OrganizationRole,
    added_by: Option<UserId>,
    at: OffsetDateTime,
) -> Result<()> {
    let written = sqlx::query!(
        "INSERT INTO members (organization_id, user_id, name, role, added_by, added_at)
         SELECT $1, u.id, u.name, $3, $4, $5 FROM users u WHERE u.id = $2",
        organization.0,
        user.0,
        role.code(),
        added_by.map(|id| id.0),
        at,
    )
    .execute(db)
    .await?
    .rows_affected();
    if written == 1 {
        Ok(())
    } else {
        Err(inconsistent("members", "user_id"))
    }
}
