-- Keys of programs, resources and their use, and the gateways that ask who may use them.

-- K1. A key belongs to its project, and goes with it (P4); not with its creator (K5).
CREATE TABLE api_keys (
    organization_id uuid                     NOT NULL,
    project_id      uuid                     NOT NULL,
    id              uuid                     NOT NULL,
    name            text COLLATE "und-x-icu" NOT NULL,
    reach           text                     NOT NULL,
    -- The Organization Default Key (K8).
    is_default      boolean                  NOT NULL DEFAULT false,
    -- What is shown of the secret (K4): its beginning and its end. The default key has none before it is first regenerated.
    secret_start    text                     NOT NULL,
    secret_end      text                     NOT NULL,
    created_by      uuid                     CONSTRAINT api_keys_created_by_fkey REFERENCES users ON DELETE SET NULL,
    created_at      timestamptz              NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    -- When it was last tried after its end and the audit told so (A1).
    refused_at      timestamptz,
    -- The key that takes its place (K7).
    successor_id    uuid,
    -- D6: the default key is the Default Project's; the foreign key below holds it to it.
    in_default      boolean                  GENERATED ALWAYS AS (CASE WHEN is_default THEN true END) STORED,
    CONSTRAINT api_keys_pkey PRIMARY KEY (organization_id, project_id, id),
    CONSTRAINT api_keys_project_fkey FOREIGN KEY (organization_id, project_id) REFERENCES projects ON DELETE CASCADE,
    CONSTRAINT api_keys_default_project_fkey FOREIGN KEY (organization_id, project_id, in_default)
        REFERENCES projects (organization_id, id, is_default) ON DELETE CASCADE,
    CONSTRAINT api_keys_reach_known CHECK (reach IN ('use', 'manage')),
    -- K8: never revoked, rotated or expired.
    CONSTRAINT api_keys_default_lives CHECK (NOT is_default OR (revoked_at IS NULL AND successor_id IS NULL AND expires_at IS NULL))
);

-- D6, K8: one default key per organization.
CREATE UNIQUE INDEX api_keys_one_default_index ON api_keys (organization_id) WHERE is_default;
CREATE INDEX api_keys_creator_index ON api_keys (created_by, organization_id, project_id);

-- Looked up without knowing a tenant. SHA-256 of the secret: a copy of this table opens nothing (K3).
CREATE TABLE api_key_secrets (
    secret_hash     bytea NOT NULL CONSTRAINT api_key_secrets_pkey PRIMARY KEY,
    organization_id uuid  NOT NULL,
    project_id      uuid  NOT NULL,
    key_id          uuid  NOT NULL,
    CONSTRAINT api_key_secrets_key_fkey FOREIGN KEY (organization_id, project_id, key_id) REFERENCES api_keys ON DELETE CASCADE,
    CONSTRAINT api_key_secrets_one_per_key UNIQUE (organization_id, project_id, key_id),
    CONSTRAINT api_key_secrets_hash_is_sha256 CHECK (octet_length(secret_hash) = 32)
);

-- D6: organizations that are there already get their default key, which has no secret before it is regenerated.
INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
SELECT o.id, o.default_project_id, gen_random_uuid(), 'Organization Default Key', 'use', true, '', '', o.created_at
FROM organizations o;

-- E1, E2. A resource belongs to its project; a project that has one stays (P4), so nothing here goes with the project by itself.
CREATE TABLE resources (
    organization_id uuid                     NOT NULL,
    project_id      uuid                     NOT NULL,
    id              uuid                     NOT NULL,
    kind            text                     NOT NULL,
    name            text COLLATE "und-x-icu" NOT NULL,
    state           text                     NOT NULL,
    -- The fields of its kind; `policy::Details` knows them.
    details         jsonb                    NOT NULL,
    -- Who registered it: a person, or a key.
    created_by      uuid                     CONSTRAINT resources_created_by_fkey REFERENCES users ON DELETE SET NULL,
    created_by_key  uuid,
    created_at      timestamptz              NOT NULL,
    updated_at      timestamptz              NOT NULL,
    CONSTRAINT resources_pkey PRIMARY KEY (organization_id, project_id, id),
    -- Gateways and nodes name a resource without its tenant.
    CONSTRAINT resources_id_key UNIQUE (id),
    CONSTRAINT resources_project_fkey FOREIGN KEY (organization_id, project_id) REFERENCES projects,
    CONSTRAINT resources_name_key UNIQUE (organization_id, project_id, kind, name),
    CONSTRAINT resources_kind_known CHECK (kind IN ('cluster', 'volume', 'model', 'endpoint', 'evaluation', 'file')),
    CONSTRAINT resources_state_known CHECK (state IN ('creating', 'queued', 'running', 'ready', 'stopped', 'completed', 'failed')),
    CONSTRAINT resources_details_are_fields CHECK (jsonb_typeof(details) = 'object')
);

