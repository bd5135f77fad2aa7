-- Invitations, the mail that carries their links, the person's own keys, and accounts that end.

-- A deleted account stays as a row without an address, so that what names the person still can ("Deleted user").
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
ALTER TABLE users ADD COLUMN deleted_at timestamptz;
ALTER TABLE users ADD CONSTRAINT users_deleted_have_no_email CHECK ((deleted_at IS NULL) = (email IS NOT NULL));

-- The list of members, by name and by time, whatever their role (its indexes by role are there already).
CREATE INDEX members_all_name_index ON members (organization_id, name, user_id);
CREATE INDEX members_all_added_index ON members (organization_id, added_at, user_id);

-- The list of projects, by name.
CREATE INDEX projects_name_index ON projects (organization_id, name, id);

CREATE TABLE invitations (
    organization_id uuid        NOT NULL CONSTRAINT invitations_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    id              uuid        NOT NULL,
    email           text        NOT NULL,
    invited_by      uuid        CONSTRAINT invitations_invited_by_fkey REFERENCES users ON DELETE SET NULL,
    created_at      timestamptz NOT NULL,
    -- When its present link was made, and when that lapses (M3).
    sent_at         timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    accepted_at     timestamptz,
    revoked_at      timestamptz,
    CONSTRAINT invitations_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT invitations_email_is_lower_case CHECK (email = lower(email)),
    -- M3: accepted and revoked are both for good.
    CONSTRAINT invitations_end_once CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);

-- M3: one open invitation per address and organization.
CREATE UNIQUE INDEX invitations_one_open_index ON invitations (organization_id, email)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_email_index ON invitations (email);
CREATE INDEX invitations_inviter_index ON invitations (organization_id, invited_by)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- The links of an invitation: the one that was shown to copy, and those that were mailed. Looked up without a tenant. SHA-256
-- of the secret: a copy of this table opens nothing.
CREATE TABLE invitation_tokens (
    token_hash      bytea NOT NULL CONSTRAINT invitation_tokens_pkey PRIMARY KEY,
    organization_id uuid  NOT NULL,
    invitation_id   uuid  NOT NULL,
    CONSTRAINT invitation_tokens_invitation_fkey FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations ON DELETE CASCADE,
    CONSTRAINT invitation_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX invitation_tokens_invitation_index ON invitation_tokens (organization_id, invitation_id);

CREATE TABLE password_reset_tokens (
    token_hash bytea       NOT NULL CONSTRAINT password_reset_tokens_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT password_reset_tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    CONSTRAINT password_reset_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX password_reset_tokens_user_index ON password_reset_tokens (user_id);

-- Mail to be sent, written in the transaction that wants it sent. It holds no text and no link: both are made when it is
-- sent, so that no secret waits here.
CREATE TABLE outbox (
    id              uuid        NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
    organization_id uuid,
    invitation_id   uuid,
    user_id         uuid        CONSTRAINT outbox_user_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    sent_at         timestamptz,
    failed_at       timestamptz,
    CONSTRAINT outbox_invitation_fkey FOREIGN KEY (organization_id, invitation_id) REFERENCES invitations ON DELETE CASCADE,
    -- An invitation's link, or the link to a new password.
    CONSTRAINT outbox_has_one_subject CHECK ((organization_id IS NOT NULL AND invitation_id IS NOT NULL) = (user_id IS NULL)),
    CONSTRAINT outbox_ends_once CHECK (sent_at IS NULL OR failed_at IS NULL)
);

CREATE INDEX outbox_due_index ON outbox (next_attempt_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_user_index ON outbox (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX outbox_invitation_index ON outbox (organization_id, invitation_id, id);

-- E4. A key is one person's: the fingerprint says whose login it is.
CREATE TABLE ssh_keys (
    id          uuid        NOT NULL CONSTRAINT ssh_keys_pkey PRIMARY KEY,
    user_id     uuid        NOT NULL CONSTRAINT ssh_keys_user_id_fkey REFERENCES users ON DELETE CASCADE,
    name        text        NOT NULL,
    algorithm   text        NOT NULL,
    public_key  text        NOT NULL,
    fingerprint text        NOT NULL CONSTRAINT ssh_keys_fingerprint_key UNIQUE,
    created_at  timestamptz NOT NULL
);

CREATE INDEX ssh_keys_user_index ON ssh_keys (user_id, created_at);
