//! Answers to gateways and nodes (RULES E): whether a caller may do something to a target, and who may log in to a
//! cluster now.
//!
//! Each answer is one query, which reads the gateway's token, the caller's credential, the target and the caller's
//! access together. Nothing is cached between two requests, so a change counts from the next request on (E5).
//! [`policy`] decides. It must not know how a request travels, nor what a gateway does with the answer.

use policy::{
    ApiKeyId, Decision, Denial, Email, KeyState, Login, OrganizationId, Permission, PrincipalStanding, ProjectId,
    Refusal, ResourceId, ResourceKind, SessionId, Slug, Standing, UserId,
};
use uuid::Uuid;

use super::{
    principal::{Credential, Subject},
    standing::{key_scope, project_standing},
    target::ProjectRef,
};
use crate::{
    Directory, Result, SessionToken, Token,
    error::decode,
    sessions::{IDLE, SEEN_EVERY},
};

/// What a gateway asks.
#[derive(Clone, Debug)]
pub struct AccessRequest<'a> {
    /// The gateway's own token, which authorizes it to ask.
    pub gateway: &'a Token,
    /// The credential of the gateway's client.
    pub credential: &'a Credential,
    /// The project of the request, by id or slug. A slug may later belong to another project; an id never does (P2).
    pub project: Option<&'a ProjectRef>,
    /// The resource of the request, by kind and id; if a project is given too, the resource must be in it. A text that
    /// can't be an id names no resource.
    pub resource: Option<(ResourceKind, &'a str)>,
    /// The permission that the client needs.
    pub permission: Permission,
}

/// The answer to an [`AccessRequest`].
#[derive(Clone, Debug)]
pub struct AccessDecision {
    /// The client, as its credential identifies it.
    pub subject: Subject,
    /// The project's id and present slug, if the client has access to it.
    pub project: Option<(ProjectId, Slug)>,
    /// Allowed or denied, and why. No access and no such target give the same [`Denial::Hidden`] (P3).
    pub decision: Decision,
}

impl AccessDecision {
    fn new(
        subject: Subject,
        project: Option<(Uuid, String)>,
        standing: Option<PrincipalStanding>,
        permission: Permission,
    ) -> Result<Self> {
        let project = project
            .map(|(id, slug)| {
                let slug = decode(&slug, "project_slugs", "slug")?;
                Ok::<_, crate::Error>((ProjectId(id), slug))
            })
            .transpose()?;
        let decision = match (&project, standing) {
            (Some(_), Some(standing)) => standing.decide(permission),
            (None, _) | (_, None) => Decision::Denied(Denial::Hidden),
        };
        Ok(Self {
            subject,
            project: project.filter(|_| decision != Decision::Denied(Denial::Hidden)),
            decision,
        })
    }
}

/// The SSH key of a person who may log in.
#[derive(Clone, Debug)]
pub struct AuthorizedKey {
    /// The key, as in a line of `authorized_keys`, without options and comment.
    pub public_key: String,
    /// The address of the key's owner.
    pub email: Email,
}

impl Directory {
    /// Returns whether the client of a gateway may do what it asks for. An invalid credential is refused; every other
    /// outcome is a decision.
    ///
    /// # Errors
    /// [`Refusal::GatewayUnknown`]; [`Refusal::KeyInvalid`], [`Refusal::KeyExpired`], [`Refusal::KeyRevoked`],
    /// [`Refusal::SignedOut`]; [`Refusal::Malformed`] if the client is a person and neither project nor resource is
    /// given; [`Error::Unavailable`](crate::Error::Unavailable), which is neither yes nor no (E6).
    pub async fn evaluate_request(&self, question: &AccessRequest<'_>) -> Result<AccessDecision> {
        match question.credential {
            Credential::ApiKey(secret) => self.evaluate_key(question, secret).await,
            Credential::Session(_) if question.project.is_none() && question.resource.is_none() => {
                Err(Refusal::Malformed.into())
            }
            Credential::Session(token) => self.evaluate_person(question, token).await,
        }
    }

