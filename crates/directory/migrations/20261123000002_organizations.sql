-- Organizations, members, projects and collaborators. Every key begins with the organization, so that no row can
-- mix two tenants and the tables could be sharded by it. What must never be untrue is a constraint here, whatever the code does.

CREATE TABLE organizations (
    id                  uuid                     NOT NULL CONSTRAINT organizations_pkey PRIMARY KEY,
    slug                text                     NOT NULL CONSTRAINT organizations_slug_key UNIQUE,
    name                text COLLATE "und-x-icu" NOT NULL,
    additional_projects boolean                  NOT NULL,
    created_at          timestamptz              NOT NULL,
    owner_id            uuid                     NOT NULL,
    default_project_id  uuid                     NOT NULL,
    -- What the Owner and the Default Project always are; the foreign keys below hold them to it.
    owner_role          text                     NOT NULL GENERATED ALWAYS AS ('admin') STORED,
    default_is_default  boolean                  NOT NULL GENERATED ALWAYS AS (true) STORED,
    CONSTRAINT organizations_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$')
);

CREATE TABLE members (
    organization_id uuid                     NOT NULL CONSTRAINT members_organization_id_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid                     NOT NULL,
    name            text COLLATE "und-x-icu" NOT NULL,
    role            text                     NOT NULL,
    added_by        uuid                     CONSTRAINT members_added_by_fkey REFERENCES users ON DELETE SET NULL,
    added_at        timestamptz              NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (organization_id, user_id),
    CONSTRAINT members_user_fkey FOREIGN KEY (user_id, name) REFERENCES users (id, name) ON UPDATE CASCADE,
    CONSTRAINT members_role_known CHECK (role IN ('admin', 'member')),
    CONSTRAINT members_user_role_key UNIQUE (organization_id, user_id, role)
);

CREATE INDEX members_user_index ON members (user_id, organization_id);
CREATE INDEX members_name_index ON members (organization_id, role, name, user_id);
CREATE INDEX members_added_index ON members (organization_id, role, added_at, user_id);

CREATE TABLE projects (
    organization_id uuid                     NOT NULL CONSTRAINT projects_organization_id_fkey REFERENCES organizations ON DELETE CASCADE,
    id              uuid                     NOT NULL CONSTRAINT projects_id_key UNIQUE,
    name            text COLLATE "und-x-icu" NOT NULL,
    is_default      boolean                  NOT NULL,
    allow_externals boolean                  NOT NULL DEFAULT false,
    created_at      timestamptz              NOT NULL,
    CONSTRAINT projects_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT projects_default_key UNIQUE (organization_id, id, is_default),
    -- D4
    CONSTRAINT projects_default_has_no_externals CHECK (NOT (is_default AND allow_externals))
);

-- D1: no more than one Default Project …
CREATE UNIQUE INDEX projects_one_default_index ON projects (organization_id) WHERE is_default;

-- … and no fewer, from the first instant to the last.
ALTER TABLE organizations ADD CONSTRAINT organizations_default_project_fkey
    FOREIGN KEY (id, default_project_id, default_is_default) REFERENCES projects (organization_id, id, is_default)
    DEFERRABLE INITIALLY DEFERRED;

-- W1: the Owner is a member, and an Admin, for as long as they own the organization.
ALTER TABLE organizations ADD CONSTRAINT organizations_owner_is_admin_fkey
    FOREIGN KEY (id, owner_id, owner_role) REFERENCES members (organization_id, user_id, role)
    DEFERRABLE INITIALLY DEFERRED;

-- Slugs are global (P2), so they are looked up without a tenant. A slug let go stays here, taken, for 90 days.
CREATE TABLE project_slugs (
    slug            text        NOT NULL CONSTRAINT project_slugs_pkey PRIMARY KEY,
    organization_id uuid        NOT NULL,
    project_id      uuid        NOT NULL,
    released_at     timestamptz,
    CONSTRAINT project_slugs_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$')
);

CREATE UNIQUE INDEX project_slugs_one_current_index ON project_slugs (project_id) WHERE released_at IS NULL;

CREATE TABLE collaborators (
    organization_id uuid                     NOT NULL,
    project_id      uuid                     NOT NULL,
    user_id         uuid                     NOT NULL,
    name            text COLLATE "und-x-icu" NOT NULL,
    role            text                     NOT NULL,
    added_by        uuid                     CONSTRAINT collaborators_added_by_fkey REFERENCES users ON DELETE SET NULL,
    added_at        timestamptz              NOT NULL,
    expires_at      timestamptz,
    -- The same as user_id for a member of the organization, null for an External Collaborator. Kept by the triggers below.
    member_id       uuid,
    CONSTRAINT collaborators_pkey PRIMARY KEY (organization_id, project_id, user_id),
    CONSTRAINT collaborators_project_fkey FOREIGN KEY (organization_id, project_id) REFERENCES projects ON DELETE CASCADE,
    CONSTRAINT collaborators_user_fkey FOREIGN KEY (user_id, name) REFERENCES users (id, name) ON UPDATE CASCADE,
    -- M6, M7: when a membership ends, so does what was given to the member. Nobody becomes an external by it.
    CONSTRAINT collaborators_member_fkey FOREIGN KEY (organization_id, member_id) REFERENCES members ON DELETE CASCADE,
    CONSTRAINT collaborators_member_is_user CHECK (member_id = user_id),
    CONSTRAINT collaborators_role_known CHECK (role IN ('admin', 'member'))
);

CREATE INDEX collaborators_user_index ON collaborators (user_id, organization_id, project_id);
CREATE INDEX collaborators_member_index ON collaborators (organization_id, member_id);
CREATE INDEX collaborators_name_index ON collaborators (organization_id, project_id, name, user_id);
CREATE INDEX collaborators_role_index ON collaborators (organization_id, project_id, role, name, user_id);
CREATE INDEX collaborators_added_index ON collaborators (organization_id, project_id, added_at, user_id);
CREATE INDEX collaborators_external_index ON collaborators (organization_id, project_id, name, user_id) WHERE member_id IS NULL;

-- A new row, or one moved elsewhere, finds out itself whether it is an external's, and whether the project takes one (X1, D4).
CREATE FUNCTION collaborators_find_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
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

CREATE TRIGGER collaborators_find_member BEFORE INSERT OR UPDATE OF organization_id, project_id, user_id, member_id ON collaborators
    FOR EACH ROW EXECUTE FUNCTION collaborators_find_member();

-- X4: an external who becomes a member keeps the project role and is an external no more.
CREATE FUNCTION members_adopt_collaborators() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE collaborators c SET member_id = NEW.user_id
        WHERE c.organization_id = NEW.organization_id AND c.user_id = NEW.user_id AND c.member_id IS NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER members_adopt_collaborators AFTER INSERT ON members
    FOR EACH ROW EXECUTE FUNCTION members_adopt_collaborators();
