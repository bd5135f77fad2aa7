-- Whoever changes something in an organization takes a turn in its queue, alone or together with others, before any row is locked:
-- those who share a row lock pass one who waits for it alone for as long as more of them come, and a queue is passed by nobody (E5).
CREATE FUNCTION turn_in(organization_id uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN hashtextextended(organization_id::text, 1);

-- The ids of a report are those of the project whose key made it: no project learns of another's, or takes the place of its records
-- (K1, P3). No foreign key: the records stay, on the books of the Default Project, when that project is gone (D5).
ALTER TABLE usage_records ADD COLUMN reporter_id uuid;
UPDATE usage_records u SET reporter_id = coalesce(
    (SELECT k.project_id FROM api_keys k WHERE k.organization_id = u.organization_id AND k.id = u.recorded_by_key),
    u.project_id
);
ALTER TABLE usage_records ALTER COLUMN reporter_id SET NOT NULL;
ALTER TABLE usage_records DROP CONSTRAINT usage_records_pkey;
ALTER TABLE usage_records ADD CONSTRAINT usage_records_pkey PRIMARY KEY (organization_id, reporter_id, id);

-- All kinds together, by name: the list that programs read.
CREATE INDEX resources_by_name_index ON resources (organization_id, project_id, name, id);
