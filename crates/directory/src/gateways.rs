//! Gateway tokens: they authorize an enforcement point to ask (E3), about the targets in the token's scope (E7).
//!
//! Owns the tokens' rows. It must not know what a gateway asks: a token is looked up with each request by
//! [`authorization::gateway`]. Tokens are the operator's and belong to no tenant; they are created and revoked at the
//! command line.

use std::collections::HashSet;

use policy::{GatewayTokenId, Name, OrganizationId, Permission, ProjectId, Refusal, ResourceId, ResourceKind, Slug};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    Directory, Principal, ProjectRef, Result, Token, TokenKind,
    authorization::{change::Change, permitted::Permitted},
    error::{decode, inconsistent, refuse_on},
};

/// A gateway token, without its secret.
#[derive(Clone, Debug)]
pub struct GatewayToken {
    /// Its id.
    pub id: GatewayTokenId,
    /// The operator's name for it. The name of a revoked token can be used again.
    pub name: Name,
    /// Its scope: what the gateway may ask about.
    pub scope: GatewayScope,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it expires or expired.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute, which shows whether it is still needed.
    pub last_used_at: Option<OffsetDateTime>,
}

/// The scope of a gateway token (E7). For the token, nothing outside of it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayScope {
    /// The organization, project or cluster it is limited to; `None` for the whole installation.
    pub target: Option<GatewayTarget>,
    /// The kinds and permissions it is limited to; `None` for all.
    pub allows: Option<Vec<Allowed>>,
    /// Whether it may read the SSH keys that log in to the clusters in its scope.
    pub reads_ssh_keys: bool,
}

impl GatewayScope {
    /// The largest scope: the whole installation, every permission, and SSH keys.
    pub const INSTALLATION: Self = Self {
        target: None,
        allows: None,
        reads_ssh_keys: true,
    };
}

/// The organization, project or cluster that a gateway token is limited to. It names ids, since a slug may later belong
/// to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayTarget {
    /// The organization.
    pub organization: OrganizationId,
    /// The project it is limited to; `None` for all of the organization.
    pub project: Option<ProjectId>,
    /// The cluster it is limited to; `None` for all resources of the project.
    pub cluster: Option<ResourceId>,
    /// The organization's present slug; `None` if it was deleted.
    pub organization_slug: Option<String>,
    /// The project's present slug.
    pub project_slug: Option<String>,
}

/// What a gateway's request may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Everything that can be done with resources of this kind.
    Kind(ResourceKind),
    /// This permission.
    Permission(Permission),
}

impl Allowed {
    /// Returns its code, as stored and as typed: `endpoint`, `volume:read`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.code(),
            Self::Permission(permission) => permission.name(),
        }
    }
}

impl std::str::FromStr for Allowed {
    type Err = policy::Unknown;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match (text.parse(), text.parse()) {
            (Ok(kind), _) => Ok(Self::Kind(kind)),
            (Err(_), Ok(permission)) => Ok(Self::Permission(permission)),
            (Err(unknown), Err(_)) => Err(unknown),
        }
    }
}

/// The values of a gateway token to create.
#[derive(Clone, Debug)]
pub struct NewGatewayToken {
    /// Its name.
    pub name: Name,
    /// The organization, by its slug.
    pub organization: Option<Slug>,
    /// The project.
    pub project: Option<ProjectRef>,
    /// The cluster.
    pub cluster: Option<ResourceId>,
    /// The kinds and permissions it is limited to; `None` for all.
    pub allows: Option<Vec<Allowed>>,
    /// Whether it may read SSH keys.
    pub reads_ssh_keys: bool,
    /// When it expires.
    pub expires_at: Option<OffsetDateTime>,
}

/// The hashes of the gateway tokens that are valid now. The limit on requests with unknown tokens uses it to exempt
/// known ones; it authorizes nothing.
#[derive(Debug, Default)]
pub struct KnownGateways(HashSet<[u8; 32]>);

impl KnownGateways {
    /// Returns whether the token was valid when the set was read.
    #[must_use]
    pub fn has(&self, token: &Token) -> bool {
        self.0.contains(&token.hash())
    }

    /// Adds a token that was found to be valid.
    pub fn add(&mut self, token: &Token) {
        self.0.insert(token.hash());
    }

