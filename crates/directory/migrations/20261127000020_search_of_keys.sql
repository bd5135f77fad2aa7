-- A search among the 100,000 API keys of one project read them all, and so did counting those that work (K4, C10).

-- A part of a key's name. Built in the migration's transaction and not concurrently: that waits for every other transaction, and
-- those of servers that start beside this one wait for the migrations' lock.
CREATE INDEX api_keys_search_index ON api_keys USING gin (lower(name) gin_trgm_ops);

-- How many keys of a project work: for its settings, and for the quota (P4, J12). Without it both read every key it ever had.
CREATE INDEX api_keys_working_index ON api_keys (organization_id, project_id, expires_at, is_default) WHERE revoked_at IS NULL;

-- A project is of one organization. Taken for independent, both together seem to leave almost no rows, and a search takes the
-- wrong way round.
CREATE STATISTICS api_keys_project_statistics (dependencies) ON organization_id, project_id FROM api_keys;
CREATE STATISTICS collaborators_project_statistics (dependencies) ON organization_id, project_id FROM collaborators;
CREATE STATISTICS resources_project_statistics (dependencies) ON organization_id, project_id FROM resources;
ANALYZE api_keys, collaborators, resources;
