// cases.mjs: what is asked of a filled database: every list, search, page and decision, as requests. What is searched for and
// who asks differs from request to request where it can.
import { askers, signIn } from "./askers.mjs";

const ORGANIZATION = "northern-robotics";
const PROJECT = "foundation-models";

// Who asks for pages: the Owner of the large organization, for whom most is to be found.
async function ownerOf(client) {
  const { rows } = await client.query("SELECT id, owner_id FROM organizations WHERE slug = $1", [ORGANIZATION]);
  const [cookie] = await signIn(client, [rows[0].owner_id]);
  return { organization: rows[0].id, user: rows[0].owner_id, cookie };
}

const texts = async (client, sql) => (await client.query(sql)).rows.map((row) => Object.values(row)[0]);

// What is searched for. A rare text is one person's address, or one thing's name; there are many of each.
async function searches(client) {
  const large = `(SELECT organization_id FROM project_slugs WHERE slug = '${PROJECT}')`;
  const project = `(SELECT project_id FROM project_slugs WHERE slug = '${PROJECT}')`;
  const some = "ORDER BY md5(id::text) LIMIT 200";
  return {
    people: await texts(
      client,
      `SELECT email FROM (SELECT u.email, u.id FROM collaborators c JOIN users u ON u.id = c.user_id
       WHERE c.organization_id = ${large} AND c.project_id = ${project}) p ${some}`,
    ),
    keys: await texts(
      client,
      `SELECT name FROM api_keys WHERE organization_id = ${large} AND project_id = ${project} AND NOT is_default ${some}`,
    ),
    models: await texts(
      client,
      `SELECT name FROM resources WHERE organization_id = ${large} AND project_id = ${project} AND kind = 'model' ${some}`,
    ),
    invitations: await texts(client, `SELECT email FROM invitations WHERE organization_id = ${large} ${some}`),
    projects: await texts(client, `SELECT name FROM projects WHERE organization_id = ${large} ${some}`),
  };
}

// The cursor of a page in the middle of a list of people by name.
async function middle(client, table, where) {
  const { rows } = await client.query(
    `SELECT user_id, name, role, (extract(epoch FROM added_at) * 1000000)::bigint::text AS micros FROM ${table} WHERE ${where}
     ORDER BY name, user_id OFFSET (SELECT count(*) / 2 FROM ${table} WHERE ${where}) LIMIT 1`,
  );
  const [{ user_id: user, name, role, micros }] = rows;
  const fields = JSON.stringify({ sort: "name", order: "asc", role, name, user });
  return Buffer.from(fields.replace(/}$/, `,"added":${micros}000}`)).toString("base64url");
}

const query = (name, values) => values.map((value) => `?${name}=${encodeURIComponent(value)}`);

const peopleSearches = (found) => [
  ["a frequent first name", query("q", ["anna", "maria", "james"])],
  ["a surname", query("q", ["huber", "rossi", "moreau", "tanaka"])],
  ["one person's address", query("q", found.people)],
  ["nobody", query("q", ["qxzvk", "wqjxy", "zzqkv"])],
];

