// What is in the database in the end, for the judge to compare.

/** Reads the state of every subject, and which requests the audit knows as done. */
export async function readTruth(database, project) {
  const states = new Map();
  const rows = async (sql) => (await database.query(sql, [project.id])).rows;
  for (const { id, role } of await rows("SELECT user_id AS id, role FROM collaborators WHERE project_id = $1")) {
    states.set(id, role);
  }
  const keys = await rows(
    `SELECT encode(s.secret_hash, 'hex') AS id, k.revoked_at IS NOT NULL AS is_revoked
     FROM api_keys k JOIN api_key_secrets s ON s.key_id = k.id WHERE k.project_id = $1`,
  );
  for (const { id, is_revoked: isRevoked } of keys) states.set(id, isRevoked ? "revoked" : "active");
  for (const { name } of await rows("SELECT name FROM resources WHERE project_id = $1")) states.set(name, "there");
  const audited = await rows("SELECT request_id FROM audit_events WHERE project_id = $1 AND refusal IS NULL");
  return { states, requests: new Set(audited.map((row) => row.request_id)) };
}
