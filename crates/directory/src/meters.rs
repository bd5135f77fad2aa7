//! Meter tokens (E9): a scheduler or gateway of the operator reports usage that names no project with one, for any
//! organization.
//!
//! Owns the tokens' rows, their check, and revoking a secret of any kind. It must not know what is reported. Tokens are
//! the operator's and belong to no tenant; they are created and revoked at the command line.

use std::{convert::Infallible, str::FromStr};

use policy::{MeterTokenId, Name, OrganizationId, Refusal, Slug};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Directory, Identity, Origin, Principal, Result, Token, TokenKind,
    error::{decode, refuse_on},
};

/// A meter token, without its secret.
#[derive(Clone, Debug)]
pub struct MeterToken {
    /// Its id.
    pub id: MeterTokenId,
    /// The operator's name for it. The name of a revoked token can be used again.
    pub name: Name,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute, which shows whether it is still needed.
    pub last_used_at: Option<OffsetDateTime>,
}

/// An organization, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationRef {
    /// By its permanent id. A text that can be an id is taken as one.
    Id(OrganizationId),
    /// By its slug.
    Slug(Slug),
    /// By a text that can be neither an id nor a slug, so no organization has it.
    Nothing,
}

impl FromStr for OrganizationRef {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match (text.parse(), text.parse()) {
            (Ok(id), _) => Self::Id(id),
            (Err(_), Ok(slug)) => Self::Slug(slug),
            (Err(_), Err(_)) => Self::Nothing,
        })
    }
}

impl Directory {
    /// Creates a meter token, as the operator. The returned secret is shown once; only its hash is stored (A3).
    ///
    /// # Errors
    /// [`Refusal::MeterNameTaken`] if a valid token has this name; [`Refusal::Hidden`] for any other principal.
    pub async fn create_meter_token(&self, principal: &Principal, name: &Name) -> Result<Token> {
        self.change(principal, "meter_token:create", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(name.to_string());
                let (id, token) = (MeterTokenId(change.new_id()), Token::random(TokenKind::Meter)?);
                change.record.target_id = Some(id.0);
                sqlx::query!(
                    "INSERT INTO meter_tokens (id, name, token_hash, created_at) VALUES ($1, $2, $3, $4)",
                    id.0,
                    name.as_str(),
                    &token.hash(),
                    change.at,
                )
                .execute(change.write())
                .await
                .map_err(|error| refuse_on(error, "meter_tokens_one_live_name_index", Refusal::MeterNameTaken))?;
                change.values(None, Some(json!({ "name": name })));
                Ok(token)
            })
        })
        .await
    }

    /// Revokes a meter token, as the operator. From the next report on it is unknown (E5).
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if no valid token has this name, or for any other principal.
    pub async fn revoke_meter_token(&self, principal: &Principal, name: &Name) -> Result<()> {
        self.change(principal, "meter_token:revoke", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(name.to_string());
                let row = sqlx::query!(
                    "UPDATE meter_tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL RETURNING id",
                    name.as_str(),
                    change.at,
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::Hidden)?;
                change.record.target_id = Some(row.id);
                change.values(Some(json!({ "name": name })), None);
                Ok(())
            })
        })
        .await
    }

    /// Returns all meter tokens, also those that have ended, for the operator: valid ones first, by name.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal; [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn meter_tokens(&self, principal: &Principal) -> Result<Vec<MeterToken>> {
        principal.require_operator()?;
        let rows = sqlx::query!(
            "SELECT id, name, created_at, revoked_at, last_used_at FROM meter_tokens
             ORDER BY revoked_at IS NOT NULL, name, created_at"
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(MeterToken {
                    id: MeterTokenId(row.id),
                    name: decode(&row.name, "meter_tokens", "name")?,
                    created_at: row.created_at,
                    revoked_at: row.revoked_at,
                    last_used_at: row.last_used_at,
                })
            })
            .collect()
    }

    /// Returns the meter with this token as a principal, if the token is valid now. This is one query, for every
    /// request (E5).
    ///
    /// # Errors
    /// [`Refusal::MeterUnknown`].
    pub async fn authenticate_meter(&self, secret: &Token, origin: Origin) -> Result<Principal> {
        let row = sqlx::query!(
            r#"SELECT id, COALESCE(last_used_at < statement_timestamp() - interval '1 minute', true) AS "is_use_due!"
               FROM meter_tokens WHERE token_hash = $1 AND revoked_at IS NULL"#,
            &secret.hash(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::MeterUnknown)?;
        if row.is_use_due {
            let pool = self.pool.clone();
            Self::spawn_best_effort("a meter's use", async move {
                sqlx::query!(
                    "UPDATE meter_tokens SET last_used_at = statement_timestamp()
                     WHERE id = $1 AND COALESCE(last_used_at < statement_timestamp() - interval '1 minute', true)",
                    row.id,
                )
                .execute(&pool)
                .await?;
                Ok(())
            });
        }
        Ok(Principal {
            identity: Identity::Meter(MeterTokenId(row.id)),
            origin,
        })
    }

    /// Revokes the secret of an API key, a gateway token or a meter token (K10). Any principal may do this, since
    /// holding the secret is enough. Returns whether there is such a secret.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn revoke_presented(&self, principal: &Principal, kind: TokenKind, secret: &Token) -> Result<bool> {
        match kind {
            TokenKind::ApiKey => self.revoke_presented_key(principal, secret).await,
            TokenKind::Gateway => self.revoke_presented_gateway(principal, secret).await,
            TokenKind::Meter => self.revoke_presented_meter(principal, secret).await,
        }
    }

    async fn revoke_presented_gateway(&self, principal: &Principal, secret: &Token) -> Result<bool> {
        let found = sqlx::query!(
            "SELECT id, name, revoked_at FROM gateway_tokens WHERE token_hash = $1",
            &secret.hash()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(false) };
        // A secret that is already revoked isn't audited each time it is reported again.
        if found.revoked_at.is_some() {
            return Ok(true);
        }
        self.change(principal, "gateway_token:revoke_presented", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                (change.record.target_id, change.record.target) = (Some(found.id), Some(found.name));
                sqlx::query!(
                    "UPDATE gateway_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
                    found.id,
                    change.at
                )
                .execute(change.write())
                .await?;
                Ok(true)
            })
        })
        .await
    }

    async fn revoke_presented_meter(&self, principal: &Principal, secret: &Token) -> Result<bool> {
        let found = sqlx::query!(
            "SELECT id, name, revoked_at FROM meter_tokens WHERE token_hash = $1",
            &secret.hash()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(false) };
        if found.revoked_at.is_some() {
            return Ok(true);
        }
        self.change(principal, "meter_token:revoke_presented", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                (change.record.target_id, change.record.target) = (Some(found.id), Some(found.name));
                sqlx::query!(
                    "UPDATE meter_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
                    found.id,
                    change.at
                )
                .execute(change.write())
                .await?;
                Ok(true)
            })
        })
        .await
    }
}
