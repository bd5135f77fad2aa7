//! Meter tokens (E9): by which a scheduler or gateway of the operator's reports usage that names no project, for any
//! organization. They are the operator's, of no tenant; made and revoked at the command line.

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
    /// What the operator calls it; one that was revoked leaves its name to the next.
    pub name: Name,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
    /// Since when it opens nothing any more.
    pub revoked_at: Option<OffsetDateTime>,
    /// When somebody last reported with it, to the minute: whether it would be missed.
    pub last_used_at: Option<OffsetDateTime>,
}

/// An organization, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationRef {
    /// By its permanent id. A text that can be an id is one.
    Id(OrganizationId),
    /// By its slug.
    Slug(Slug),
    /// By something that no organization is called.
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
    /// Makes a meter token, as the operator. What is returned is shown once; only its hash is kept (A3).
    ///
    /// # Errors
    /// [`Refusal::MeterNameTaken`] while a token of this name is good.
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
    /// [`Refusal::Hidden`] if no good one has this name.
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

    /// Every meter token there is or was, for the operator: those that are good first, by name.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for everybody else; [`Error::Unavailable`](crate::Error::Unavailable).
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

    /// Finds the meter that shows this token, if it opens anything now: one query, at every request (E5).
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

    /// Ends the secret that somebody shows, whatever it is for: an API key, or a token of a gateway or a meter (K10).
    /// Whoever has a secret may end it. Answers whether there is such a secret.
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
        // What is done already is not written down each time somebody finds it.
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
