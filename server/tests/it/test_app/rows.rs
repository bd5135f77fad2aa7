//! What the tests add to the demo data.

use super::Who;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use sha2::{Digest, Sha256};
use sqlx::PgPool;

use uuid::Uuid;

pub(super) const LITTLE_USAGE: &str = "DELETE FROM usage_records WHERE at < now() - interval '3 days';
    DELETE FROM usage_days WHERE day < current_date - 3;";

/// The rows behind [`INVITED`] and the others.
pub(super) const LINKS: &str = "
    INSERT INTO invitations (organization_id, id, email, invited_by, created_at, sent_at, expires_at)
        SELECT o.id, wanted.id::uuid, wanted.email, o.owner_id, now(), now(), now() + interval '7 days'
        FROM organizations o, (VALUES
            ('01900000-0000-7000-8000-000000000001', 'invited@new.test'),
            ('01900000-0000-7000-8000-000000000002', 'stranger@elsewhere.test')) AS wanted (id, email)
        WHERE o.slug = 'acme';
    INSERT INTO invitation_tokens (token_hash, organization_id, invitation_id, is_mailed)
        SELECT sha256(decode(repeat(token.byte, 32), 'hex')), o.id, token.id::uuid, true
        FROM organizations o, (VALUES
            ('69', '01900000-0000-7000-8000-000000000001'),
            ('6a', '01900000-0000-7000-8000-000000000002')) AS token (byte, id)
        WHERE o.slug = 'acme';
    INSERT INTO password_reset_tokens (token_hash, user_id, expires_at)
        SELECT sha256(decode(repeat('6b', 32), 'hex')), id, now() + interval '1 hour' FROM users
        WHERE email = 'mia@acme.test';
    INSERT INTO email_verification_tokens (token_hash, user_id, email, expires_at)
        SELECT sha256(decode(repeat('6e', 32), 'hex')), id, email, now() + interval '1 day' FROM users
        WHERE email = 'mia@acme.test';
    INSERT INTO email_changes (id, user_id, old_email, new_email, requested_at, changed_at, expires_at)
        SELECT wanted.id::uuid, u.id, wanted.old_email, wanted.new_email, now(), wanted.changed_at,
        now() + interval '1 day'
        FROM users u, (VALUES
            ('01900000-0000-7000-8000-00000000006f', 'mia@acme.test', 'mia@new.test', NULL),
            ('01900000-0000-7000-8000-000000000070', 'mia@old.test', 'mia@acme.test', now()))
                AS wanted (id, old_email, new_email, changed_at)
        WHERE u.email = 'mia@acme.test';
    INSERT INTO email_change_tokens (token_hash, change_id) VALUES
        (sha256(decode(repeat('6f', 32), 'hex')), '01900000-0000-7000-8000-00000000006f'),
        (sha256(decode(repeat('70', 32), 'hex')), '01900000-0000-7000-8000-000000000070');
    INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
        SELECT '01900000-0000-7000-8000-000000000003', id, 'Desk', 'ssh-ed25519', 'ssh-ed25519 x', 'SHA256:x', now()
        FROM users WHERE email = 'maya@acme.test';
    INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by,
        created_at, revoked_at)
        SELECT p.organization_id, p.id, wanted.id::uuid, wanted.name, wanted.reach, 'rsk_look', 'last', u.id, now(),
        wanted.revoked_at
        FROM users u, projects p JOIN project_slugs s ON s.project_id = p.id, (VALUES
            ('01900000-0000-7000-8000-000000000005', 'Nightly', 'use', NULL),
            ('01900000-0000-7000-8000-000000000006', 'Deploy', 'manage', NULL),
            ('01900000-0000-7000-8000-000000000007', 'Old', 'use', now())) AS wanted (id, name, reach, revoked_at)
        WHERE u.email = 'mia@acme.test' AND s.slug = 'ml-research';
    INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
        SELECT '01900000-0000-7000-8000-000000000004', sha256('elsewhere'), id, now(), now(),
        now() + interval '1 day', '', ''
        FROM users WHERE email = 'maya@acme.test';
    INSERT INTO projects (organization_id, id, name, is_default, allow_externals, created_at)
        SELECT id, '01900000-0000-7000-8000-000000000008', 'Wound Up', false, true, now() FROM organizations
        WHERE slug = 'acme';
    INSERT INTO project_slugs (slug, organization_id, project_id)
        SELECT 'wound-up', id, '01900000-0000-7000-8000-000000000008' FROM organizations WHERE slug = 'acme';
    INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
        SELECT c.organization_id, '01900000-0000-7000-8000-000000000008', c.user_id, c.name, c.role, c.added_by,
        c.added_at
        FROM collaborators c JOIN project_slugs s ON s.project_id = c.project_id AND s.slug = 'ml-research';
    INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
        SELECT s.organization_id, s.project_id, wanted.id::uuid, wanted.kind, wanted.name, 'creating',
        wanted.details::jsonb, now(), now()
        FROM project_slugs s JOIN (VALUES
            ('ml-research', '01900000-0000-7000-8000-000000000005', 'cluster', 'first-cluster',
                '{\"gpu\": \"H100\", \"nodes\": 2, \"gpus_per_node\": 8, \"scheduler\": \"slurm\"}'),
            ('ml-research', '01900000-0000-7000-8000-000000000006', 'file', 'first-file',
                '{\"purpose\": \"batch\", \"size_bytes\": 1}'),
            ('production', '01900000-0000-7000-8000-000000000007', 'cluster', 'first-cluster',
                '{\"gpu\": \"H100\", \"nodes\": 2, \"gpus_per_node\": 8, \"scheduler\": \"slurm\"}')
            ) AS wanted (slug, id, kind, name, details) ON wanted.slug = s.slug";

/// A session, without the work of checking a password.
pub(crate) async fn begin_session(pool: &PgPool, who: Who) -> (String, Uuid) {
    let (session, user) = (
        Uuid::now_v7(),
        sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
            .bind(who.email())
            .fetch_one(pool)
            .await
            .unwrap(),
    );
    let token: [u8; 32] = Sha256::digest(session.as_bytes()).into();
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ($1, $2, $3, now(), now(), now() + interval '1 day', '', '')",
    )
    .bind(session)
    .bind(Sha256::digest(token).to_vec())
    .bind(user)
    .execute(pool)
    .await
    .unwrap();
    (URL_SAFE_NO_PAD.encode(token), user)
}
