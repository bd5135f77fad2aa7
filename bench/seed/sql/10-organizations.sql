-- each: organizations
-- The organizations as they will be: 1 is the large one. They were founded from five to three years ago, each by the person of
-- that number.
CREATE TABLE IF NOT EXISTS seed.organizations (
    n bigint PRIMARY KEY, id uuid, default_project uuid, slug text, name text, owner bigint, created_at timestamptz
);

INSERT INTO seed.organizations
SELECT o.n, seed.id(o.at, o.n, 'organization'), seed.id(o.at, o.n, 'default'),
       CASE o.n WHEN 1 THEN 'northern-robotics' ELSE a.plain || '-' || b.plain || '-' || o.n END,
       CASE o.n WHEN 1 THEN 'Northern Robotics' ELSE a.shown || ' ' || b.shown END,
       o.owner, o.at
FROM (
    SELECT n, 1 + (n - 1) * greatest(1, s.people * 2 / 5 / s.organizations) AS owner,
           s.now - interval '5 years' + interval '2 years' * ((n - 1)::float8 / s.organizations) + interval '1 hour' AS at
    FROM generate_series($1::bigint, $2::bigint) n CROSS JOIN seed.scale s
) o
JOIN seed.words a ON a.kind = 'first word' AND a.n = 1 + o.n % (SELECT count(*) FROM seed.words WHERE kind = 'first word')
JOIN seed.words b ON b.kind = 'trade' AND b.n = 1 + o.n / 7 % (SELECT count(*) FROM seed.words WHERE kind = 'trade');
