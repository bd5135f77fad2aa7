-- What happened: who did or tried what, to whom, when and from where (A1). Rows can only be added (A2), so nothing here
-- refers to rows elsewhere that may go.

CREATE TABLE audit_events (
    id              uuid        NOT NULL CONSTRAINT audit_events_pkey PRIMARY KEY,
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
    CONSTRAINT audit_events_actor_kind_known CHECK (actor_kind IN ('user', 'operator', 'nobody'))
);

CREATE INDEX audit_events_project_index ON audit_events (organization_id, project_id, id);
CREATE INDEX audit_events_organization_index ON audit_events (organization_id, id);

CREATE FUNCTION audit_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit can only be added to' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_events_append_only';
END
$$;

CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();
CREATE TRIGGER audit_events_are_kept_whole BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_kept();
