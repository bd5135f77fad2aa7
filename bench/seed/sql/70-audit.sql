-- each: audit
-- A year of audit in the order of time, three in ten of the large project, one in fifty about no organization. Three in a
-- hundred are refusals, of which some were counted (A4).
WITH made AS (
    INSERT INTO audit_events (id, at, organization_id, project_id, actor_kind, actor_id, credential, action, refusal, target_id, target,
                              before, after, address, request_id)
    SELECT seed.id(e.at, e.n, 'audit'), e.at, j.organization, CASE WHEN a.of_project THEN j.id END,
           CASE WHEN actor.id IS NULL THEN 'nobody' ELSE 'user' END, actor.id, 'session:' || left(md5('credential' || e.n), 8), a.action,
           CASE WHEN e.refused THEN 'forbidden' END, target.id, target.email,
           CASE WHEN a.changes THEN jsonb_build_object('role', 'member') END,
           CASE WHEN a.changes AND NOT e.refused THEN jsonb_build_object('role', 'admin', 'target', target.id) END,
           '192.0.2.' || e.n % 256, left(md5('request' || e.n), 16)
    FROM (
        SELECT n, s.now - interval '365 days' + interval '365 days' * ((n - 1)::float8 / s.audit) AS at,
               seed.chance(n, 'refused') < 0.03 AS refused,
               CASE WHEN seed.chance(n, 'about') < 0.02 THEN NULL WHEN seed.chance(n, 'about') < 0.32 THEN 1
                    ELSE 1 + floor(power(seed.chance(n, 'audit project'), 2) * (SELECT count(*) FROM seed.projects))::bigint END AS project,
               1 + floor(power(seed.chance(n, 'action'), 2) * 10)::int AS action
        FROM generate_series($1::bigint, $2::bigint) n CROSS JOIN seed.scale s
    ) e
    LEFT JOIN seed.projects j ON j.n = e.project
    LEFT JOIN seed.homes h ON h.n = j.home
    JOIN (VALUES
        (1, 'collaborator:add', true, true), (2, 'api_key:create', true, false), (3, 'file:create', true, false),
        (4, 'evaluation:create', true, false), (5, 'model:create', true, false), (6, 'collaborator:update_role', true, true),
        (7, 'api_key:revoke', true, false), (8, 'collaborator:remove', true, true), (9, 'member:update_role', false, true),
        (10, 'endpoint:create', true, false)
    ) a (n, action, of_project, changes) ON a.n = e.action
    LEFT JOIN seed.residents actor ON actor.home = h.n AND actor.place = 1 + floor(seed.chance(e.n, 'actor') * h.people)::bigint
    LEFT JOIN seed.residents target ON a.changes AND target.home = h.n
        AND target.place = 1 + floor(seed.chance(e.n, 'target') * h.people)::bigint
    ORDER BY e.n
    RETURNING id, at, refusal
)
INSERT INTO audit_repeats (kind, window_start, event_at, event_id, count, last_at)
SELECT sha256(convert_to('kind ' || id, 'UTF8')), date_bin('10 minutes', at, 'epoch'), at, id, 3, at + interval '1 minute'
FROM made WHERE refusal IS NOT NULL AND hashtextextended(id::text, 0) % 3 = 0;
