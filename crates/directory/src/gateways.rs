//! Gateway tokens: by which an enforcement point shows that the operator lets it ask (E3). They are the operator's, of no
//! tenant; made and revoked at the command line, and looked up with each question by [`crate::enforcement`].

use policy::{GatewayTokenId, Name, Refusal};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Directory, Result, Token, TokenKind,
    change::By,
    error::{inconsistent, refuse_on},
};

/// A gateway token, without its secret.
#[derive(Clone, Debug)]
pub struct GatewayToken {
    /// Its id.
    pub id: GatewayTokenId,
    /// What the operator calls it; one that was revoked leaves its name to the next.
    pub name: Name,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
    /// Since when it opens nothing any more.
    pub revoked_at: Option<OffsetDateTime>,
    /// When somebody last asked with it, to the minute: whether it would be missed.
    pub last_used_at: Option<OffsetDateTime>,
}

impl Directory {
    /// Makes a gateway token, as the operator. What is returned is shown once; only its hash is kept (A3).
    ///
    /// # Errors
    /// [`Refusal::GatewayNameTaken`] while a token of this name is good.
    pub async fn create_gateway_token(&self, name: &Name) -> Result<Token> {
        let mut change = self.change(By::Operator, "gateway_token:create").await?;
        change.record.target = Some(name.to_string());
        let outcome = async {
            let (id, token) = (GatewayTokenId(Uuid::now_v7()), Token::random(TokenKind::Gateway)?);
            change.record.target_id = Some(id.0);
            sqlx::query!(
                "INSERT INTO gateway_tokens (id, name, token_hash, created_at) VALUES ($1, $2, $3, $4)",
                id.0,
                name.as_str(),
                &token.hash(),
                change.at,
            )
            .execute(&mut *change.tx)
            .await
            .map_err(|error| refuse_on(error, "gateway_tokens_one_live_name_index", Refusal::GatewayNameTaken))?;
            change.values(None, Some(json!({ "name": name })));
            Ok(token)
        }
        .await;
        change.finish(outcome).await
    }

    /// Revokes a gateway token, as the operator. From the next question on it is unknown (E5).
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if no good one has this name.
    pub async fn revoke_gateway_token(&self, name: &Name) -> Result<()> {
        let mut change = self.change(By::Operator, "gateway_token:revoke").await?;
        change.record.target = Some(name.to_string());
        let outcome = async {
            let row = sqlx::query!(
                "UPDATE gateway_tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL RETURNING id",
                name.as_str(),
                change.at,
            )
            .fetch_optional(&mut *change.tx)
            .await?
            .ok_or(Refusal::Hidden)?;
            change.record.target_id = Some(row.id);
            change.values(Some(json!({ "name": name })), None);
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }

    /// Every gateway token there is or was, for the operator: those that are good first, by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn gateway_tokens(&self) -> Result<Vec<GatewayToken>> {
        let rows = sqlx::query!(
            "SELECT id, name, created_at, revoked_at, last_used_at FROM gateway_tokens
             ORDER BY revoked_at IS NOT NULL, name, created_at"
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(GatewayToken {
                    id: GatewayTokenId(row.id),
                    name: row.name.parse().map_err(|_| inconsistent("gateway_tokens", "name"))?,
                    created_at: row.created_at,
                    revoked_at: row.revoked_at,
                    last_used_at: row.last_used_at,
                })
            })
            .collect()
    }
}