async function pages(client) {
  const found = await searches(client);
  const { organization, cookie } = await ownerOf(client);
  const project = (await texts(client, `SELECT project_id FROM project_slugs WHERE slug = '${PROJECT}'`))[0];
  const inProject = `organization_id = '${organization}' AND project_id = '${project}'`;
  const half = query("after", [await middle(client, "collaborators", inProject)]);
  const halfMembers = query("after", [await middle(client, "members", `organization_id = '${organization}'`)]);
  const settings = `/settings/projects/${PROJECT}`;
  const org = `/settings/organization/${ORGANIZATION}`;
  const lists = {
    collaborators: [
      `${settings}/collaborators`,
      ["first page", [""]],
      ["page in the middle", half],
      ["by role, descending", ["?sort=role&order=desc"]],
      ["latest first", ["?sort=added&order=desc"]],
      ["externals", ["?kind=external"]],
      ["organization's Admins", ["?kind=admin"]],
      ["everybody's domain", ["?q=%40northern-robotics.test"]],
      ...peopleSearches(found),
    ],
    members: [
      `${org}/members`,
      ["first page", [""]],
      ["page in the middle", halfMembers],
      ["Admins", ["?role=admin"]],
      ...peopleSearches(found),
    ],
    invitations: [
      `${org}/invitations`,
      ["first page", [""]],
      ["accepted", ["?state=accepted"]],
      ["expired", ["?state=expired"]],
      ["one address", query("q", found.invitations).map((text) => `${text}&state=accepted`)],
    ],
    "organization's projects": [`${org}/projects`, ["first page", [""]], ["one name", query("q", found.projects)]],
    "API keys": [
      `${settings}/api-keys`,
      ["first page", [""]],
      ["revoked", ["?state=revoked"]],
      ["a frequent word", ["?q=notebook"]],
      ["one name", query("q", found.keys)],
      ["nothing", ["?q=qxzvk"]],
    ],
    resources: [
      `/projects/${PROJECT}/models`,
      ["first page", [""]],
      ["by name", ["?sort=name"]],
      ["failed", ["?state=failed"]],
      ["one name", query("q", found.models)],
    ],
    pages: [
      "",
      ["project, with its resources by kind", [`/projects/${PROJECT}`]],
      ["usage", [`/projects/${PROJECT}/usage`]],
      ["project's settings", [settings]],
      ["organization", [org]],
      ["sessions", ["/settings/sessions"]],
      ["SSH keys", ["/settings/ssh-keys"]],
      ["own API keys", ["/settings/my-api-keys"]],
    ],
  };
  return Object.entries(lists).flatMap(([list, [path, ...asked]]) =>
    asked.map(([name, rest]) => ({
      name: `${list}: ${name}`,
      requests: rest.map((part) => ({ path: path + part, headers: { Accept: "text/html", Cookie: cookie } })),
    })),
  );
}

async function decisions(client) {
  const { headers, cookies, keys } = await askers(client, 1_000);
  const asked = (caller) => ({ path: "/gateway/authorize", headers: { ...headers, ...caller } });
  const { rows } = await client.query(
    `SELECT r.id FROM resources r JOIN project_slugs s ON s.project_id = r.project_id
     WHERE s.slug = $1 AND r.organization_id = s.organization_id AND r.kind = 'cluster' LIMIT 1`,
    [PROJECT],
  );
  const login = `/ssh/authorized-keys?cluster=${rows[0].id}&user=ubuntu`;
  const shown = await texts(
    client,
    `SELECT k.fingerprint FROM collaborators c JOIN project_slugs s ON s.project_id = c.project_id JOIN ssh_keys k ON k.user_id = c.user_id
     WHERE s.slug = '${PROJECT}' AND c.organization_id = s.organization_id ORDER BY md5(k.id::text) LIMIT 200`,
  );
  const gateway = { "X-Roster-Gateway": headers["X-Roster-Gateway"] };
  return [
    { name: "decision: a person's session", requests: cookies.map((cookie) => asked({ Cookie: cookie })) },
    { name: "decision: an API key", requests: keys.map((key) => asked({ Authorization: key })) },
    {
      name: "decision: log in with this SSH key",
      requests: shown.map((print) => ({ path: `${login}&fingerprint=${encodeURIComponent(print)}`, headers: gateway })),
    },
  ];
}

export const reads = async (client) => [...(await decisions(client)), ...(await pages(client))];

// Members of the large organization that aren't in its large project yet, to be added and removed again.
export async function changes(client, count) {
  const { user, cookie, organization } = await ownerOf(client);
  const { rows } = await client.query(
    `SELECT u.id, u.email FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.organization_id = $1 AND m.role = 'member' AND NOT EXISTS (
         SELECT FROM collaborators c JOIN project_slugs s ON s.project_id = c.project_id
         WHERE s.slug = $3 AND c.organization_id = $1 AND c.user_id = m.user_id
     ) ORDER BY md5(u.id::text) LIMIT $2`,
    [organization, count, PROJECT],
  );
  const form = (name, fields) => ({
    method: "POST",
    path: `/api/${name}`,
    headers: {
      Accept: "application/json",
      "Content-Type": "application/x-www-form-urlencoded",
      Cookie: cookie,
      "Sec-Fetch-Site": "same-origin",
      "X-Roster-As": user,
    },
    body: new URLSearchParams({ project: PROJECT, ...fields }).toString(),
  });
  return [
    {
      name: "adding a collaborator",
      requests: rows.map((person) => form("add_collaborator", { email: person.email })),
    },
    {
      name: "removing a collaborator",
      requests: rows.map((person) => form("remove_collaborator", { user: person.id })),
    },
  ];
}
