-- each: resources
-- Resources of all kinds, one in ten in the large project.
INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_by, created_at, updated_at)
SELECT j.organization, j.id, seed.id(j.created_at + seed.chance(g.n, 'resource made') * (s.now - j.created_at), g.n, 'resource'), k.kind,
       w.shown || '-' || g.n,
       CASE WHEN seed.chance(g.n, 'failed') < 0.05 THEN 'failed' ELSE k.state END, k.details, r.id,
       j.created_at + seed.chance(g.n, 'resource made') * (s.now - j.created_at), s.now
FROM generate_series($1::bigint, $2::bigint) g (n)
CROSS JOIN seed.scale s
JOIN (VALUES
    (0, 'cluster', 'running', jsonb '{"gpu": "NVIDIA H100 SXM 80 GB", "nodes": 4, "gpus_per_node": 8, "scheduler": "slurm"}'),
    (1, 'volume', 'ready', jsonb '{"size_gib": 10240, "sharing": "shared", "region": "eu-north-1"}'),
    (2, 'model', 'ready', jsonb '{"base_model": "Qwen/Qwen2.5-7B-Instruct", "method": "lora"}'),
    (3, 'endpoint', 'running', jsonb '{"model": "summarizer", "gpu": "NVIDIA L40S 48 GB", "replicas": 2}'),
    (4, 'evaluation', 'completed', jsonb '{"model": "summarizer", "benchmark": "MMLU", "score": "61.8 %"}'),
    (5, 'file', 'ready', jsonb '{"purpose": "fine_tuning", "size_bytes": 1932735283}')
) k (n, kind, state, details) ON k.n = g.n / 10 % 6
JOIN seed.projects j ON j.n = CASE WHEN g.n % 10 = 0 THEN 1
    ELSE 1 + floor(power(seed.chance(g.n, 'resource project'), 1.5) * (SELECT count(*) FROM seed.projects))::bigint END
JOIN seed.homes h ON h.n = j.home
LEFT JOIN seed.residents r ON r.home = h.n AND r.place = 1 + floor(seed.chance(g.n, 'resource creator') * h.people)::bigint
JOIN seed.words w ON w.kind = 'key' AND w.n = 1 + g.n % (SELECT count(*) FROM seed.words WHERE kind = 'key')
ORDER BY g.n;
