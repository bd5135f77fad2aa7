-- once
-- The large project: 99 of 100 of its collaborators are members of its organization, the others are externals (X1).
WITH wanted AS (
    SELECT p.n, p.id, p.name, false AS is_external
    FROM seed.people p JOIN members m ON m.user_id = p.id AND m.organization_id = (SELECT id FROM seed.organizations WHERE n = 1)
    WHERE p.home = 1 AND m.role = 'member' AND p.n <= (SELECT people FROM seed.scale)
    ORDER BY seed.chance(p.n, 'collaborator') LIMIT (SELECT collaborators - collaborators / 100 FROM seed.scale)
), externals AS (
    SELECT p.n, p.id, p.name, true AS is_external
    FROM seed.people p
    WHERE p.home > 1 AND NOT EXISTS (
        SELECT FROM members m WHERE m.user_id = p.id AND m.organization_id = (SELECT id FROM seed.organizations WHERE n = 1)
    )
    ORDER BY seed.chance(p.n, 'external') LIMIT (SELECT collaborators / 100 FROM seed.scale)
)
INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at, expires_at)
SELECT j.organization, j.id, w.id, w.name, CASE WHEN seed.chance(w.n, 'project admin') < 0.02 THEN 'admin' ELSE 'member' END, owner.id,
       j.created_at + seed.chance(w.n, 'added') * (s.now - j.created_at),
       CASE WHEN seed.chance(w.n, 'ends') < CASE WHEN w.is_external THEN 0.3 ELSE 0.02 END
            THEN s.now + interval '1 year' * (seed.chance(w.n, 'end') - 0.1) END
FROM (TABLE wanted UNION ALL TABLE externals) w
CROSS JOIN seed.scale s
JOIN seed.projects j ON j.n = 1
JOIN seed.organizations o ON o.n = 1
JOIN seed.people owner ON owner.n = o.owner
ORDER BY seed.chance(w.n, 'added');