    /// Removes a token that was found to be no longer valid.
    pub fn remove(&mut self, token: &Token) {
        self.0.remove(&token.hash());
    }
}

impl Directory {
    /// Creates a gateway token for the whole installation, as the operator. The returned secret is shown once; only its
    /// hash is stored (A3).
    ///
    /// # Errors
    /// [`Refusal::GatewayNameTaken`] if a valid token has this name; [`Refusal::Hidden`] for any other principal.
    pub async fn create_gateway_token(&self, principal: &Principal, name: &Name) -> Result<Token> {
        let new = NewGatewayToken {
            name: name.clone(),
            organization: None,
            project: None,
            cluster: None,
            allows: None,
            reads_ssh_keys: true,
            expires_at: None,
        };
        Ok(self.create_scoped_gateway_token(principal, &new).await?.0)
    }

    /// Creates a gateway token with a scope, as the operator (E7). Returns the token, which is shown once, and its
    /// scope.
    ///
    /// # Errors
    /// [`Refusal::GatewayNameTaken`] if a valid token has this name; [`Refusal::Hidden`] if there is no such
    /// organization, project or cluster, if one isn't part of the other, or for any other principal;
    /// [`Refusal::EndDateInvalid`] for an end in the past.
    pub async fn create_scoped_gateway_token(
        &self,
        principal: &Principal,
        new: &NewGatewayToken,
    ) -> Result<(Token, GatewayScope)> {
        self.change(principal, "gateway_token:create", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(new.name.to_string());
                insert(change, new).await
            })
        })
        .await
    }

    /// Revokes a gateway token, as the operator. From the next request on it is unknown (E5).
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if no valid token has this name, or for any other principal.
    pub async fn revoke_gateway_token(&self, principal: &Principal, name: &Name) -> Result<()> {
        self.change(principal, "gateway_token:revoke", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(name.to_string());
                let row = sqlx::query!(
                    "UPDATE gateway_tokens SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL RETURNING id",
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

    /// Returns all gateway tokens, also those that have ended, for the operator: valid ones first, by name.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal; [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn gateway_tokens(&self, principal: &Principal) -> Result<Vec<GatewayToken>> {
        principal.require_operator()?;
        let rows = sqlx::query!(
            r#"SELECT g.id, g.name, g.created_at, g.revoked_at, g.last_used_at, g.expires_at, g.organization_id,
                      g.project_id, g.cluster_id, g.allows, g.reads_ssh_keys, o.slug AS "organization_slug?",
                      s.slug AS "project_slug?"
               FROM gateway_tokens g
               LEFT JOIN organizations o ON o.id = g.organization_id
               LEFT JOIN project_slugs s ON s.project_id = g.project_id AND s.released_at IS NULL
               ORDER BY g.revoked_at IS NOT NULL, g.name, g.created_at"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(GatewayToken {
                    id: GatewayTokenId(row.id),
                    name: decode(&row.name, "gateway_tokens", "name")?,
                    scope: GatewayScope {
                        target: row.organization_id.map(|organization| GatewayTarget {
                            organization: OrganizationId(organization),
                            project: row.project_id.map(ProjectId),
                            cluster: row.cluster_id.map(ResourceId),
                            organization_slug: row.organization_slug,
                            project_slug: row.project_slug,
                        }),
                        allows: row.allows.map(|codes| allowed(&codes)).transpose()?,
                        reads_ssh_keys: row.reads_ssh_keys,
                    },
                    created_at: row.created_at,
                    expires_at: row.expires_at,
                    revoked_at: row.revoked_at,
                    last_used_at: row.last_used_at,
                })
            })
            .collect()
    }

    /// Returns the gateway tokens that are valid now.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn known_gateways(&self) -> Result<KnownGateways> {
        let rows = sqlx::query!(r#"SELECT token_hash AS "token_hash!" FROM good_gateway_tokens"#)
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter()
            .map(|row| {
                row.token_hash
                    .try_into()
                    .map_err(|_| inconsistent("gateway_tokens", "token_hash"))
            })
            .collect::<Result<_>>()
            .map(KnownGateways)
    }
}

fn allowed(codes: &[String]) -> Result<Vec<Allowed>> {
    codes
        .iter()
        .map(|code| decode(code, "gateway_tokens", "allows"))
        .collect()
}

