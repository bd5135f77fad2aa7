-- What protects an account beside its password: the devices it is used on, and when its person last proved to be there.

-- J8, J9. A device is a browser that signed in to the account before. SHA-256 of its cookie's value: a copy of this table makes
-- no browser a known one.
CREATE TABLE devices (
    token_hash    bytea       NOT NULL,
    user_id       uuid        NOT NULL CONSTRAINT devices_user_id_fkey REFERENCES users ON DELETE CASCADE,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    CONSTRAINT devices_pkey PRIMARY KEY (token_hash, user_id),
    CONSTRAINT devices_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX devices_user_index ON devices (user_id, last_seen_at);

-- J7. When the person last gave their password in this session, by the database's clock. Of sessions that are there already
-- nothing is known but when they began.
ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;
UPDATE sessions SET confirmed_at = created_at;
ALTER TABLE sessions ALTER COLUMN confirmed_at SET DEFAULT now(), ALTER COLUMN confirmed_at SET NOT NULL;

-- J8. Word to a person about their own account. It is mailed to the address that the account has when it is sent.
ALTER TABLE outbox ADD COLUMN notice text
    CONSTRAINT outbox_notice_known CHECK (notice IN ('new_device', 'password_changed', 'email_changed', 'ssh_key_added',
        'became_owner', 'became_admin'));
-- From where it was done, or which organization it is about.
ALTER TABLE outbox ADD COLUMN notice_detail text;
ALTER TABLE outbox ADD CONSTRAINT outbox_notice_has_person CHECK (notice IS NULL OR user_id IS NOT NULL);
