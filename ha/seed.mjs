// The people, the project, the sessions and the tokens of a run. Written into the database, since how they come to be is
// tested elsewhere; the gateway's token is made by the operator's command.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes, randomUUID } from "node:crypto";

/** Everybody's password, and its Argon2id hash. */
export const PASSWORD = "correct-horse-battery";
const PASSWORD_HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$k0RsgTGl7K/yVbp40d5ieQ$Ly7I8nNuNN6MJuHDaseTFuoT+dEq1SlGKNCo8ElRrII";

/** Makes an organization with so many Admins, who change things, and people, who are changed. */
export async function seed(database, { admins, people }) {
  const person = (name) => addPerson(database, name);
  const organization = { id: randomUUID(), slug: "acme" };
  const project = { id: randomUUID(), slug: "research" };
  const owner = await person("Olivia Owner");
  await addOrganization(database, organization, owner);
  await database.query(
    `WITH project AS (
       INSERT INTO projects (organization_id, id, name, is_default, allow_externals, created_at)
       VALUES ($1, $2, 'Research', false, false, now())
     )
     INSERT INTO project_slugs (slug, organization_id, project_id) VALUES ($3, $1, $2)`,
    [organization.id, project.id, project.slug],
  );
  const join = async (name, role) => {
    const found = await person(name);
    await database.query(
      `INSERT INTO members (organization_id, user_id, name, role, added_by, added_at) VALUES ($1, $2, $3, $4, $5, now())`,
      [organization.id, found.id, found.name, role, owner.id],
    );
    return found;
  };
  const seeded = { organization, project, admins: [], people: [] };
  for (let nth = 0; nth < admins; nth++) seeded.admins.push(await join(`Admin ${nth}`, "admin"));
  for (let nth = 0; nth < people; nth++) seeded.people.push(await join(`Person ${nth}`, "member"));
  return seeded;
}

async function addPerson(database, name) {
  const id = randomUUID();
  const email = `${name.toLowerCase().replaceAll(" ", "-")}@acme.test`;
  const secret = randomBytes(32);
  await database.query(
    "INSERT INTO users (id, email, name, password_hash, created_at, email_proved_at) VALUES ($1, $2, $3, $4, now(), now())",
    [id, email, name, PASSWORD_HASH],
  );
  await database.query(
    `INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
     VALUES ($1, $2, $3, now(), now(), now() + interval '30 days', '192.0.2.1', 'ha')`,
    [randomUUID(), createHash("sha256").update(secret).digest(), id],
  );
  return { id, name, email, cookie: `roster=${secret.toString("base64url")}` };
}

/** The organization, its Owner, its Default Project and that one's key, whole, in one statement (O1, D1, D6, W1). */
async function addOrganization(database, organization, owner) {
  await database.query(
    `WITH organization AS (
       INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
       VALUES ($1, $2, 'Acme', true, now(), $3, $5)
     ), member AS (
       INSERT INTO members (organization_id, user_id, name, role, added_at) VALUES ($1, $3, $4, 'admin', now())
     ), project AS (
       INSERT INTO projects (organization_id, id, name, is_default, created_at) VALUES ($1, $5, 'Default', true, now())
     ), key AS (
       INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
       VALUES ($1, $5, gen_random_uuid(), 'Organization Default Key', 'use', true, '', '', now())
     )
     INSERT INTO project_slugs (slug, organization_id, project_id) VALUES ('acme-default', $1, $5)`,
    [organization.id, organization.slug, owner.id, owner.name, randomUUID()],
  );
}

/** A gateway's token, by the command that an operator uses. */
export function gatewayToken(roster, url) {
  const args = ["admin", "gateway-token", "create", "ha", "--organization", "acme", "--json"];
  const printed = execFileSync(roster, args, { env: { ...process.env, DATABASE_URL: url }, encoding: "utf8" });
  return /rsg_[0-9A-Za-z]{49}/.exec(printed)[0];
}
