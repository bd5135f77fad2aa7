-- once
-- What each project used in the last 30 days, by day (D5). The single records behind it are left out: no page reads them.
INSERT INTO usage_days (organization_id, project_id, day, kind, unit, quantity, cost_micros)
SELECT j.organization, j.id, (s.now - make_interval(days => day))::date, u.kind, u.unit,
       round(seed.chance(j.n * 100 + day, u.kind) * 100000), round(seed.chance(j.n * 100 + day, u.kind) * 40000000)
FROM seed.projects j CROSS JOIN generate_series(0, 29) day CROSS JOIN seed.scale s
CROSS JOIN (VALUES ('cluster', 'gpu_seconds'), ('model', 'tokens')) u (kind, unit)
WHERE j.created_at < s.now - interval '30 days'
ORDER BY j.n, day;

SELECT make_audit_partition(month::date)
FROM seed.scale s
CROSS JOIN generate_series(date_trunc('month', s.now - interval '1 year'), s.now + interval '1 month', interval '1 month') month;
