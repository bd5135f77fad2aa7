-- Forms under way, so that one that is sent twice at once is done once: by a double click without scripts, say, on whichever
-- server each of the two arrives. Losing it in a crash costs nothing.
CREATE UNLOGGED TABLE submissions (
    -- SHA-256 of the session's secret, the form and what is in it.
    lookup     bytea       NOT NULL CONSTRAINT submissions_pkey PRIMARY KEY,
    -- Of which, with the session's secret, the ticket to what came of it is derived.
    salt       bytea       NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    -- Whether it changed nothing.
    is_refused boolean     NOT NULL DEFAULT false,
    -- Where the answer leads to; nothing if that ends in a secret.
    location   text
);

CREATE INDEX submissions_started_at_index ON submissions (started_at);
