-- A search among the 100,000 API keys of one project read them all (K4, C10).

-- A part of a key's name. Built at once and not concurrently: that waits for every other transaction, and those of servers that
-- start beside this one wait for the migrations' lock.
CREATE INDEX api_keys_search_index ON api_keys USING gin (lower(name) gin_trgm_ops);

-- A project is of one organization. Taken for independent, both together seem to leave almost no rows, and a search takes the
-- wrong way round.
CREATE STATISTICS api_keys_project_statistics (dependencies) ON organization_id, project_id FROM api_keys;
CREATE STATISTICS collaborators_project_statistics (dependencies) ON organization_id, project_id FROM collaborators;
CREATE STATISTICS resources_project_statistics (dependencies) ON organization_id, project_id FROM resources;
ANALYZE api_keys, collaborators, resources;
