// askers.mjs: people and API keys of a filled database that ask a gateway's question and may: their secrets are known, since
// they are made here.
import { createHash, randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const sha256 = (data) => createHash("sha256").update(data).digest();

function crc32(text) {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

// The form of decision 41: a prefix, 43 characters, six of checksum.
export function token(prefix) {
  let text = prefix;
  for (const byte of randomBytes(43)) text += ALPHABET[byte % 62];
  let rest = crc32(text);
  let check = "";
  for (let digit = 0; digit < 6; digit += 1) {
    check = ALPHABET[rest % 62] + check;
    rest = Math.floor(rest / 62);
  }
  return text + check;
}

const LARGE = "SELECT organization_id, project_id FROM project_slugs WHERE slug = 'foundation-models'";

// Signs people in; answers the value of each one's cookie header.
export async function signIn(client, users) {
  const secrets = users.map(() => randomBytes(32));
  await client.query(
    `INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
     SELECT gen_random_uuid(), hash, user_id, now(), now(), now() + interval '1 day', '', ''
     FROM unnest($1::bytea[], $2::uuid[]) s (hash, user_id)`,
    [secrets.map(sha256), users],
  );
  return secrets.map((secret) => `roster=${secret.toString("base64url")}`);
}

// A gateway's token, an endpoint of the large project, and so many of its people and keys, taken from all over it.
export async function askers(client, count) {
  const gateway = token("rsg_");
  await client.query(
    `INSERT INTO gateway_tokens (id, name, token_hash, created_at, reads_ssh_keys)
     VALUES (gen_random_uuid(), 'measuring ' || now(), $1, now(), true)`,
    [sha256(gateway)],
  );
  const endpoint =
    await client.query(`SELECT id FROM resources WHERE kind = 'endpoint' AND (organization_id, project_id) = (${LARGE})
    ORDER BY id LIMIT 1`);
  const people = await client.query(
    `SELECT user_id FROM collaborators WHERE (organization_id, project_id) = (${LARGE})
       AND (expires_at IS NULL OR expires_at > now() + interval '1 day') ORDER BY md5(user_id::text) LIMIT $1`,
    [count],
  );
  const keys = await client.query(
    `SELECT organization_id, project_id, id FROM api_keys WHERE (organization_id, project_id) = (${LARGE})
       AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now() + interval '1 day') ORDER BY md5(id::text) LIMIT $1`,
    [count],
  );
  const secrets = keys.rows.map(() => token("rsk_"));
  await client.query(
    `UPDATE api_key_secrets s SET secret_hash = k.hash FROM unnest($1::bytea[], $2::uuid[]) k (hash, id)
     WHERE (s.organization_id, s.project_id) = (${LARGE}) AND s.key_id = k.id`,
    [secrets.map(sha256), keys.rows.map((key) => key.id)],
  );
  return {
    headers: {
      "X-Roster-Gateway": gateway,
      "X-Roster-Resource": `endpoint/${endpoint.rows[0].id}`,
      "X-Roster-Action": "endpoint:use",
    },
    cookies: await signIn(
      client,
      people.rows.map((person) => person.user_id),
    ),
    keys: secrets.map((secret) => `Bearer ${secret}`),
  };
}
