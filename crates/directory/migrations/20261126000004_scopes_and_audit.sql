-- What gateway tokens may ask about, who reports usage, whose an SSH key is, and an audit that is kept in months.

-- E7. Ids, not foreign keys: a scope whose organization, project or cluster is gone opens nothing, and never becomes wider.
ALTER TABLE gateway_tokens
    ADD COLUMN organization_id uuid,
    ADD COLUMN project_id      uuid,
    ADD COLUMN cluster_id      uuid,
    -- Kinds (`endpoint`) and permissions (`volume:read`) it may ask about; null is all of them.
    ADD COLUMN allows          text[],
    -- Those that are there keep what they could.
    ADD COLUMN reads_ssh_keys  boolean NOT NULL DEFAULT true,
    ADD COLUMN expires_at      timestamptz,
    ADD CONSTRAINT gateway_tokens_scope_is_whole CHECK (
        (project_id IS NULL OR organization_id IS NOT NULL) AND (cluster_id IS NULL OR project_id IS NOT NULL)
    ),
    ADD CONSTRAINT gateway_tokens_allows_something CHECK (cardinality(allows) > 0);
ALTER TABLE gateway_tokens ALTER COLUMN reads_ssh_keys DROP DEFAULT;

-- The tokens that may ask now; every question reads them here.
CREATE VIEW good_gateway_tokens AS
SELECT id, token_hash, last_used_at, organization_id, project_id, cluster_id, allows, reads_ssh_keys
FROM gateway_tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp());

