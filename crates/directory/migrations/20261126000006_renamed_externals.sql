-- X1: an external who is there stays when externals are no longer allowed, and may have another name. A new name comes by a foreign key,
-- which writes all of its columns: that is no row moved elsewhere, and no question of whether the project takes one.
CREATE OR REPLACE FUNCTION collaborators_find_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.organization_id, NEW.project_id, NEW.user_id, NEW.member_id)
        IS NOT DISTINCT FROM (OLD.organization_id, OLD.project_id, OLD.user_id, OLD.member_id) THEN
        RETURN NEW;
    END IF;
    SELECT m.user_id INTO NEW.member_id FROM members m
        WHERE m.organization_id = NEW.organization_id AND m.user_id = NEW.user_id;
    IF NEW.member_id IS NULL AND NOT (
        SELECT p.allow_externals FROM projects p
        WHERE p.organization_id = NEW.organization_id AND p.id = NEW.project_id
    ) THEN
        RAISE EXCEPTION 'the project takes no External Collaborators'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'collaborators_external_allowed';
    END IF;
    RETURN NEW;
END
$$;
