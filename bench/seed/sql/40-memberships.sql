-- each: people
-- Everybody is a member where they are at home, one in twenty of a second organization.
INSERT INTO members (organization_id, user_id, name, role, added_by, added_at)
SELECT o.id, p.id, p.name,
       CASE WHEN seed.chance(p.n, 'admin') < CASE p.home WHEN 1 THEN 0.0015 ELSE 0.03 END THEN 'admin' ELSE 'member' END,
       owner.id, greatest(p.created_at, o.created_at) + seed.chance(p.n, 'joined') * (s.now - greatest(p.created_at, o.created_at))
FROM seed.people p
JOIN seed.organizations o ON o.n = p.home AND o.owner <> p.n
JOIN seed.people owner ON owner.n = o.owner
CROSS JOIN seed.scale s
WHERE p.n BETWEEN $1 AND $2
ORDER BY p.n;

INSERT INTO members (organization_id, user_id, name, role, added_by, added_at)
SELECT o.id, p.id, p.name, 'member', owner.id,
       greatest(p.created_at, o.created_at) + seed.chance(p.n, 'second joined') * (s.now - greatest(p.created_at, o.created_at))
FROM seed.people p
CROSS JOIN seed.scale s
JOIN seed.organizations o ON o.n = seed.zipf(seed.chance(p.n, 'second'), s.organizations)
JOIN seed.people owner ON owner.n = o.owner
WHERE p.n BETWEEN $1 AND $2 AND seed.chance(p.n, 'has second') < 0.05 AND o.n <> p.home
ORDER BY p.n;
