-- Accounts and their sessions. Looked up without knowing a tenant, so these tables carry none.

-- Search by a part of a name or address stays fast in large organizations (C10).
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE users (
    id            uuid                      NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    email         text                      NOT NULL CONSTRAINT users_email_key UNIQUE,
    -- Names sort as people expect, whatever the case and script.
    name          text COLLATE "und-x-icu"  NOT NULL,
    password_hash text                      NOT NULL,
    created_at    timestamptz               NOT NULL,
    CONSTRAINT users_email_is_lower_case CHECK (email = lower(email)),
    -- Lists keep a copy of the name to sort by; their foreign keys to this pair keep the copy true.
    CONSTRAINT users_id_name_key UNIQUE (id, name)
);

CREATE INDEX users_search_index ON users USING gin ((lower(name) || ' ' || email) gin_trgm_ops);

CREATE TABLE sessions (
    id           uuid        NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    -- SHA-256 of the cookie's value: a copy of this table signs nobody in.
    token_hash   bytea       NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
    user_id      uuid        NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    address      text        NOT NULL,
    user_agent   text        NOT NULL,
    CONSTRAINT sessions_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);

CREATE INDEX sessions_user_id_index ON sessions (user_id);

-- Counts attempts in windows of time, for every server alike. Losing it in a crash costs nothing.
CREATE UNLOGGED TABLE attempts (
    bucket       text        NOT NULL CONSTRAINT attempts_pkey PRIMARY KEY,
    window_start timestamptz NOT NULL,
    count        integer     NOT NULL
);

CREATE INDEX attempts_window_start_index ON attempts (window_start);