    async fn evaluate_key(&self, question: &AccessRequest<'_>, secret: &Token) -> Result<AccessDecision> {
        let (about, (kind, id)) = (project(question), resource(question));
        // The target is looked up in the key's own project only: one in another project is not found (K1, P3). Neither
        // is one outside the scope of the gateway's token (E7).
        let row = sqlx::query!(
            r#"SELECT g.id AS "gateway?",
                      COALESCE(g.last_used_at < statement_timestamp() - interval '1 minute', true)
                          AS "is_gateway_use_due!",
                      k.organization_id AS "organization_id?",
                      k.project_id AS "project_id?", k.id AS "key_id?", k.reach AS "reach?",
                      k.revoked_at IS NOT NULL AS "is_revoked!",
                      COALESCE(k.expires_at <= statement_timestamp(), false) AS "is_expired!",
                      COALESCE(k.last_used_at < statement_timestamp() - interval '1 minute', true) AS "is_use_due!",
                      p.slug AS "slug?"
               FROM (VALUES (1)) AS always
               LEFT JOIN good_gateway_tokens g ON g.token_hash = $1
               LEFT JOIN (
                   api_key_secrets s
                   JOIN api_keys k
                       ON k.organization_id = s.organization_id AND k.project_id = s.project_id AND k.id = s.key_id
               ) ON s.secret_hash = $2
               LEFT JOIN LATERAL (
                   SELECT l.slug FROM project_slugs l
                   WHERE l.project_id = k.project_id AND l.released_at IS NULL
                     AND ($3::text IS NULL OR l.slug = $3) AND ($6::uuid IS NULL OR l.project_id = $6)
                     AND (g.allows IS NULL OR g.allows && $7::text[])
                     AND gateway_reaches(
                         g.organization_id, g.project_id, g.cluster_id, k.organization_id, k.project_id, $5::uuid)
                     AND ($4::text IS NULL OR EXISTS (
                         SELECT FROM resources r
                         WHERE r.organization_id = k.organization_id AND r.project_id = k.project_id
                           AND r.id = $5::uuid AND r.kind = $4
                     ))
               ) p ON true"#,
            &question.gateway.hash(),
            &secret.hash(),
            about.slug,
            kind,
            id,
            about.id,
            &asked(question.permission),
        )
        .fetch_one(&self.pool)
        .await?;
        self.gateway(row.gateway, row.is_gateway_use_due)?;
        let (Some(organization), Some(project), Some(key), Some(reach)) =
            (row.organization_id, row.project_id, row.key_id, row.reach)
        else {
            return Err(Refusal::KeyInvalid.into());
        };
        KeyState::of(row.is_revoked, row.is_expired).require_active()?;
        let key = ApiKeyId(key);
        if row.is_use_due {
            self.note_key_use(OrganizationId(organization), ProjectId(project), key);
        }
        let standing = Some(PrincipalStanding::ApiKey(key_scope(&reach)?));
        let target = row.slug.map(|slug| (project, slug));
        AccessDecision::new(Subject::ApiKey(key), target, standing, question.permission)
    }

