-- once
-- What the other files share. Everything here is in a schema of its own, which the last file drops.
CREATE SCHEMA seed;

-- The sizes that were asked for, and the time that everything is counted back from.
CREATE TABLE seed.scale (
    organizations bigint NOT NULL,
    people        bigint NOT NULL,
    collaborators bigint NOT NULL,
    keys          bigint NOT NULL,
    audit         bigint NOT NULL,
    resources     bigint NOT NULL,
    invitations   bigint NOT NULL,
    sessions      bigint NOT NULL,
    password_hash text   NOT NULL,
    now           timestamptz NOT NULL DEFAULT date_trunc('second', now())
);

-- A number from 0 to 1, always the same for the same arguments.
CREATE FUNCTION seed.chance(n bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (hashtextextended(what, n) & 9007199254740991)::float8 / 9007199254740992 $$;

-- A UUIDv7: the milliseconds, then what looks random and is the same in each run.
CREATE FUNCTION seed.id(at timestamptz, n bigint, what text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT overlay(overlay(
       lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || substr(md5(what || n), 13)
       PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid $$;

-- One of 1 to `most`: 1 is frequent, `most` is rare, each half as often as one at half its place (Zipf).
CREATE FUNCTION seed.zipf(chance float8, most bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT least(most, floor(exp(chance * ln(most + 1)))::bigint) $$;

-- Words by their place; the more frequent come first. `plain` is how one is written in an address.
CREATE TABLE seed.words (kind text, n bigint, shown text, plain text, PRIMARY KEY (kind, n));
