-- each: people
-- The people as they will be. `home` is the organization whose address they have: the large one has a fifth more people than
-- the collaborators of its large project, the others as they come, few of them large.
CREATE TABLE IF NOT EXISTS seed.people (
    n bigint PRIMARY KEY, id uuid, name text COLLATE "und-x-icu", email text, home bigint, created_at timestamptz
);

INSERT INTO seed.people
SELECT p.n, seed.id(p.at, p.n, 'person'), f.shown || ' ' || l.shown, f.plain || '.' || l.plain || p.n || '@' || o.slug || '.test',
       o.n, p.at
FROM (
    SELECT g.n, s.now - interval '5 years' + interval '5 years' * ((g.n - 1)::float8 / s.people) AS at,
           COALESCE(
               founded.n,
               CASE WHEN s.organizations = 1 OR seed.chance(g.n, 'large') < s.collaborators * 1.2 / s.people THEN 1
                    ELSE 1 + seed.zipf(seed.chance(g.n, 'home'), s.organizations - 1) END
           ) AS home,
           1 + floor(power(seed.chance(g.n, 'first'), 2) * f.most)::bigint AS first,
           1 + floor(power(seed.chance(g.n, 'last'), 2) * l.most)::bigint AS last
    FROM generate_series($1::bigint, $2::bigint) g (n) CROSS JOIN seed.scale s
    LEFT JOIN seed.organizations founded ON founded.owner = g.n
    CROSS JOIN (SELECT count(*) AS most FROM seed.words WHERE kind = 'first name') f
    CROSS JOIN (SELECT count(*) AS most FROM seed.words WHERE kind = 'last name') l
) p
JOIN seed.organizations o ON o.n = p.home
JOIN seed.words f ON f.kind = 'first name' AND f.n = p.first
JOIN seed.words l ON l.kind = 'last name' AND l.n = p.last;

INSERT INTO users (id, email, name, password_hash, created_at, email_proved_at)
SELECT p.id, p.email, p.name, s.password_hash, p.created_at,
       CASE WHEN seed.chance(p.n, 'proved') < 0.98 OR o.owner = p.n THEN p.created_at + interval '5 minutes' END
FROM seed.people p JOIN seed.organizations o ON o.n = p.home CROSS JOIN seed.scale s
WHERE p.n BETWEEN $1 AND $2
ORDER BY p.n;

INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
SELECT seed.id(p.created_at + interval '1 day', p.n, 'ssh'), p.id, 'laptop', 'ssh-ed25519',
       'ssh-ed25519 ' || encode(k.blob, 'base64'), 'SHA256:' || rtrim(encode(sha256(k.blob), 'base64'), '='),
       p.created_at + interval '1 day'
FROM seed.people p
CROSS JOIN LATERAL (
    SELECT '\x0000000b'::bytea || 'ssh-ed25519'::bytea || '\x00000020'::bytea || sha256(convert_to('ssh ' || p.n, 'UTF8')) AS blob
) k
WHERE p.n BETWEEN $1 AND $2 AND p.n % 5 = 0
ORDER BY p.n;