    async fn evaluate_person(&self, question: &AccessRequest<'_>, token: &SessionToken) -> Result<AccessDecision> {
        let (about, (kind, id)) = (project(question), resource(question));
        let now = self.now();
        // OFFSET 0 keeps the view's three parts as index look-ups for this one project and person.
        let row = sqlx::query!(
            r#"SELECT g.id AS "gateway?",
                      COALESCE(g.last_used_at < statement_timestamp() - interval '1 minute', true)
                          AS "is_gateway_use_due!",
                      s.id AS "session_id?", s.user_id AS "user_id?",
                      COALESCE(s.last_seen_at < $5, false) AS "is_use_due!", p.project_id AS "project_id?",
                      p.slug AS "slug?",
                      a.role AS "role?", a.because AS "because?"
               FROM (VALUES (1)) AS always
               LEFT JOIN good_gateway_tokens g ON g.token_hash = $1
               LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id AND u.deleted_at IS NULL)
                   ON s.token_hash = $2 AND s.expires_at > $3 AND s.last_seen_at > $4
               LEFT JOIN LATERAL (
                   SELECT l.organization_id, l.project_id, l.slug FROM project_slugs l
                   WHERE $7::text IS NULL AND l.slug = $6 AND l.released_at IS NULL
                   UNION ALL
                   SELECT l.organization_id, l.project_id, l.slug FROM project_slugs l
                   WHERE $7::text IS NULL AND l.project_id = $9 AND l.released_at IS NULL
                   UNION ALL
                   SELECT l.organization_id, l.project_id, l.slug
                   FROM resources r
                   JOIN project_slugs l ON l.project_id = r.project_id AND l.released_at IS NULL
                   WHERE r.id = $8::uuid AND r.kind = $7 AND ($6::text IS NULL OR l.slug = $6)
                     AND ($9::uuid IS NULL OR l.project_id = $9)
               ) p ON (g.allows IS NULL OR g.allows && $10::text[])
                   AND gateway_reaches(
                       g.organization_id, g.project_id, g.cluster_id, p.organization_id, p.project_id, $8::uuid)
               LEFT JOIN LATERAL (
                   SELECT a.role, a.because FROM access a
                   WHERE a.organization_id = p.organization_id AND a.project_id = p.project_id AND a.user_id = s.user_id
                   OFFSET 0
               ) a ON true"#,
            &question.gateway.hash(),
            &token.hash(),
            now,
            now - IDLE,
            now - SEEN_EVERY,
            about.slug,
            kind,
            id,
            about.id,
            &asked(question.permission),
        )
        .fetch_one(&self.pool)
        .await?;
        self.gateway(row.gateway, row.is_gateway_use_due)?;
        let (Some(session), Some(user)) = (row.session_id, row.user_id) else {
            return Err(Refusal::SignedOut.into());
        };
        if row.is_use_due {
            self.note_session_use(SessionId(session));
        }
        let access = project_standing(row.role.as_deref(), row.because.as_deref())?;
        let standing = Standing {
            // The request is about a project. A membership of the organization counts only through `access`.
            organization: None,
            project: access,
        };
        AccessDecision::new(
            Subject::User(UserId(user)),
            row.project_id.zip(row.slug),
            Some(PrincipalStanding::Person(standing)),
            question.permission,
        )
    }

    /// Returns the SSH keys that may log in to a cluster now under this login name: those of its project's present
    /// collaborators, if they may use SSH (E4). With a fingerprint, returns only the key that has it. Returns none if
    /// there is no such cluster (P3) or if the gateway's token may not read its SSH keys (E7).
    ///
    /// # Errors
    /// [`Refusal::GatewayUnknown`]; [`Error::Unavailable`](crate::Error::Unavailable) (E6).
    pub async fn authorized_keys(
        &self,
        gateway: &Token,
        cluster: &str,
        login: &Login,
        fingerprint: Option<&str>,
    ) -> Result<Vec<AuthorizedKey>> {
        let cluster = cluster.parse::<ResourceId>().ok().map(|id| id.0);
        let candidates = match fingerprint {
            Some(fingerprint) => self.holder_of_key(gateway, cluster, fingerprint).await?,
            None => self.holders_of_keys(gateway, cluster).await?,
        };
        // There is one row even if nobody has access: it holds the gateway.
        let first = candidates.first();
        self.gateway(
            first.and_then(|row| row.gateway),
            first.is_some_and(|row| row.is_gateway_use_due),
        )?;
        let mut keys = Vec::new();
        for candidate in candidates {
            let (Some(public_key), Some(email)) = (candidate.public_key, candidate.email) else {
                continue;
            };
            let standing = PrincipalStanding::Person(Standing {
                organization: None,
                project: project_standing(candidate.role.as_deref(), candidate.because.as_deref())?,
            });
            if login.is_served(candidate.cluster_login.as_deref())
                && standing.decide(Permission::ClusterSsh).is_allowed()
            {
                keys.push(AuthorizedKey {
                    public_key,
                    email: decode(&email, "users", "email")?,
                });
            }
        }
        Ok(keys)
    }

    /// Returns everybody with access to the cluster's project, with each of their keys; one empty row if there is
    /// nobody.
    async fn holders_of_keys(&self, gateway: &Token, cluster: Option<Uuid>) -> Result<Vec<Candidate>> {
        Ok(sqlx::query_as!(
            Candidate,
            r#"SELECT g.id AS "gateway?",
                      COALESCE(g.last_used_at < statement_timestamp() - interval '1 minute', true)
                          AS "is_gateway_use_due!",
                      r.details ->> 'ssh_login' AS cluster_login,
                      k.public_key AS "public_key?", k.email AS "email?", k.role AS "role?", k.because AS "because?"
               FROM (VALUES (1)) AS always
               LEFT JOIN good_gateway_tokens g ON g.token_hash = $1
               LEFT JOIN resources r ON g.reads_ssh_keys AND r.id = $2::uuid AND r.kind = 'cluster'
                   AND gateway_reaches(
                       g.organization_id, g.project_id, g.cluster_id, r.organization_id, r.project_id, r.id)
               LEFT JOIN LATERAL (
                   SELECT s.id, s.public_key, u.email, a.role, a.because
                   FROM access a
                   JOIN users u ON u.id = a.user_id
                   JOIN ssh_keys s ON s.user_id = a.user_id
                   WHERE a.organization_id = r.organization_id AND a.project_id = r.project_id
                   OFFSET 0
               ) k ON true
               ORDER BY k.email, k.id"#,
            &gateway.hash(),
            cluster,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Returns the one key with this fingerprint, and its owner's access to the cluster's project. It uses index
    /// look-ups only, however many people have access.
    async fn holder_of_key(&self, gateway: &Token, cluster: Option<Uuid>, fingerprint: &str) -> Result<Vec<Candidate>> {
        Ok(sqlx::query_as!(
            Candidate,
            r#"SELECT g.id AS "gateway?",
                      COALESCE(g.last_used_at < statement_timestamp() - interval '1 minute', true)
                          AS "is_gateway_use_due!",
                      r.details ->> 'ssh_login' AS cluster_login,
                      s.public_key AS "public_key?", u.email AS "email?", a.role AS "role?", a.because AS "because?"
               FROM (VALUES (1)) AS always
               LEFT JOIN good_gateway_tokens g ON g.token_hash = $1
               LEFT JOIN resources r ON g.reads_ssh_keys AND r.id = $2::uuid AND r.kind = 'cluster'
                   AND gateway_reaches(
                       g.organization_id, g.project_id, g.cluster_id, r.organization_id, r.project_id, r.id)
               LEFT JOIN ssh_keys s ON r.id IS NOT NULL AND s.fingerprint = $3
               LEFT JOIN users u ON u.id = s.user_id
               LEFT JOIN LATERAL (
                   SELECT a.role, a.because FROM access a
                   WHERE a.organization_id = r.organization_id AND a.project_id = r.project_id AND a.user_id = s.user_id
                   OFFSET 0
               ) a ON true"#,
            &gateway.hash(),
            cluster,
            fingerprint,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Checks that the gateway is known, and records its use: in the background, at most once a minute.
    fn gateway(&self, gateway: Option<Uuid>, is_use_due: bool) -> Result<()> {
        let gateway = gateway.ok_or(Refusal::GatewayUnknown)?;
        if is_use_due {
            let pool = self.pool.clone();
            Self::spawn_best_effort("a gateway's use", async move {
                sqlx::query!(
                    "UPDATE gateway_tokens SET last_used_at = statement_timestamp()
                     WHERE id = $1 AND COALESCE(last_used_at < statement_timestamp() - interval '1 minute', true)",
                    gateway,
                )
                .execute(&pool)
                .await?;
                Ok(())
            });
        }
        Ok(())
    }

    /// Records that a session was used, as [`Self::note_key_use`] does for a key.
    fn note_session_use(&self, session: SessionId) {
        let (pool, now) = (self.pool.clone(), self.now());
        Self::spawn_best_effort("a session's use", async move {
            sqlx::query!(
                "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $3",
                session.0,
                now,
                now - SEEN_EVERY,
            )
            .execute(&pool)
            .await?;
            Ok(())
        });
    }
}

/// A person who might be allowed to log in, with one of their keys.
struct Candidate {
    gateway: Option<Uuid>,
    is_gateway_use_due: bool,
    cluster_login: Option<String>,
    public_key: Option<String>,
    email: Option<String>,
    role: Option<String>,
    because: Option<String>,
}

/// The project of a request, as parameters of the queries.
struct About<'a> {
    slug: Option<&'a str>,
    id: Option<Uuid>,
}

fn project<'a>(question: &AccessRequest<'a>) -> About<'a> {
    let (slug, id) = match question.project {
        None => (None, None),
        Some(ProjectRef::Id(id)) => (None, Some(id.0)),
        Some(ProjectRef::Slug(slug)) => (Some(slug.as_str()), None),
        // No slug is empty.
        Some(ProjectRef::Nothing) => (Some(""), None),
    };
    About { slug, id }
}

/// Returns the resource of a request, as parameters of the queries.
fn resource(question: &AccessRequest<'_>) -> (Option<&'static str>, Option<Uuid>) {
    match question.resource {
        Some((kind, id)) => (Some(kind.code()), id.parse::<ResourceId>().ok().map(|id| id.0)),
        None => (None, None),
    }
}

/// Returns the names of which a token's scope must contain one to allow a request: the permission, or the kind of
/// resource.
fn asked(permission: Permission) -> Vec<String> {
    let kind = permission.resource_kind().map(|kind| kind.code().to_owned());
    kind.into_iter().chain([permission.name().to_owned()]).collect()
}
