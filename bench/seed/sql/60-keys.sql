-- each: keys
-- One key in ten is of the large project. Nobody knows the secret of any. Some have an end, some have ended, some were revoked.
WITH wanted AS (
    SELECT g.n, j.organization, j.id AS project, r.id AS creator, w.shown || '-' || g.n AS name, md5('key' || g.n) AS look, s.now,
           j.created_at + seed.chance(g.n, 'key made') * (s.now - j.created_at) AS at
    FROM generate_series($1::bigint, $2::bigint) g (n)
    CROSS JOIN seed.scale s
    JOIN seed.projects j ON j.n = CASE WHEN g.n % 10 = 0 THEN 1
        ELSE 1 + floor(power(seed.chance(g.n, 'key project'), 1.5) * (SELECT count(*) FROM seed.projects))::bigint END
    JOIN seed.homes h ON h.n = j.home
    LEFT JOIN seed.residents r ON r.home = h.n AND r.place = 1 + floor(seed.chance(g.n, 'key creator') * h.people)::bigint
    JOIN seed.words w ON w.kind = 'key' AND w.n = 1 + g.n % (SELECT count(*) FROM seed.words WHERE kind = 'key')
), made AS (
    INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by, created_at, expires_at,
                          revoked_at, last_used_at)
    SELECT organization, project, seed.id(at, n, 'key'), name, CASE WHEN seed.chance(n, 'reach') < 0.1 THEN 'manage' ELSE 'use' END,
           'rsk_' || left(look, 4), right(look, 4), creator, at,
           CASE WHEN seed.chance(n, 'expires') < 0.25 THEN at + interval '1 year' END,
           CASE WHEN seed.chance(n, 'revoked') < 0.1 THEN at + seed.chance(n, 'when revoked') * (now - at) END,
           CASE WHEN seed.chance(n, 'used') < 0.6 THEN at + seed.chance(n, 'when used') * (now - at) END
    FROM wanted ORDER BY n
    RETURNING organization_id, project_id, id
)
INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id)
SELECT sha256(convert_to('nobody knows ' || id, 'UTF8')), organization_id, project_id, id FROM made;
