//! The transfer of an organization to another Owner, by the Owner or by the operator.
//!
//! Owns the change of the Owner. It must not know how members are listed or removed.

use policy::{
    Email, Name, OrganizationId, OrganizationRole, OrganizationStanding, Refusal, Slug, UserId, check_transfer,
};
use serde_json::json;

use crate::{
    Directory, Hint, Principal, Result, api_keys,
    authorization::lock::{lock_organization, lock_organization_as},
    authorization::standing::find_membership,
    authorization::{permitted::Permitted, record::Record},
    confirmation,
    error::decode,
    memberships,
    notices::Notice,
    outbox, users,
};

impl Directory {
    /// Makes another Admin the Owner; the previous Owner stays an Admin (W2). `confirmation` is the organization's name
    /// as typed.
    ///
    /// # Errors
    /// Those of [`check_transfer`]; [`Refusal::ConfirmationWrong`].
    pub async fn transfer_ownership(
        &self,
        principal: &Principal,
        slug: &Slug,
        to: UserId,
        confirmation: &str,
    ) -> Result<Name> {
        self.change(principal, TRANSFER, |change| {
            Box::pin(async move {
                change.set_target(to);
                let organization = lock_organization(change, slug).await?;
                let membership = find_membership(change.read(), &organization, to).await?;
                let change = &mut change.permit(check_transfer(&organization.standing, membership)?);
                if !organization.name.is_typed_as(confirmation) {
                    return Err(Refusal::ConfirmationWrong.into());
                }
                confirmation::require(change).await?;
                set_owner(change, organization.id, organization.owner, to).await?;
                users::name_of(change.write(), to).await
            })
        })
        .await
    }

    /// Makes a member the Owner, for the operator, in case the Owner can't be reached any more (W2). A member who is no
    /// Admin becomes one, since there may be nobody left who could make them one.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such organization, or for any other principal; [`Refusal::UserNotFound`],
    /// [`Refusal::NotAMember`].
    pub async fn transfer_ownership_as_operator(&self, principal: &Principal, slug: &Slug, to: &Email) -> Result<()> {
        self.change(principal, TRANSFER, |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(to.to_string());
                let user = users::find_by_email(change.write(), to)
                    .await?
                    .ok_or(Refusal::UserNotFound)?;
                change.set_target(user);
                let organization = lock_organization_as(change, slug, user).await?;
                change.record.organization = Some(organization.id);
                if organization.standing.organization.is_none() {
                    return Err(Refusal::NotAMember.into());
                }
                memberships::set_role(change.write(), organization.id, user, OrganizationRole::Admin).await?;
                set_owner(change, organization.id, organization.owner, user).await?;
                let before = organization.standing.organization.map(OrganizationStanding::role);
                change.values(
                    Some(json!({ "owner": organization.owner, "role": before })),
                    Some(json!({ "owner": user, "role": OrganizationRole::Admin })),
                );
                Ok(())
            })
        })
        .await
    }
}

/// The audit's name of a transfer. It is the name of no permission, since only the Owner may transfer.
const TRANSFER: &str = "organization:transfer";

/// Sets the Owner. The Organization Default Key belongs to the Owner alone, so a secret that the previous Owner has
/// seen stops working (W3).
async fn set_owner(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    from: UserId,
    to: UserId,
) -> Result<()> {
    if from != to && api_keys::forget_default_secret(change.write(), organization, None).await? {
        let record = Record {
            organization: Some(organization),
            ..Record::default()
        };
        change.add_event("api_key:forget_default", record);
    }
    let row = sqlx::query!(
        "UPDATE organizations SET owner_id = $2 WHERE id = $1 RETURNING name",
        organization.0,
        to.0
    )
    .fetch_one(change.write())
    .await?;
    if from != to {
        let organization = decode(&row.name, "organizations", "name")?;
        outbox::notice(change, to, &Notice::BecameOwner { organization }).await?;
    }
    change.values(Some(json!({ "owner": from })), Some(json!({ "owner": to })));
    memberships::changed(change, organization, to);
    change.hint(Hint::User(from));
    Ok(())
}
