-- J11. What a form that was sent without scripts came to, until the next page shows it: an outcome, what was typed, perhaps the
-- secret of a new API key. Each row is sealed with a key made of a cookie's random value and of who it is for; `lookup` is made of
-- the same, by another derivation. So the table says nothing about anybody, and a copy of it opens nothing.
--
-- Unlogged: it is written to no log and sent to no replica, and losing it in a crash costs a message.
CREATE UNLOGGED TABLE flashes (
    lookup     bytea       NOT NULL CONSTRAINT flashes_pkey PRIMARY KEY,
    sealed     bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT flashes_lookup_is_derived CHECK (octet_length(lookup) = 32),
    CONSTRAINT flashes_sealed_is_small CHECK (octet_length(sealed) <= 65536)
);

CREATE INDEX flashes_expires_at_index ON flashes (expires_at);
