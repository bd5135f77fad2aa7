-- each: people
-- Others are in up to three projects at home, the first projects being the larger ones; some are Admins of the Default Project
-- (D3), some are externals elsewhere.
WITH wanted AS (
    SELECT p.n, p.id, p.name, h.first_project + h.projects - 1 AS last,
           h.first_project - 1 + seed.zipf(seed.chance(p.n * 3 + i, 'project'), h.projects) + CASE p.home WHEN 1 THEN 1 ELSE 0 END AS project
    FROM seed.people p JOIN seed.homes h ON h.n = p.home
    CROSS JOIN generate_series(1, floor(seed.chance(p.n, 'how many') * 2.5)::bigint) i
    WHERE p.n BETWEEN $1 AND $2
), externals AS (
    SELECT p.n, p.id, p.name, 1 + floor(power(seed.chance(p.n, 'elsewhere'), 2) * (SELECT count(*) FROM seed.projects))::bigint AS project
    FROM seed.people p
    WHERE p.n BETWEEN $1 AND $2 AND seed.chance(p.n, 'is external') < 0.02
)
INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at, expires_at)
SELECT j.organization, j.id, w.id, w.name, CASE WHEN seed.chance(w.n, 'lead') < 0.1 THEN 'admin' ELSE 'member' END, owner.id,
       j.created_at + seed.chance(w.n + j.n, 'added') * (s.now - j.created_at),
       CASE WHEN seed.chance(w.n + j.n, 'ends') < 0.05 THEN s.now + interval '1 year' * (seed.chance(w.n, 'end') - 0.1) END
FROM (
    SELECT n, id, name, project FROM wanted WHERE project <= last
    UNION
    SELECT x.n, x.id, x.name, x.project FROM externals x JOIN seed.projects e ON e.n = x.project WHERE e.allow_externals AND e.n > 1
) w
CROSS JOIN seed.scale s
JOIN seed.projects j ON j.n = w.project
JOIN seed.organizations o ON o.n = j.home
JOIN seed.people owner ON owner.n = o.owner
ORDER BY w.n
ON CONFLICT ON CONSTRAINT collaborators_pkey DO NOTHING;

INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
SELECT o.id, o.default_project, p.id, p.name, 'admin', owner.id, greatest(p.created_at, o.created_at)
FROM seed.people p
JOIN seed.organizations o ON o.n = p.home AND o.owner <> p.n
JOIN seed.people owner ON owner.n = o.owner
WHERE p.n BETWEEN $1 AND $2 AND seed.chance(p.n, 'leads default') < 0.005
ORDER BY p.n;