CREATE INDEX resources_created_index ON resources (organization_id, project_id, kind, id);
-- All kinds together, by name: the list that programs read.
CREATE INDEX resources_by_name_index ON resources (organization_id, project_id, name, id);
-- How many are in which state, at a glance.
CREATE INDEX resources_state_index ON resources (organization_id, project_id, kind, state);
CREATE INDEX resources_creator_index ON resources (created_by, organization_id, project_id);

-- What was used, as gateways and schedulers report it. `id` is the reporter's, so that a report sent twice counts once; and the
-- reporter is the project whose key made it, so that none learns of another's records or takes the place of them (K1, P3).
-- No foreign keys to projects: the records stay when one is deleted, on the books of the Default Project (D5), without being
-- written anew one by one. What a project was charged is `usage_days`.
CREATE TABLE usage_records (
    organization_id uuid        NOT NULL CONSTRAINT usage_records_organization_fkey REFERENCES organizations,
    reporter_id     uuid        NOT NULL,
    id              uuid        NOT NULL,
    -- The project it was booked to when it was reported.
    project_id      uuid        NOT NULL,
    -- When it was used, and when that was reported.
    at              timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    kind            text        NOT NULL,
    resource_id     uuid,
    quantity        bigint      NOT NULL,
    unit            text        NOT NULL,
    -- In millionths of a US dollar.
    cost_micros     bigint      NOT NULL,
    recorded_by_key uuid,
    CONSTRAINT usage_records_pkey PRIMARY KEY (organization_id, reporter_id, id),
    CONSTRAINT usage_records_kind_known CHECK (kind IN ('cluster', 'volume', 'model', 'endpoint', 'evaluation', 'file', 'playground', 'other')),
    CONSTRAINT usage_records_unit_known CHECK (unit IN ('gpu_seconds', 'gib_hours', 'tokens', 'requests', 'bytes')),
    CONSTRAINT usage_records_not_negative CHECK (quantity >= 0 AND cost_micros >= 0)
);

-- The same by day (UTC), added up in the transaction that writes the records: what the page reads.
CREATE TABLE usage_days (
    organization_id uuid    NOT NULL,
    project_id      uuid    NOT NULL,
    day             date    NOT NULL,
    kind            text    NOT NULL,
    unit            text    NOT NULL,
    quantity        numeric NOT NULL,
    cost_micros     numeric NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (organization_id, project_id, day, kind, unit),
    CONSTRAINT usage_days_project_fkey FOREIGN KEY (organization_id, project_id) REFERENCES projects
);

-- Enforcement points that may ask (E3); the operator's, of no tenant.
CREATE TABLE gateway_tokens (
    id           uuid        NOT NULL CONSTRAINT gateway_tokens_pkey PRIMARY KEY,
    name         text        NOT NULL,
    token_hash   bytea       NOT NULL CONSTRAINT gateway_tokens_token_hash_key UNIQUE,
    created_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    -- To the minute: whether anybody would miss it.
    last_used_at timestamptz,
    CONSTRAINT gateway_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE UNIQUE INDEX gateway_tokens_one_live_name_index ON gateway_tokens (name) WHERE revoked_at IS NULL;

-- Keys act too (A1).
ALTER TABLE audit_events DROP CONSTRAINT audit_events_actor_kind_known;
ALTER TABLE audit_events ADD CONSTRAINT audit_events_actor_kind_known CHECK (actor_kind IN ('user', 'api_key', 'operator', 'nobody'));

-- Whoever changes something in an organization takes a turn in its queue, alone or together with others, before any row is locked:
-- those who share a row lock pass one who waits for it alone for as long as more of them come, and a queue is passed by nobody (E5).
CREATE FUNCTION turn_in(organization_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN hashtextextended(organization_id::text, 1);

-- C8: the moment of use is that of the statement. A transaction that waited for a lock began before it: by `now()`, whose access
-- ended while they waited would still have it.
CREATE OR REPLACE VIEW access_collaborators AS
SELECT c.organization_id, c.project_id, c.user_id, c.name, c.role,
       CASE WHEN c.member_id IS NULL THEN 'external' WHEN p.is_default THEN 'organization_member' ELSE 'added' END AS because,
       c.added_by, c.added_at, c.expires_at, c.member_id IS NULL AS is_external
FROM collaborators c
JOIN projects p ON p.organization_id = c.organization_id AND p.id = c.project_id
-- D2: no end date ends the access that membership gives.
WHERE (p.is_default OR c.expires_at IS NULL OR c.expires_at > statement_timestamp())
  AND NOT EXISTS (
      SELECT FROM members m
      WHERE m.organization_id = c.organization_id AND m.user_id = c.user_id AND m.role = 'admin'
  );