async fn insert(change: &mut Permitted<'_, '_>, new: &NewGatewayToken) -> Result<(Token, GatewayScope)> {
    if new.expires_at.is_some_and(|at| at <= change.at) {
        return Err(Refusal::EndDateInvalid.into());
    }
    let within = find_target(change, new).await?;
    let (id, token) = (GatewayTokenId(change.new_id()), Token::random(TokenKind::Gateway)?);
    change.record.target_id = Some(id.0);
    let allows: Option<Vec<_>> = new
        .allows
        .as_ref()
        .map(|allows| allows.iter().map(|allowed| allowed.code().to_owned()).collect());
    sqlx::query!(
        "INSERT INTO gateway_tokens (id, name, token_hash, created_at, organization_id, project_id, cluster_id, allows,
              reads_ssh_keys, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.0,
        new.name.as_str(),
        &token.hash(),
        change.at,
        within.as_ref().map(|within| within.organization.0),
        within.as_ref().and_then(|within| within.project).map(|id| id.0),
        within.as_ref().and_then(|within| within.cluster).map(|id| id.0),
        allows.as_deref() as Option<&[String]>,
        new.reads_ssh_keys,
        new.expires_at,
    )
    .execute(change.write())
    .await
    .map_err(|error| refuse_on(error, "gateway_tokens_one_live_name_index", Refusal::GatewayNameTaken))?;
    let scope = GatewayScope {
        target: within,
        allows: new.allows.clone(),
        reads_ssh_keys: new.reads_ssh_keys,
    };
    change.values(None, Some(values(new, &scope)));
    Ok((token, scope))
}

/// Returns the values of a new token for the audit (A1).
fn values(new: &NewGatewayToken, scope: &GatewayScope) -> Value {
    let within = scope.target.as_ref();
    let codes = |allows: &Vec<Allowed>| allows.iter().map(|allowed| allowed.code()).collect::<Vec<_>>();
    json!({
        "name": new.name,
        "organization": within.map(|within| within.organization),
        "project": within.and_then(|within| within.project),
        "cluster": within.and_then(|within| within.cluster),
        "allows": scope.allows.as_ref().map(codes),
        "reads_ssh_keys": scope.reads_ssh_keys,
    })
}

/// Finds what a new token is limited to. A cluster determines its project, and a project its organization; if those are
/// named too, they must match.
async fn find_target(change: &mut Change<'_>, new: &NewGatewayToken) -> Result<Option<GatewayTarget>> {
    if new.organization.is_none() && new.project.is_none() && new.cluster.is_none() {
        return Ok(None);
    }
    let (project_id, project_slug) = match &new.project {
        None => (None, None),
        Some(ProjectRef::Id(id)) => (Some(id.0), None),
        Some(ProjectRef::Slug(slug)) => (None, Some(slug.as_str())),
        Some(ProjectRef::Nothing) => return Err(Refusal::Hidden.into()),
    };
    let is_of_project = new.project.is_some() || new.cluster.is_some();
    let row = sqlx::query!(
        r#"SELECT o.id AS organization_id, o.slug AS organization_slug, s.project_id AS "project_id?",
                  s.slug AS "project_slug?"
           FROM organizations o
           LEFT JOIN project_slugs s ON $5 AND s.organization_id = o.id AND s.released_at IS NULL
           WHERE ($1::text IS NULL OR o.slug = $1)
             AND ($2::uuid IS NULL OR s.project_id = $2)
             AND ($3::text IS NULL OR s.slug = $3)
             AND ($4::uuid IS NULL OR EXISTS (
                 SELECT FROM resources r
                 WHERE r.organization_id = o.id AND r.project_id = s.project_id AND r.id = $4 AND r.kind = 'cluster'
             ))
           LIMIT 1"#,
        new.organization.as_ref().map(Slug::as_str),
        project_id,
        project_slug,
        new.cluster.map(|id| id.0),
        is_of_project,
    )
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::Hidden)?;
    Ok(Some(GatewayTarget {
        organization: OrganizationId(row.organization_id),
        project: row.project_id.map(ProjectId),
        cluster: new.cluster,
        organization_slug: Some(row.organization_slug),
        project_slug: row.project_slug,
    }))
}
