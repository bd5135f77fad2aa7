-- Proof of address (J1 to J4): who has shown that they read the mailbox their account is named after.

-- When the address was proved; null until then. A proof is of the address that is in the row.
ALTER TABLE users ADD COLUMN email_proved_at timestamptz;
ALTER TABLE users ADD CONSTRAINT users_proof_has_address CHECK (email_proved_at IS NULL OR email IS NOT NULL);

-- Of the accounts that exist, those are proved for whom the audit holds a proof (decision 76): a new password set by a
-- mailed link, an account made by the operator, and the people of the demo data, which is only ever loaded into an
-- empty database. All others have to prove their address. Nobody loses a membership, a role, a session or a key by
-- this.
UPDATE users SET email_proved_at = now()
WHERE email IS NOT NULL AND (
    id IN (
        SELECT target_id FROM audit_events
        WHERE refusal IS NULL AND (action = 'user:reset_password' OR (action = 'user:create' AND actor_kind = 'operator'))
    )
    OR created_at < (SELECT min(at) FROM audit_events WHERE action = 'demo:load' AND refusal IS NULL)
);

-- J1: a link that was mailed proves the address when it is used; one that was shown to copy does not. Of links made
-- before this nobody knows which they are.
ALTER TABLE invitation_tokens ADD COLUMN is_mailed boolean NOT NULL DEFAULT false;

-- The links that prove an address. SHA-256 of the secret: a copy of this table proves nothing.
CREATE TABLE email_verification_tokens (
    token_hash bytea       NOT NULL CONSTRAINT email_verification_tokens_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT email_verification_tokens_user_id_fkey REFERENCES users ON DELETE CASCADE,
    -- The address it was mailed to, which is the only one it proves.
    email      text        NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT email_verification_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX email_verification_tokens_user_index ON email_verification_tokens (user_id);

-- What a mail is about, and an address as a third kind of subject: a link to a new password or a sign-up is wanted for
-- an address, and whether that has an account is looked up when the mail is made. So wanting one takes the same work
-- either way (X6).
ALTER TABLE outbox ADD COLUMN kind text;
ALTER TABLE outbox ADD COLUMN email text;
UPDATE outbox SET kind = CASE WHEN invitation_id IS NULL THEN 'password_reset' ELSE 'invitation' END;
ALTER TABLE outbox ALTER COLUMN kind SET NOT NULL;
ALTER TABLE outbox DROP CONSTRAINT outbox_has_one_subject;
DELETE FROM outbox o USING users u WHERE u.id = o.user_id AND u.email IS NULL;
UPDATE outbox o SET email = u.email, user_id = NULL FROM users u WHERE u.id = o.user_id;
ALTER TABLE outbox ADD CONSTRAINT outbox_has_one_subject
    CHECK (num_nonnulls(invitation_id, user_id, email) = 1 AND (organization_id IS NULL) = (invitation_id IS NULL));

CREATE INDEX outbox_email_index ON outbox (email) WHERE email IS NOT NULL;