-- Whether a token for this organization, project and cluster (null is every one) reaches that thing. To a token nothing exists
-- outside of its scope.
CREATE FUNCTION gateway_reaches(
    token_organization uuid, token_project uuid, token_cluster uuid, organization uuid, project uuid, resource uuid
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (token_organization IS NULL OR token_organization = organization)
       AND (token_project IS NULL OR token_project = project)
       AND (token_cluster IS NULL OR COALESCE(token_cluster = resource, false));

-- Who reports usage that names no project (E9); the operator's, of no tenant, like gateways' tokens.
CREATE TABLE meter_tokens (
    id           uuid        NOT NULL CONSTRAINT meter_tokens_pkey PRIMARY KEY,
    name         text        NOT NULL,
    token_hash   bytea       NOT NULL CONSTRAINT meter_tokens_token_hash_key UNIQUE,
    created_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT meter_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE UNIQUE INDEX meter_tokens_one_live_name_index ON meter_tokens (name) WHERE revoked_at IS NULL;

-- E9: a correction is a record too, with the amounts that are right. It names the one it takes the place of, by reporter and id.
ALTER TABLE usage_records
    ADD COLUMN corrects_reporter_id uuid,
    ADD COLUMN corrects_id          uuid,
    ADD COLUMN recorded_by_meter    uuid,
    ADD CONSTRAINT usage_records_correction_is_whole CHECK ((corrects_reporter_id IS NULL) = (corrects_id IS NULL)),
    ADD CONSTRAINT usage_records_corrects_fkey FOREIGN KEY (organization_id, corrects_reporter_id, corrects_id)
        REFERENCES usage_records (organization_id, reporter_id, id);

-- A record is corrected once.
CREATE UNIQUE INDEX usage_records_corrected_once_index ON usage_records (organization_id, corrects_reporter_id, corrects_id)
    WHERE corrects_id IS NOT NULL;

-- J10: whether whoever registered a key showed that they hold its private half.
ALTER TABLE ssh_keys ADD COLUMN proved_at timestamptz;

-- A5. The audit in months, each a table that is dropped whole when it is older than the operator wants to keep; nothing else takes a
-- row away (A2).
ALTER TABLE audit_events RENAME TO audit_events_before;
ALTER TABLE audit_events_before RENAME CONSTRAINT audit_events_pkey TO audit_events_before_pkey;
ALTER INDEX audit_events_project_index RENAME TO audit_events_before_project_index;
ALTER INDEX audit_events_organization_index RENAME TO audit_events_before_organization_index;

CREATE TABLE audit_events (
    id              uuid        NOT NULL,
    at              timestamptz NOT NULL,
    organization_id uuid,
    project_id      uuid,
    actor_kind      text        NOT NULL,
    actor_id        uuid,
    credential      text        NOT NULL,
    action          text        NOT NULL,
    -- Null when it was done, else the code of the refusal.
    refusal         text,
    target_id       uuid,
    target          text,
    before          jsonb,
    after           jsonb,
    address         text        NOT NULL,
    request_id      text        NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (at, id),
    CONSTRAINT audit_events_actor_kind_known CHECK (actor_kind IN ('user', 'api_key', 'meter', 'operator', 'nobody'))
) PARTITION BY RANGE (at);

CREATE INDEX audit_events_project_index ON audit_events (organization_id, project_id, id);
CREATE INDEX audit_events_organization_index ON audit_events (organization_id, id);

-- For every partition there is and will be; a statement's trigger is each table's own, so `make_audit_partition` adds it.
CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();
CREATE TRIGGER audit_events_are_kept_whole BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_kept();

-- Makes the partition of a month (UTC), or without one that of every time that has none, if it is not there.
CREATE FUNCTION make_audit_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    called text := 'audit_events_' || COALESCE(to_char(month, 'YYYY_MM'), 'other');
    begins timestamptz := month::timestamp AT TIME ZONE 'UTC';
    ends   timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(called) IS NOT NULL THEN
        RETURN;
    END IF;
    IF month IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_events DEFAULT', called);
    ELSE
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_events FOR VALUES FROM (%L) TO (%L)', called, begins, ends);
    END IF;
    EXECUTE format('CREATE TRIGGER audit_events_are_kept_whole BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_kept()', called);
END
$$;

-- Makes the partitions of this month and the next two, and drops those that ended before `oldest`. Answers how many were dropped.
-- Run by every server at its start and every hour: they take turns.
CREATE FUNCTION keep_audit(today timestamptz, oldest timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month   date := date_trunc('month', today AT TIME ZONE 'UTC');
    called  text;
    newest  timestamptz;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('keep_audit', 1));
    PERFORM make_audit_partition(NULL);
    FOR ahead IN 0..2 LOOP
        -- Rows of a month that had no table yet stay where they are, until that is dropped whole.
        IF NOT EXISTS (
            SELECT FROM audit_events_other o
            WHERE o.at >= (month + make_interval(months => ahead)) AT TIME ZONE 'UTC'
              AND o.at < (month + make_interval(months => ahead + 1)) AT TIME ZONE 'UTC'
        ) THEN
            PERFORM make_audit_partition((month + make_interval(months => ahead))::date);
        END IF;
    END LOOP;
    FOR called IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_events'::regclass AND c.relname ~ '^audit_events_\d{4}_\d{2}$'
          AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= oldest
    LOOP
        EXECUTE format('DROP TABLE %I', called);
        dropped := dropped + 1;
    END LOOP;
    SELECT max(at) INTO newest FROM audit_events_other;
    IF newest < oldest THEN
        DROP TABLE audit_events_other;
        PERFORM make_audit_partition(NULL);
        dropped := dropped + 1;
    END IF;
    RETURN dropped;
END
$$;

-- The months of what is there, then those that come.
SELECT make_audit_partition(month::date)
FROM (SELECT min(at) AS first, max(at) AS last FROM audit_events_before) kept
CROSS JOIN generate_series(
    date_trunc('month', LEAST(kept.first, now()) AT TIME ZONE 'UTC'),
    date_trunc('month', GREATEST(kept.last, now()) AT TIME ZONE 'UTC') + interval '1 month',
    interval '1 month'
) month;
SELECT make_audit_partition(NULL);
INSERT INTO audit_events
SELECT id, at, organization_id, project_id, actor_kind, actor_id, credential, action, refusal, target_id, target, before, after, address,
       request_id
FROM audit_events_before;
DROP TABLE audit_events_before;

-- A4. How often a refused attempt came again within a time window: counted here, and not written as rows of the audit. The count
-- belongs to the first row of its kind.
CREATE TABLE audit_repeats (
    -- SHA-256 of who, what, why and where.
    kind         bytea       NOT NULL,
    window_start timestamptz NOT NULL,
    event_at     timestamptz NOT NULL,
    event_id     uuid        NOT NULL,
    count        bigint      NOT NULL,
    last_at      timestamptz NOT NULL,
    CONSTRAINT audit_repeats_pkey PRIMARY KEY (kind, window_start),
    CONSTRAINT audit_repeats_event_key UNIQUE (event_id),
    CONSTRAINT audit_repeats_kind_is_sha256 CHECK (octet_length(kind) = 32)
) WITH (fillfactor = 50);

CREATE INDEX audit_repeats_window_start_index ON audit_repeats (window_start);

-- A2: a count only grows, and goes only with its row, or when it says no more than that row.
CREATE FUNCTION audit_repeats_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.count > OLD.count AND NEW.last_at >= OLD.last_at
        AND (NEW.kind, NEW.window_start, NEW.event_at, NEW.event_id) = (OLD.kind, OLD.window_start, OLD.event_at, OLD.event_id) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND (OLD.count = 1 OR NOT EXISTS (
        SELECT FROM audit_events e WHERE e.at = OLD.event_at AND e.id = OLD.event_id
    )) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit can only be added to' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_events_append_only';
END
$$;

CREATE TRIGGER audit_repeats_only_grow BEFORE UPDATE OR DELETE ON audit_repeats
    FOR EACH ROW EXECUTE FUNCTION audit_repeats_only_grow();
CREATE TRIGGER audit_repeats_are_kept_whole BEFORE TRUNCATE ON audit_repeats
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_kept();
