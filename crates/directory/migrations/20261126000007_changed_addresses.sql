-- Another address for an account (J5): asked for, proved, and undone.

CREATE TABLE email_changes (
    id           uuid        NOT NULL CONSTRAINT email_changes_pkey PRIMARY KEY,
    user_id      uuid        NOT NULL CONSTRAINT email_changes_user_id_fkey REFERENCES users ON DELETE CASCADE,
    old_email    text        NOT NULL,
    new_email    text        NOT NULL,
    requested_at timestamptz NOT NULL,
    -- When the new address was proved and the account got it; null until then.
    changed_at   timestamptz,
    -- Until when it can be confirmed; once it is done, until when it can be undone.
    expires_at   timestamptz NOT NULL,
    CONSTRAINT email_changes_changes CHECK (old_email <> new_email)
);

CREATE INDEX email_changes_user_index ON email_changes (user_id);
CREATE INDEX email_changes_old_email_index ON email_changes (old_email) WHERE changed_at IS NOT NULL;

-- The links: to confirm a change, or, once it is done, to undo it. SHA-256 of the secret: a copy of this table changes
-- nobody's address.
CREATE TABLE email_change_tokens (
    token_hash bytea NOT NULL CONSTRAINT email_change_tokens_pkey PRIMARY KEY,
    change_id  uuid  NOT NULL CONSTRAINT email_change_tokens_change_id_fkey REFERENCES email_changes ON DELETE CASCADE,
    CONSTRAINT email_change_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX email_change_tokens_change_index ON email_change_tokens (change_id);

-- A change as a fourth subject of a mail.
ALTER TABLE outbox ADD COLUMN email_change_id uuid
    CONSTRAINT outbox_email_change_id_fkey REFERENCES email_changes ON DELETE CASCADE;
ALTER TABLE outbox DROP CONSTRAINT outbox_has_one_subject;
ALTER TABLE outbox ADD CONSTRAINT outbox_has_one_subject
    CHECK (num_nonnulls(invitation_id, user_id, email, email_change_id) = 1
        AND (organization_id IS NULL) = (invitation_id IS NULL));

CREATE INDEX outbox_email_change_index ON outbox (email_change_id) WHERE email_change_id IS NOT NULL;

-- An address that can be given back is nobody else's meanwhile.
CREATE FUNCTION is_reserved_email(address text, for_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM email_changes WHERE old_email = address AND changed_at IS NOT NULL
                       AND expires_at > statement_timestamp() AND user_id IS DISTINCT FROM for_user)
$$;

-- It answers as a taken one does. After the row, so that it sees what was committed while the row waited for the index of
-- addresses.
CREATE FUNCTION refuse_reserved_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_reserved_email(NEW.email, NEW.id) THEN
        RAISE unique_violation USING CONSTRAINT = 'users_email_key', MESSAGE = 'this address is reserved';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER users_email_is_not_reserved AFTER INSERT OR UPDATE OF email ON users
    FOR EACH ROW WHEN (NEW.email IS NOT NULL) EXECUTE FUNCTION refuse_reserved_email();
