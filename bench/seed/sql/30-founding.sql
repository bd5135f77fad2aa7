-- once
-- Organizations with their Default Project, their Owner and their default key: none of them can be without the others (O1, D6,
-- W1), which is checked when this is committed.
CREATE INDEX people_home ON seed.people (home, n);

INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
SELECT o.id, o.slug, o.name, true, o.created_at, p.id, o.default_project
FROM seed.organizations o JOIN seed.people p ON p.n = o.owner
ORDER BY o.n;

INSERT INTO projects (organization_id, id, name, is_default, created_at)
SELECT id, default_project, 'Default Project', true, created_at FROM seed.organizations ORDER BY n;

INSERT INTO project_slugs (slug, organization_id, project_id)
SELECT slug || '-default', id, default_project FROM seed.organizations ORDER BY n;

INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
SELECT id, default_project, seed.id(created_at, n, 'default key'), 'Organization Default Key', 'use', true, '', '', created_at
FROM seed.organizations ORDER BY n;

INSERT INTO members (organization_id, user_id, name, role, added_at)
SELECT o.id, p.id, p.name, 'admin', o.created_at
FROM seed.organizations o JOIN seed.people p ON p.n = o.owner
ORDER BY o.n;

-- Who is at home where, by place, so that one of them can be taken at random; and how many they are.
CREATE TABLE seed.residents AS
SELECT home, row_number() OVER (PARTITION BY home ORDER BY n) AS place, n, id, email FROM seed.people;
ALTER TABLE seed.residents ADD PRIMARY KEY (home, place);

-- The projects as they will be: the large organization has many, the others up to 40.
CREATE TABLE seed.projects AS
SELECT row_number() OVER (ORDER BY o.n, place) AS n, o.n AS home, place, o.id AS organization,
       seed.id(o.created_at + interval '1 year' * place / o.most, o.n * 100000 + place, 'project') AS id,
       o.created_at + interval '1 year' * place / o.most AS created_at,
       (o.n = 1 AND place = 1) OR seed.chance(o.n * 100000 + place, 'externals') < 0.2 AS allow_externals
FROM (
    SELECT o.*, CASE o.n WHEN 1 THEN greatest(3, s.organizations / 2) ELSE seed.zipf(seed.chance(o.n, 'projects'), 40) END AS most
    FROM seed.organizations o CROSS JOIN seed.scale s
) o CROSS JOIN generate_series(1, o.most) place;
ALTER TABLE seed.projects ADD PRIMARY KEY (n);

CREATE TABLE seed.homes AS
SELECT o.n, o.id,
       (SELECT count(*) FROM seed.residents r WHERE r.home = o.n) AS people,
       (SELECT min(p.n) FROM seed.projects p WHERE p.home = o.n) AS first_project,
       (SELECT count(*) FROM seed.projects p WHERE p.home = o.n) AS projects
FROM seed.organizations o;
ALTER TABLE seed.homes ADD PRIMARY KEY (n);
ANALYZE seed.organizations, seed.people, seed.residents, seed.projects, seed.homes, users;

WITH named AS (
    SELECT p.*, CASE p.n WHEN 1 THEN 'Foundation Models' ELSE a.shown || ' ' || b.shown || ' ' || p.place END AS name
    FROM seed.projects p
    JOIN seed.words a ON a.kind = 'subject' AND a.n = 1 + p.n % (SELECT count(*) FROM seed.words WHERE kind = 'subject')
    JOIN seed.words b ON b.kind = 'work' AND b.n = 1 + p.n / 11 % (SELECT count(*) FROM seed.words WHERE kind = 'work')
), made AS (
    INSERT INTO projects (organization_id, id, name, is_default, allow_externals, created_at)
    SELECT organization, id, name, false, allow_externals, created_at FROM named ORDER BY n
)
INSERT INTO project_slugs (slug, organization_id, project_id)
SELECT CASE n WHEN 1 THEN 'foundation-models' ELSE lower(replace(name, ' ', '-')) || '-' || n END, organization, id
FROM named ORDER BY n;
