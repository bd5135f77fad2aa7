-- Whether the database takes changes is asked by a row that is never committed (`GET /readyz`): a standby, a server that was made
-- read-only or whose disk is full refuses it.
CREATE TABLE write_probes (
    at timestamptz NOT NULL
);
